"""The set-up link: the first administrator of an empty installation."""

from aiohttp import web

from idp.errors import InvalidValue, NotAuthenticated
from idp.http.actor import client_address
from idp.http.keys import PASSWORDS, SETUP
from idp.web import login
from idp.web.forms import Form, read_form, sentence
from idp.web.paths import HOME
from idp.web.rendering import render


async def show(request: web.Request) -> web.StreamResponse:
    """Show the form to whoever has a link in force."""
    token = request.query.get("token", "")
    if not await request.app[SETUP].is_valid(token):
        return _dead_link(request)
    return _page(request, Form({"token": token}))


async def submit(request: web.Request) -> web.StreamResponse:
    """Create the administrator and go on as if they had just typed their password."""
    form = await read_form(request)
    username, password = form.text("username"), form.secret("new_password")
    try:
        await request.app[SETUP].complete(
            form.text("token"), username, form.text("email"), form.new_password(), client_address(request)
        )
    except NotAuthenticated:
        return _dead_link(request)
    except InvalidValue as error:
        return _page(request, form, error)
    return await login.enter(request, username, password, HOME)


def _page(request: web.Request, form: Form, error: InvalidValue | None = None) -> web.Response:
    context = {
        "token": form.text("token"),
        "username": form.text("username"),
        "email": form.text("email"),
        "rules": request.app[PASSWORDS].rules,
        "wrong": error.path if error else "",
        "error": sentence(error) if error else "",
    }
    return render(request, "setup.html", context, status=login.REFUSED if error else 200)


def _dead_link(request: web.Request) -> web.Response:
    return render(request, "dead_link.html", {"kind": "setup"}, status=404)
