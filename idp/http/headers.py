"""Headers that make browsers careful; SCIM answers get only those that mean something to a program."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

_PAGES: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}
_TRANSPORT: Final = ("Strict-Transport-Security", "max-age=31536000")


def complete(response: web.StreamResponse) -> None:
    """Add what every answer has that does not set it itself, also where there is no request to speak of."""
    # Which versions run here is nobody's business.
    response.headers.setdefault("Server", "Gatehouse")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")


class SecurityHeaders:
    """Adds what a response does not set itself."""

    def __init__(self, *, https: bool) -> None:
        self._https = https

    def add(self, request: web.Request, response: web.StreamResponse) -> None:
        """Complete the headers of a response that is about to go out."""
        complete(response)
        if not f"{request.path}/".startswith("/scim/"):
            for name, value in _PAGES.items():
                response.headers.setdefault(name, value)
        if self._https:
            response.headers.setdefault(*_TRANSPORT)
