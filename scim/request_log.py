"""Notes each request of a client: what was asked, how it ended, and what it changed, without telling values."""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from aiohttp import web

from idp.access import ActorKind
from idp.auth import ClientLog, LogEntry
from idp.clock import Clock
from idp.directory import Resource
from idp.errors import IdpError
from idp.http.actor import ACTOR, client_address
from idp.http.metrics import route_of
from idp.http.middleware import REQUEST_ID
from idp.schema import ResourceType

CHANGED: Final[web.RequestKey[Mapping[str, str]]] = web.RequestKey("changed")
_SHOWN: Final = 2
_FIRST_ERROR: Final = 400


class RequestLog:
    """Writes into the log of each client; `forms` are the ways in which paths begin, which are the same to it."""

    def __init__(self, log: ClientLog, clock: Clock, forms: Sequence[str]) -> None:
        self._log = log
        self._clock = clock
        self._forms = forms

    def note(
        self, request: web.Request, response: web.StreamResponse, started: float, error: Exception | None = None
    ) -> None:
        """Keep what is known of a client's request that is answered; all others are in the access log alone."""
        actor = request.get(ACTOR)
        if actor is None or actor.kind is not ActorKind.CLIENT:
            return
        if request.method == "GET" and response.status < _FIRST_ERROR and self._log.skip_read(actor.id):
            return
        entry = LogEntry(
            at=self._clock.now(),
            operation=f"{request.method} {self._within(route_of(request))}",
            resource=request.match_info.get("id") or response.headers.get("Location", "").rpartition("/")[2],
            status=response.status,
            milliseconds=(perf_counter() - started) * 1000,
            address=client_address(request),
            request=request.get(REQUEST_ID, ""),
            changed=request.get(CHANGED),
            detail=str(error) if isinstance(error, IdpError) else "",
        )
        self._log.note(actor.id, entry)

    def _within(self, route: str) -> str:
        begun = next((form for form in self._forms if route.startswith(form)), "")
        return route.removeprefix(begun) or "/"


def note_changes(request: web.Request, kind: ResourceType, resource: Resource) -> None:
    """Keep what a request has changed; what is never returned is not even hinted at."""
    if resource.changed:
        request[CHANGED] = {name: _redacted(kind, name, resource.document.get(name)) for name in resource.changed}


def _redacted(kind: ResourceType, name: str, value: Any) -> str:
    if name in kind.secretive:
        return "***"
    # Members are not part of a stored group.
    return "changed" if name == "members" else redacted(value)


def redacted(value: Any) -> str:
    """Return what a value is like: its kind and size, and of text the beginning."""
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case str() if len(value) <= _SHOWN:
            return "…"
        case str():
            return f"{value[:_SHOWN]}… ({len(value)})"
        case list():
            return f"{len(value)} values"
        case dict():
            return "{" + ", ".join(f"{key.rpartition(':')[2]}: {redacted(inner)}" for key, inner in value.items()) + "}"
        case _:
            return str(value)
