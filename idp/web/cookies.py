"""The three cookies: a session, a login under way, and what anonymous forms are checked against."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

SESSION: Final = "idp_session"
FLOW: Final = "idp_flow"
FORM: Final = "idp_form"

_LONGEST: Final = 128


@dataclass(frozen=True, slots=True)
class Cookies:
    """Sets and reads them. `secure` when people reach the site by https."""

    secure: bool

    def put(self, response: web.StreamResponse, name: str, secret: str) -> None:
        """Give the browser a secret, kept from scripts and until the browser closes."""
        response.set_cookie(name, secret, path="/", httponly=True, samesite="Lax", secure=self.secure)

    def drop(self, response: web.StreamResponse, name: str) -> None:
        """Make the browser forget it."""
        response.del_cookie(name, path="/", httponly=True, samesite="Lax", secure=self.secure)


def read(request: web.Request, name: str) -> str | None:
    """Return the cookie; None when there is none, or one that was never ours."""
    text = request.cookies.get(name, "")
    return text if 0 < len(text) <= _LONGEST and text.isascii() and text.isalnum() else None
