"""Around every SCIM request: who asks (RFC 6750), and errors in SCIM's own form (RFC 7644 section 3.12)."""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from idp.errors import IdpError, NotAuthenticated, RateLimited, RemoteError
from idp.http.actor import client_address, set_actor
from idp.http.keys import CLIENTS
from scim.errors import detail, status_and_type
from scim.exchange import respond
from scim.messages import error as error_message

# RFC 7643 section 5: how to authenticate should be readable before one can.
_PUBLIC: Final = "/ServiceProviderConfig"


@web.middleware
async def scim_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Authenticate the client and turn every refusal into a SCIM error; what else goes wrong is passed on."""
    try:
        if not request.path.endswith(_PUBLIC):
            await _authenticate(request)
        return await handler(request)
    except IdpError as error:
        return error_response(request, error)
    except web.HTTPRequestEntityTooLarge:
        raise
    except web.HTTPException as error:
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        message = error_message.build(error.status, f"{request.method} {request.path}: {error.reason}")
        return respond(request, message, status=error.status, headers=allow)


def error_response(request: web.Request, error: Exception) -> web.StreamResponse:
    """Return the SCIM error for anything that was raised."""
    status, scim_type = status_and_type(error)
    headers: dict[str, str] = {}
    if isinstance(error, RateLimited | RemoteError):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, NotAuthenticated):
        given = ', error="invalid_token"' if "Authorization" in request.headers else ""
        headers["WWW-Authenticate"] = f'Bearer realm="scim"{given}'
    return respond(request, error_message.build(status, detail(error), scim_type), status=status, headers=headers)


async def _authenticate(request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated("a bearer token is needed")
    clients = request.config_dict[CLIENTS]
    set_actor(request, await clients.authenticate(token.strip(), client_address(request)))
