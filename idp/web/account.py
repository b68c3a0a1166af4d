"""One's own account: how one signs in, and where one is signed in."""

from aiohttp import web

from idp.auth.people import has_local_password
from idp.errors import InvalidValue
from idp.http.actor import client_address
from idp.http.keys import ENROLMENT, PASSWORDS, SESSIONS
from idp.web.forms import read_form, sentence
from idp.web.gate import redirect
from idp.web.keys import session_of
from idp.web.login import REFUSED
from idp.web.paths import HOME
from idp.web.rendering import render


async def show(request: web.Request) -> web.StreamResponse:
    """Show it all."""
    session = session_of(request)
    context = {
        "has_password": has_local_password(session.user),
        "places": await request.app[SESSIONS].places(session),
        **await request.app[ENROLMENT].status(session),
    }
    return render(request, "account/overview.html", context)


async def show_password(request: web.Request) -> web.StreamResponse:
    """Show the form for a new password."""
    return _password_page(request)


async def submit_password(request: web.Request) -> web.StreamResponse:
    """Change the password."""
    form = await read_form(request)
    session, address = session_of(request), client_address(request)
    try:
        await request.app[PASSWORDS].change(session, form.secret("password"), form.new_password(), address)
    except InvalidValue as error:
        return _password_page(request, error)
    return redirect(f"{HOME}?notice=password-changed")


async def end_session(request: web.Request) -> web.StreamResponse:
    """Sign out in one place."""
    form = await read_form(request)
    await request.app[SESSIONS].end_one(session_of(request), form.text("session"), client_address(request))
    return redirect(f"{HOME}?notice=session-ended")


async def end_other_sessions(request: web.Request) -> web.StreamResponse:
    """Sign out everywhere else."""
    await request.app[SESSIONS].end_others(session_of(request), client_address(request))
    return redirect(f"{HOME}?notice=others-ended")


def _password_page(request: web.Request, error: InvalidValue | None = None) -> web.Response:
    context = {
        "rules": request.app[PASSWORDS].rules,
        "wrong": error.path if error else "",
        "error": sentence(error) if error else "",
    }
    return render(request, "account/password.html", context, status=REFUSED if error else 200)
