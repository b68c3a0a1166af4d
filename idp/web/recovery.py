"""A forgotten password: asked for by name, chosen anew by a mailed link."""

from aiohttp import web

from idp.errors import InvalidValue, NotAuthenticated
from idp.http.actor import client_address
from idp.http.keys import PASSWORDS
from idp.web.forms import read_form, sentence
from idp.web.gate import redirect
from idp.web.login import REFUSED
from idp.web.rendering import render


async def show_forgot(request: web.Request) -> web.StreamResponse:
    """Ask who it is."""
    return render(request, "password/forgot.html")


async def submit_forgot(request: web.Request) -> web.StreamResponse:
    """Mail a link if there is an account; the answer is the same for everybody."""
    form = await read_form(request)
    await request.app[PASSWORDS].request_reset(form.text("username"), client_address(request))
    return render(request, "password/forgot_sent.html")


async def show_reset(request: web.Request) -> web.StreamResponse:
    """Show the form to whoever has a link in force."""
    token = request.query.get("token", "")
    if await request.app[PASSWORDS].reset_owner(token) is None:
        return _dead_link(request)
    return _page(request, token)


async def submit_reset(request: web.Request) -> web.StreamResponse:
    """Save the new password; signing in with it is the next step."""
    form = await read_form(request)
    token = form.text("token")
    try:
        await request.app[PASSWORDS].reset(token, form.new_password(), client_address(request))
    except NotAuthenticated:
        return _dead_link(request)
    except InvalidValue as error:
        return _page(request, token, sentence(error))
    return redirect("/login?notice=password-saved")


def _page(request: web.Request, token: str, error: str = "") -> web.Response:
    context = {"token": token, "rules": request.app[PASSWORDS].rules, "error": error}
    return render(request, "password/reset.html", context, status=REFUSED if error else 200)


def _dead_link(request: web.Request) -> web.Response:
    return render(request, "dead_link.html", {"kind": "reset"}, status=404)
