"""Forms as they come in: text fields of bounded length, and the proof that the form was ours."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from idp.auth.secret_text import csrf_of, new_secret
from idp.errors import CallerError, InvalidSyntax, InvalidValue
from idp.http.keys import CONFIG
from idp.web import cookies
from idp.web.keys import FORM_SECRET, RANDOM, SESSION

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_FIELD: Final = 4096
_NAMES: Final = {"userName": "Username", "emails": "E-mail", "password": "Password"}


class NotOurForm(CallerError):
    """The form came from another site, or from a page of ours that has had its time."""

    def __init__(self) -> None:
        super().__init__("the form was not sent from a current page of this site")


@dataclass(frozen=True, slots=True)
class Form:
    """The text fields of a form; one that was not sent is empty."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return a field without the blanks around it."""
        return self.fields.get(name, "").strip()

    def secret(self, name: str) -> str:
        """Return a field as typed: blanks may belong to a password."""
        return self.fields.get(name, "")

    def new_password(self) -> str:
        """Return a new password that was typed twice alike. Raises InvalidValue."""
        if self.secret("new_password") != self.secret("confirm_password"):
            raise InvalidValue("password", "The two passwords are not the same.")
        return self.secret("new_password")


def sentence(error: InvalidValue) -> str:
    """Say what is wrong: some reasons are sentences, others continue the name of what was typed."""
    if error.reason[:1].isupper():
        return error.reason
    return f"{_NAMES.get(error.path, error.path)}: {error.reason}."


async def read_form(request: web.Request) -> Form:
    """Read the body; raises InvalidSyntax for files and for fields beyond any of ours."""
    fields: dict[str, str] = {}
    for name, value in (await request.post()).items():
        if not isinstance(value, str) or len(value) > LONGEST_FIELD:
            raise InvalidSyntax(f"the field {name[:40]!r} is not a text of ordinary length")
        fields.setdefault(name, value)
    return Form(fields)


def form_token(request: web.Request) -> str:
    """Return what every form of the answer carries: bound to the session, before that to the browser."""
    return csrf_of(_secret_of(request))


async def check_form(request: web.Request) -> None:
    """Do nothing if the request comes from a form of ours; else raise NotOurForm. Every unsafe method passes here."""
    if not _came_from_here(request):
        raise NotOurForm
    sent = (await read_form(request)).text("csrf_token")
    if not hmac.compare_digest(sent.encode("utf-8", "replace"), form_token(request).encode()):
        raise NotOurForm


def _secret_of(request: web.Request) -> str:
    if SESSION in request:
        return request.cookies[cookies.SESSION]
    if FORM_SECRET not in request:
        request[FORM_SECRET] = cookies.read(request, cookies.FORM) or new_secret(request.app[RANDOM])
    return request[FORM_SECRET]


def _came_from_here(request: web.Request) -> bool:
    # Browsers say it outright (Fetch Metadata); older ones name the origin; programs send neither and have the token.
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    ours = {urlsplit(request.app[CONFIG].public_url).netloc, request.host}
    try:
        return urlsplit(origin).netloc in ours
    except ValueError:
        return False
