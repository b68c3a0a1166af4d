"""Headers that make browsers careful; SCIM answers get only those that mean something to a program."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

_PAGES: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}
_TRANSPORT: Final = ("Strict-Transport-Security", "max-age=31536000")


class SecurityHeaders:
    """Adds what a response does not set itself."""

    def __init__(self, *, https: bool) -> None:
        self._https = https

    def add(self, request: web.Request, response: web.StreamResponse) -> None:
        """Complete the headers of a response that is about to go out."""
        headers = response.headers
        # Which versions run here is nobody's business.
        headers.setdefault("Server", "Gatehouse")
        if f"{request.path}/".startswith("/scim/"):
            headers.setdefault("X-Content-Type-Options", "nosniff")
        else:
            for name, value in _PAGES.items():
                headers.setdefault(name, value)
        if self._https:
            headers.setdefault(*_TRANSPORT)
