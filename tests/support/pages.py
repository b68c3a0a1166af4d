"""A browser without script or style: it follows links, fills forms and keeps cookies, over plain HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient


@dataclass
class HtmlForm:
    """A form as it stands on a page; `autocomplete` tells the names of its fields by what they are for."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    autocomplete: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Reply:
    """An answer as a person and a program see it."""

    status: int
    path: str
    headers: Mapping[str, str]
    html: str
    text: str
    forms: list[HtmlForm]

    def form(self, action: str, button: str = "") -> HtmlForm:
        """Return the form that is sent to this path, and that has a button of this value if one is asked for."""
        fitting = [form for form in self.forms if form.action == action]
        for form in fitting:
            if not button or button in [value for _, value in form.buttons]:
                return form
        raise LookupError(f"no form for {action} {button} on {self.path}: {self.text}")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self.words: list[str] = []
        self._form: HtmlForm | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = HtmlForm(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._form)
        elif self._form is not None and tag == "input":
            if given.get("type") != "checkbox":
                self._form.fields[given["name"]] = given.get("value", "")
            for token in given.get("autocomplete", "").split():
                self._form.autocomplete.setdefault(token, given["name"])
        elif self._form is not None and tag == "button" and "name" in given:
            self._form.buttons.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        self.words.append(data)


class Visitor:
    """Somebody at the pages, with cookies of their own; redirects are followed as a browser would."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value as the browser holds it."""
        return next((cookie.value for cookie in self.client.session.cookie_jar if cookie.key == name), None)

    async def get(self, path: str, **options: Any) -> Reply:
        """Open a page."""
        return await read_reply(await self.client.get(path, **options))

    async def post(self, path: str, data: Mapping[str, str], **options: Any) -> Reply:
        """Send fields somewhere, as they are."""
        return await read_reply(await self.client.post(path, data=data, **options))

    async def send(self, form: HtmlForm, **fields: str) -> Reply:
        """Fill a form and send it; fields are told by name, or by what they are for (`one_time_code`)."""
        tokens = {token.replace("-", "_"): name for token, name in form.autocomplete.items()}
        filled = {tokens.get(name, name): value for name, value in fields.items()}
        return await self.post(form.action, {**form.fields, **filled})


async def read_reply(response: ClientResponse) -> Reply:
    """Read an answer whole."""
    html = await response.text()
    reader = _Reader()
    reader.feed(html)
    text = " ".join(" ".join(reader.words).split())
    return Reply(response.status, response.url.path_qs, response.headers, html, text, reader.forms)
