"""Signing in: one address, the page that the stored flow stands at, and one act for each form of those pages."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from aiohttp import web

from idp.auth import FlowGone, FlowView, IllegalMove, Step
from idp.errors import InvalidValue
from idp.http.actor import client_address
from idp.http.keys import CONFIG, LOGIN, SESSIONS
from idp.web import cookies
from idp.web.forms import Form, read_form, sentence
from idp.web.gate import redirect
from idp.web.keys import COOKIES, SESSION, session_of
from idp.web.paths import SIGN_IN, local_path
from idp.web.people import person
from idp.web.rendering import render

REFUSED: Final = 422
"""A form that comes back with an error is no page to remember or to cache."""

_PAGES: Final[Mapping[Step, str]] = {
    Step.SECOND_FACTOR: "login/factor.html",
    Step.ENROL: "login/enrol.html",
    Step.RECOVERY_CODES: "login/recovery_codes.html",
    Step.NEW_PASSWORD: "login/new_password.html",
}


async def show(request: web.Request) -> web.StreamResponse:
    """Show the page of the step where the login stands."""
    path, secret = local_path(request.query.get("next", "")), _flow_secret(request)
    flow = await request.app[LOGIN].view(secret) if secret else None
    if flow is None and SESSION in request and "again" not in request.query:
        return redirect(path)
    if flow is None or flow.step is Step.PASSWORD:
        username = person(session_of(request).user.document).login if SESSION in request else ""
        return _password_page(request, path, username)
    if flow.step is Step.DONE:
        return await _finish(request, flow)
    return _page(request, flow)


async def submit(request: web.Request) -> web.StreamResponse:
    """Carry out what the form of a step asks for."""
    form = await read_form(request)
    act = _ACTS.get(form.text("step") or "password")
    if act is None:
        raise redirect(SIGN_IN)
    try:
        return await act(request, form)
    except FlowGone:
        response = redirect("/login?notice=expired")
        request.app[COOKIES].drop(response, cookies.FLOW)
        return response
    except IllegalMove:
        # An old page, or a second press: show where the login really stands.
        return redirect(SIGN_IN)


async def enter(request: web.Request, username: str, password: str, path: str) -> web.StreamResponse:
    """Begin a login with name and password, under a new secret."""
    login, address = request.app[LOGIN], client_address(request)
    _, secret = await login.begin(path, address)
    flow = await login.password(secret, username, password, address)
    if flow.step is Step.DONE:
        return await _finish(request, flow, secret)
    if flow.step is Step.PASSWORD:
        return _password_page(request, path, username, flow.error)
    response = _page(request, flow) if flow.error else redirect(SIGN_IN)
    request.app[COOKIES].put(response, cookies.FLOW, secret)
    return response


async def _password(request: web.Request, form: Form) -> web.StreamResponse:
    return await enter(request, form.text("username"), form.secret("password"), local_path(form.text("next")))


async def _choose(request: web.Request, form: Form) -> web.StreamResponse:
    flow = await request.app[LOGIN].choose(_flow_secret(request), form.text("factor"))
    return _page(request, flow) if flow.error else redirect(SIGN_IN)


async def _second_factor(request: web.Request, form: Form) -> web.StreamResponse:
    flow = await request.app[LOGIN].factor(_flow_secret(request), form.text("code"), client_address(request))
    return await _answer(request, flow)


async def _enrol(request: web.Request, form: Form) -> web.StreamResponse:
    flow, codes = await request.app[LOGIN].enrol_confirm(
        _flow_secret(request), form.text("code"), client_address(request)
    )
    # The one answer with the codes: they cannot be had by loading a page again.
    return _page(request, flow, codes) if codes else await _answer(request, flow)


async def _recovery_codes(request: web.Request, form: Form) -> web.StreamResponse:
    return await _answer(request, await request.app[LOGIN].codes_seen(_flow_secret(request)))


async def _new_password(request: web.Request, form: Form) -> web.StreamResponse:
    login, secret = request.app[LOGIN], _flow_secret(request)
    try:
        return await _answer(request, await login.new_password(secret, form.new_password(), client_address(request)))
    except InvalidValue as error:
        flow = await login.view(secret)
        if flow is None or flow.step is not Step.NEW_PASSWORD:
            raise FlowGone from error
        return _page(request, replace(flow, error=sentence(error)))


async def _start_over(request: web.Request, form: Form) -> web.StreamResponse:
    response = redirect(SIGN_IN)
    request.app[COOKIES].drop(response, cookies.FLOW)
    return response


_ACTS: Final[Mapping[str, Callable[[web.Request, Form], Awaitable[web.StreamResponse]]]] = {
    Step.PASSWORD: _password,
    "choose": _choose,
    Step.SECOND_FACTOR: _second_factor,
    Step.ENROL: _enrol,
    Step.RECOVERY_CODES: _recovery_codes,
    Step.NEW_PASSWORD: _new_password,
    "start_over": _start_over,
}


async def _answer(request: web.Request, flow: FlowView) -> web.StreamResponse:
    if flow.error:
        return _page(request, flow)
    return await _finish(request, flow) if flow.step is Step.DONE else redirect(SIGN_IN)


async def _finish(request: web.Request, flow: FlowView, secret: str | None = None) -> web.StreamResponse:
    address, agent = client_address(request), request.headers.get("User-Agent", "")
    _, session_secret = await request.app[LOGIN].finish(secret or _flow_secret(request), address, agent)
    if SESSION in request:
        # The browser forgets the cookie it had; nobody else shall have kept it.
        await request.app[SESSIONS].end(session_of(request), address)
    response = redirect(local_path(flow.next))
    request.app[COOKIES].put(response, cookies.SESSION, session_secret)
    request.app[COOKIES].drop(response, cookies.FLOW)
    return response


def _password_page(request: web.Request, path: str, username: str = "", error: str | None = None) -> web.Response:
    context = {"next": path, "username": username, "error": error}
    return render(request, "login/password.html", context, status=REFUSED if error else 200)


def _page(request: web.Request, flow: FlowView, codes: tuple[str, ...] = ()) -> web.Response:
    lifetime = request.app[CONFIG].login.code_lifetime
    context = {
        "flow": flow,
        "error": flow.error,
        "codes": codes,
        "rules": flow.rules,
        # Whole minutes, as the mail says: never more than the code is good for.
        "code_lifetime": lifetime - lifetime % 60 if lifetime > 60 else lifetime,
    }
    return render(request, _PAGES[flow.step], context, status=REFUSED if flow.error else 200)


def _flow_secret(request: web.Request) -> str:
    return cookies.read(request, cookies.FLOW) or ""
