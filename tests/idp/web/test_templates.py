"""What no type checker sees: names that templates, style sheets and handlers must agree on."""

import re
from pathlib import Path

from idp.audit import Tag
from idp.web.assets import FOLDER
from idp.web.rendering import TABS

ROOT = FOLDER.parent
TEMPLATES = {path: path.read_text() for path in (ROOT / "templates").rglob("*.html")}
SHEETS = "".join(path.read_text() for path in FOLDER.glob("*.css"))
HANDLERS = "".join(path.read_text() for path in ROOT.rglob("*.py"))


def found(pattern: str, texts: str) -> set[str]:
    return set(re.findall(pattern, texts))


def keys_of(template: str, name: str) -> set[str]:
    """The keys of a mapping that a template sets."""
    body = TEMPLATES[ROOT / "templates" / "macros" / template].split(f"{{% set {name} = {{")[1].split("%}")[0]
    return found(r'^  "([^"]+)":', body) | set(re.findall(r'^  "([^"]+)":', body, re.MULTILINE))


def test_every_icon_that_is_asked_for_exists() -> None:
    texts = "".join(TEMPLATES.values())
    asked = found(r'icon\("([a-z]+)"', texts) | {tab.icon for tab in TABS}
    assert asked <= keys_of("icon.html", "shapes")


def test_every_notice_that_a_handler_sends_people_to_has_its_words() -> None:
    sent = found(r'notice=([a-z-]+)"', HANDLERS) | found(r'_back\(request, "([a-z-]+)"', HANDLERS)
    assert len(sent) > 5
    assert sent <= keys_of("notices.html", "notices")


def test_the_words_for_events_are_for_events_that_exist() -> None:
    words = keys_of("event.html", "words")
    assert len(words) > 30
    assert words <= {tag.value for tag in Tag}


def test_every_class_in_a_template_is_in_a_style_sheet() -> None:
    plain = found(r"\.([a-z][a-z-]*)", SHEETS)
    for path, text in TEMPLATES.items():
        for classes in re.findall(r'class="([^"{]*)"', text):
            assert set(classes.split()) <= plain, path


def test_no_template_has_what_the_policy_forbids() -> None:
    for path, text in TEMPLATES.items():
        assert not found(r"<style|\sstyle=|\son[a-z]+=|<script(?! src)|javascript:", text), path


def test_every_form_that_changes_something_carries_the_token() -> None:
    for path, text in TEMPLATES.items():
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
            assert "csrf_field(" in form, path


def test_pages_ask_for_nothing_from_elsewhere() -> None:
    for path, text in [*TEMPLATES.items(), (Path("css"), SHEETS), (Path("js"), (FOLDER / "page.js").read_text())]:
        assert not found(r"https?://(?!www\.w3\.org)", text), path
