"""`?dryRun=true`: answers what a request would change, and changes nothing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from idp.directory import Difference, Rehearsal
from idp.errors import InvalidValue
from idp.schema import ResourceType
from scim.endpoints import ResourceEndpoints
from scim.exchange import respond
from scim.projection import Reduce
from scim.provider import GroupProvider, Provider, ResourceProvider, UserProvider
from scim.request_log import CHANGED

SCHEMA: Final = "urn:gatehouse:params:scim:api:messages:2.0:DryRun"
_NAME: Final = "dryrun"
_CHANGING: Final = frozenset({"PUT", "PATCH", "DELETE"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Over = Callable[[Provider], ResourceEndpoints]


def is_dry(request: web.Request) -> bool:
    """Tell whether the request is only to be rehearsed. Raises InvalidValue for a value that is neither yes nor no."""
    for name, value in request.query.items() if request.query_string else ():
        # In any case: who asks for a dry run and misspells it must not get a real one.
        if name.lower() == _NAME:
            if value.lower() not in ("true", "false"):
                raise InvalidValue("dryRun", "expected true or false")
            if value.lower() == "true":
                return True
    return False


def without_dry_run(route: web.RouteDef) -> web.RouteDef:
    """Return the route with dry runs refused, where it may change something: none must be taken for a real request."""
    if route.method == "GET":
        return route
    changes_nothing = route.path.endswith("/.search")

    async def real(request: web.Request) -> web.StreamResponse:
        if is_dry(request) and not changes_nothing:
            raise InvalidValue("dryRun", f"{request.method} {request.path} cannot be rehearsed")
        return await route.handler(request)

    return web.RouteDef(route.method, route.path, real, route.kwargs)


def with_dry_runs(
    routes: Sequence[web.RouteDef],
    kind: ResourceType,
    over: Over,
    rehearse: Callable[[], Rehearsal],
    shown: Mapping[str, Reduce],
) -> list[web.RouteDef]:
    """Return the routes of a resource type with those that change something able to be rehearsed.

    `shown` takes away, by the resource's type, what is never returned.
    """

    def rehearsable(route: web.RouteDef) -> web.RouteDef:
        if route.method not in _CHANGING and (route.method, route.path) != ("POST", kind.endpoint):
            return without_dry_run(route)

        async def either(request: web.Request) -> web.StreamResponse:
            if not is_dry(request):
                return await route.handler(request)
            rehearsal = rehearse()
            handlers = {(one.method, one.path): one.handler for one in over(_provider(rehearsal, kind.name)).routes()}
            answer = await handlers[route.method, route.path](request)
            request[CHANGED] = {"dry run": "nothing"}
            return respond(request, _message(answer.status, rehearsal, shown))

        return web.RouteDef(route.method, route.path, either, route.kwargs)

    return [rehearsable(route) for route in routes]


def _provider(rehearsal: Rehearsal, name: str) -> Provider:
    services: Mapping[str, Callable[[], Provider]] = {
        "User": lambda: UserProvider(rehearsal.users),
        "Group": lambda: GroupProvider(rehearsal.groups),
    }
    return services[name]() if name in services else ResourceProvider(rehearsal.resources[name])


def _message(status: int, rehearsal: Rehearsal, shown: Mapping[str, Reduce]) -> dict[str, Any]:
    changes = [_told(one, shown[one.kind]) for one in rehearsal.differences()]
    return {"schemas": [SCHEMA], "status": str(status), "changes": changes}


def _told(one: Difference, shown: Reduce) -> dict[str, Any]:
    attributes = [
        _values(path, *(shown({path: value}).get(path) for value in values)) for path, values in one.attributes.items()
    ]
    told: dict[str, Any] = {"resourceType": one.kind, "id": one.id, "operation": one.operation}
    if attributes:
        told["attributes"] = attributes
    if one.added or one.removed:
        told["members"] = {"added": one.added, "removed": one.removed}
    return told


def _values(path: str, before: Any, after: Any) -> dict[str, Any]:
    given = {"before": before, "after": after}
    return {"path": path, **{name: value for name, value in given.items() if value is not None}}
