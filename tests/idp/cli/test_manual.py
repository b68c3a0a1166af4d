"""The manual holds what there is: commands, keys of directories, metrics; and its links lead somewhere."""

import re
from pathlib import Path

import msgspec
import pytest
import typer

from idp.cli.main import app
from idp.http.metrics import HttpMetrics
from ldap_bridge.sections import GroupSettings, LimitSettings, LoginSettings, SourceSettings, UserSettings

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(group: typer.Typer = app, name: str = "idp") -> list[str]:
    own = [f"{name} {command.name}" for command in group.registered_commands]
    inner = (
        commands(part.typer_instance, f"{name} {part.name}") for part in group.registered_groups if part.typer_instance
    )
    return own + [command for part in inner for command in part]


def directory_keys() -> list[str]:
    sections: dict[str, type[msgspec.Struct]] = {
        "users": UserSettings,
        "groups": GroupSettings,
        "limits": LimitSettings,
        "login": LoginSettings,
    }
    own = [field.name for field in msgspec.structs.fields(SourceSettings) if field.name not in sections]
    inner = (f"{name}.{field.name}" for name, kind in sections.items() for field in msgspec.structs.fields(kind))
    return [*own, *inner]


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_manual(command: str) -> None:
    assert re.search(rf"{re.escape(command)}\b", (ROOT / "docs" / "cli.md").read_text())


@pytest.mark.parametrize("key", directory_keys())
def test_every_key_of_a_directory_is_in_the_manual(key: str) -> None:
    assert f"`{key}`" in (ROOT / "docs" / "ldap.md").read_text()


def test_every_metric_is_in_the_manual() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    exposed = HttpMetrics().exposition(lag=0).body
    assert isinstance(exposed, bytes)
    ours = re.findall(r"^# TYPE (idp_\w+)", exposed.decode(), re.MULTILINE)
    assert len(ours) == 6
    for name in ours:
        assert f"`{name}`" in text


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith(("https:", "http:")):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(found), f"{page.name} links to {target}"
