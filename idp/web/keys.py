"""What requests and the application carry for the pages alone."""

from collections.abc import Callable
from typing import Final

from aiohttp import web

from idp.auth import Session
from idp.web.assets import Assets
from idp.web.cookies import Cookies

SESSION: Final[web.RequestKey[Session]] = web.RequestKey("session")
FORM_SECRET: Final[web.RequestKey[str]] = web.RequestKey("form_secret")

ASSETS: Final[web.AppKey[Assets]] = web.AppKey("assets")
COOKIES: Final[web.AppKey[Cookies]] = web.AppKey("cookies")
RANDOM: Final[web.AppKey[Callable[[int], bytes]]] = web.AppKey("random")


def session_of(request: web.Request) -> Session:
    """Return the session of a request that was let through because it has one."""
    return request[SESSION]
