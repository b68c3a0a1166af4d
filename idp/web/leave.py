"""Signing out: asked for by a button, done by a form."""

from aiohttp import web

from idp.http.actor import client_address
from idp.http.keys import SESSIONS
from idp.web import cookies
from idp.web.gate import redirect
from idp.web.keys import COOKIES, session_of
from idp.web.rendering import render


async def show(request: web.Request) -> web.StreamResponse:
    """Ask: a link from elsewhere must not be able to sign anybody out."""
    return render(request, "logout.html")


async def submit(request: web.Request) -> web.StreamResponse:
    """End this session."""
    await request.app[SESSIONS].end(session_of(request), client_address(request))
    response = redirect("/login?notice=signed-out")
    request.app[COOKIES].drop(response, cookies.SESSION)
    return response
