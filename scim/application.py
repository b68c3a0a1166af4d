"""Puts SCIM into the server: everything below /scim."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import msgspec
from aiohttp import web

from idp.errors import NotFound
from idp.http.keys import (
    CLIENT_LOG,
    CLIENTS,
    CLOCK,
    CONFIG,
    GROUPS,
    PERSONAL_TOKENS,
    REGISTRY,
    REHEARSE,
    RESOURCES,
    SEALER,
    USERS,
)
from scim import discovery
from scim.bearers import Bearers
from scim.bulk import BulkLimits, bulk_endpoint
from scim.cursor import Cursors
from scim.dry_run import with_dry_runs, without_dry_run
from scim.endpoints import Limits, ResourceEndpoints
from scim.errors import FilterForbidden
from scim.exchange import respond_encoded
from scim.me import MeEndpoints
from scim.messages import list_response
from scim.messages.search_request import parameters
from scim.middleware import guard
from scim.projection import without_secrets
from scim.provider import GroupProvider, Provider, ResourceProvider, UserProvider
from scim.request_log import RequestLog
from scim.root_search import RootSearch
from scim.spelling import LooselySpelt

ROOT: Final = "/scim"
# RFC 7644 section 3.13: the version may stand in the path; without it the newest that there is, which is the same.
FORMS: Final = (f"{ROOT}/v2", ROOT)
# RFC 7643 section 5: how to authenticate should be readable before one can.
_PUBLIC: Final = frozenset(f"{form}/ServiceProviderConfig" for form in FORMS)
Handler = Callable[[web.Request], Awaitable[web.Response]]


def setup(app: web.Application, limits: Limits | None = None) -> None:
    """Add the endpoints over the services that are in the application; the settings say the limits, unless given."""
    config = app[CONFIG]
    limits = limits or Limits(config.scim.default_count, config.scim.max_results)
    bearers = Bearers(app[CLIENTS], app[PERSONAL_TOKENS])
    app.middlewares.append(guard(bearers, RequestLog(app[CLIENT_LOG], app[CLOCK], FORMS), ROOT, _PUBLIC))
    for form in FORMS:
        # Routes of the whole application, not a sub-application: the way through two routers is a tenth of a request.
        routes = _routes(app, config.public_url + form, limits)
        app.add_routes([web.RouteDef(each.method, form + each.path, each.handler, each.kwargs) for each in routes])
    app.router.register_resource(LooselySpelt(ROOT, FORMS, app.router))


def _routes(app: web.Application, base: str, limits: Limits) -> list[web.RouteDef]:
    """Return all routes; every URI in their answers begins with the base."""
    config, registry = app[CONFIG], app[REGISTRY]
    routes: list[web.RouteDef] = []
    providers: dict[str, Provider] = {"User": UserProvider(app[USERS]), "Group": GroupProvider(app[GROUPS])}
    providers |= {name: ResourceProvider(resources) for name, resources in app[RESOURCES].items()}
    cursors = Cursors(app[SEALER], app[CLOCK], timedelta(seconds=config.scim.cursor_timeout))
    shown = {name: without_secrets(kind) for name, kind in registry.resource_types.items()}
    types: list[ResourceEndpoints] = []
    rehearsable: list[web.RouteDef] = []
    for name, each in providers.items():
        kind = registry.resource_types[name]
        over = partial(ResourceEndpoints, kind, base=base, limits=limits, cursors=cursors)
        types.append(over(each))
        rehearsable += with_dry_runs(types[-1].routes(), kind, over, app[REHEARSE], shown)
    root = RootSearch(types, limits, cursors)
    routes += [web.get("", root.read), web.get("/", root.read), web.post("/.search", root.search)]
    bulk = BulkLimits(config.scim.bulk_max_operations, min(config.scim.bulk_max_payload, config.server.max_body))
    routes.append(web.post("/Bulk", bulk_endpoint(app, providers, base, bulk).post))
    features = discovery.Features(
        limits.max_results, limits.default_count, bulk.max_operations, bulk.max_payload, cursors.seconds
    )
    routes.append(web.get("/ServiceProviderConfig", _one(discovery.service_provider_config(features, base))))
    routes += _collection("/ResourceTypes", "ResourceType", discovery.resource_types(registry, base))
    routes += _collection("/Schemas", "Schema", discovery.schemas(registry, base))
    routes += MeEndpoints(next(each for each in types if each.name == "User")).routes()
    return [*rehearsable, *map(without_dry_run, routes)]


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
        if "filter" in parameters(request.query):
            raise FilterForbidden("discovery endpoints do not take filters")
        return respond_encoded(request, body)

    return answer
