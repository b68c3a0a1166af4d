"""What stands before every page: who asks, whether the form is ours, whether a session is needed."""

from collections.abc import Awaitable, Callable
from enum import Enum, auto

from aiohttp import web

from idp.access import ANONYMOUS
from idp.auth import Session
from idp.auth.people import actor_of
from idp.http.actor import client_address, set_actor
from idp.http.keys import SESSIONS
from idp.web import cookies
from idp.web.forms import SAFE_METHODS, NotOurForm, check_form, read_form
from idp.web.keys import COOKIES, FORM_SECRET, SESSION
from idp.web.paths import HOME, SIGN_IN, local_path, login_path

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access(Enum):
    """Who gets to a page. What they may do there, the services decide."""

    ANYBODY = auto()
    SESSION = auto()


def guarded(handler: Handler, access: Access) -> Handler:
    """Return the handler with the gate before it."""

    async def guard(request: web.Request) -> web.StreamResponse:
        session = await _identify(request)
        if session is None and access is Access.SESSION:
            # What was posted is lost with the session; only a page can be returned to.
            raise redirect(login_path(request.path_qs if request.method in SAFE_METHODS else HOME))
        if request.method not in SAFE_METHODS:
            await _check(request, session)
        try:
            response = await handler(request)
        except web.HTTPException as answer:
            _remember_form(request, answer)
            raise
        _remember_form(request, response)
        return response

    return guard


async def _check(request: web.Request, session: Session | None) -> None:
    """Refuse a form that is not ours; one that belongs to a login which is over by now is passed over."""
    try:
        await check_form(request)
    except NotOurForm:
        if session is None or request.path != SIGN_IN:
            raise
        # Another tab of the browser has logged in since, and what this one asks for is there already.
        raise redirect(local_path((await read_form(request)).text("next"))) from None


def redirect(path: str) -> web.HTTPSeeOther:
    """Return the answer that sends the browser on, to GET another page."""
    return web.HTTPSeeOther(location=path)


async def _identify(request: web.Request) -> Session | None:
    address = client_address(request)
    secret = cookies.read(request, cookies.SESSION)
    session = await request.app[SESSIONS].resume(secret, address) if secret else None
    if session is None:
        set_actor(request, ANONYMOUS(address))
        return None
    request[SESSION] = session
    set_actor(request, actor_of(session.user, address))
    return session


def _remember_form(request: web.Request, response: web.StreamResponse) -> None:
    if FORM_SECRET in request and cookies.read(request, cookies.FORM) is None:
        request.app[COOKIES].put(response, cookies.FORM, request[FORM_SECRET])
