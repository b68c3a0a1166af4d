"""Around every SCIM request: who asks (RFC 6750), and errors in SCIM's own form (RFC 7644 section 3.12)."""

from http import HTTPStatus
from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from idp.auth import RefusedClient
from idp.errors import IdpError, NotAuthenticated, RateLimited, RemoteError, ScopeLacking
from idp.http.actor import begin, client_address, set_actor
from idp.http.metrics import route_of
from scim.bearers import Bearers
from scim.errors import detail, status_and_type
from scim.exchange import respond
from scim.messages import error as error_message
from scim.request_log import RequestLog


def guard(clients: Bearers, log: RequestLog, base: str, public: frozenset[str]) -> Middleware:
    """Return the middleware that authenticates clients and turns every refusal into a SCIM error.

    It looks after the paths below `base`; `public` names the routes that are open to anybody. Answers are noted in the
    log. What else goes wrong is passed on to the middleware around everything, which comes back to `error_response`.
    """

    below = f"{base}/"

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(below) and request.path != base:
            return await handler(request)
        started = perf_counter()
        try:
            if route_of(request) not in public:
                begun = begin(request)
                set_actor(request, await clients.authenticate(_bearer(request), client_address(request), begun))
            response = await handler(request)
        except IdpError as error:
            if isinstance(error, RefusedClient):
                set_actor(request, error.actor)
            response = error_response(request, error)
            log.note(request, response, started, error)
            return response
        except web.HTTPException as error:
            if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise
            response = _refusal(request, error)
        log.note(request, response, started)
        return response

    return guarded


def error_response(request: web.Request, error: Exception) -> web.StreamResponse:
    """Return the SCIM error for anything that was raised."""
    status, scim_type = status_and_type(error)
    headers: dict[str, str] = {}
    if isinstance(error, RateLimited | RemoteError):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, NotAuthenticated | ScopeLacking):
        headers["WWW-Authenticate"] = f'Bearer realm="scim"{_told(request, error)}'
    return respond(request, error_message.build(status, detail(error), scim_type), status=status, headers=headers)


def _told(request: web.Request, error: NotAuthenticated | ScopeLacking) -> str:
    """Return what a challenge says of the token; who brings none at all is told nothing (RFC 6750 section 3.1)."""
    if isinstance(error, ScopeLacking):
        return f', error="insufficient_scope", scope="{error.scope}"'
    return ', error="invalid_token"' if _is_bearer(request.headers.get("Authorization", "")) else ""


def _refusal(request: web.Request, error: web.HTTPException) -> web.Response:
    """Put what the router refused into words: an address nobody has, a method it does not know."""
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    message = error_message.build(error.status, f"{request.method} {request.path}: {error.reason}")
    return respond(request, message, status=error.status, headers=allow)


def _bearer(request: web.Request) -> str:
    given = request.headers.get("Authorization", "")
    if not _is_bearer(given):
        raise NotAuthenticated("a bearer token is needed")
    return given.partition(" ")[2].strip()


def _is_bearer(credentials: str) -> bool:
    scheme, _, token = credentials.partition(" ")
    return scheme.lower() == "bearer" and bool(token.strip())
