"""Puts SCIM into the server: one sub-application below /scim/v2."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from idp.errors import NotFound
from idp.http.keys import CONFIG, GROUPS, REGISTRY, USERS
from scim import discovery
from scim.endpoints import GetProvider, Limits, ResourceEndpoints
from scim.errors import FilterForbidden, NotImplementedHere
from scim.exchange import respond_encoded
from scim.messages import list_response
from scim.middleware import scim_middleware
from scim.provider import GroupProvider, UserProvider

BASE: Final = "/scim/v2"
Handler = Callable[[web.Request], Awaitable[web.Response]]


def setup(app: web.Application) -> None:
    """Add the endpoints. The registry and the settings must be in the application; the services may come later."""
    config, registry = app[CONFIG], app[REGISTRY]
    base = config.public_url + BASE
    limits = Limits(config.scim.default_count, config.scim.max_results)
    scim = web.Application(middlewares=[scim_middleware], client_max_size=config.server.max_body)
    for name, (provider, derived) in _PROVIDERS.items():
        endpoints = ResourceEndpoints(registry.resource_types[name], provider, derived, base, limits)
        scim.add_routes(endpoints.routes())
    features = discovery.Features(limits.max_results, limits.default_count)
    scim.add_routes([web.get("/ServiceProviderConfig", _one(discovery.service_provider_config(features, base)))])
    scim.add_routes(_collection("/ResourceTypes", "ResourceType", discovery.resource_types(registry, base)))
    scim.add_routes(_collection("/Schemas", "Schema", discovery.schemas(registry, base)))
    scim.add_routes([web.route("*", "/Me", _not_implemented), web.route("*", "/Bulk", _not_implemented)])
    app.add_subapp(BASE, scim)


_PROVIDERS: Final[Mapping[str, tuple[GetProvider, str]]] = {
    "User": (lambda request: UserProvider(request.config_dict[USERS]), UserProvider.derived),
    "Group": (lambda request: GroupProvider(request.config_dict[GROUPS]), GroupProvider.derived),
}


def _collection(path: str, kind: str, found: Mapping[str, dict[str, Any]]) -> list[web.RouteDef]:
    """Return the routes of a discovery endpoint: all of them, and each by its id in any case."""
    everything = _one(list_response.build(list(found.values()), total=len(found)))
    each = {name.lower(): _one(resource) for name, resource in found.items()}

    async def one(request: web.Request) -> web.Response:
        asked = request.match_info["id"]
        if asked.lower() not in each:
            raise NotFound(kind, asked)
        return await each[asked.lower()](request)

    return [web.get(path, everything), web.get(f"{path}/{{id}}", one)]


def _one(payload: Any) -> Handler:
    """Return a handler that always answers the same."""
    body = msgspec.json.encode(payload)

    async def answer(request: web.Request) -> web.Response:
        if "filter" in request.query:
            raise FilterForbidden("discovery endpoints do not take filters")
        return respond_encoded(request, body)

    return answer


async def _not_implemented(request: web.Request) -> web.Response:
    raise NotImplementedHere(f"{request.path} is not implemented")
