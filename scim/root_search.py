"""Lists over all resource types at once (RFC 7644 sections 3.4.2.1 and 3.4.3): `GET /` and `POST /.search`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from idp.access import Actor
from idp.errors import CallerError, InvalidFilter, InvalidValue, PermissionDenied
from idp.http.actor import actor_of, moment_of
from idp.memory import Moment
from idp.query import Place, Query, Sort, order_key
from scim.cursor import Cursors
from scim.endpoints import Found, Limits, ResourceEndpoints
from scim.errors import TooMany
from scim.exchange import read_body, respond
from scim.filter.shown import LOCATION
from scim.messages import search_request
from scim.messages.search_request import SearchRequest
from scim.paging import CursorPaging, Row, paging, place_in

# Types are merged by reading each of them up to the page's end; whoever wants to get further takes cursors.
MOST_MERGED: Final = 5_000
_SCOPE: Final = "/"
_LOCATION: Final = ".".join(LOCATION)


@dataclass(frozen=True, slots=True)
class Part:
    """What a search comes to for one resource type."""

    endpoints: ResourceEndpoints
    query: Query
    total: int


class RootSearch:
    """Without an order, and in that of locations, types come one after the other; sorted otherwise, they are merged."""

    def __init__(self, types: Sequence[ResourceEndpoints], limits: Limits, cursors: Cursors) -> None:
        self._types = types
        self._limits = limits
        self._cursors = cursors

    async def read(self, request: web.Request) -> web.Response:
        """GET."""
        wanted = search_request.from_query(request.query)
        found = await self.find(actor_of(request), wanted, moment_of(request))
        return respond(request, found.message())

    async def search(self, request: web.Request) -> web.Response:
        """POST of a search."""
        wanted = search_request.from_body(await read_body(request))
        found = await self.find(actor_of(request), wanted, moment_of(request))
        return respond(request, found.message())

    async def find(self, actor: Actor, wanted: SearchRequest, moment: Moment) -> Found:
        """Return the page. A type that lacks an attribute of the filter has no match, one the client may not read none.

        One that lacks the attribute to sort by comes where what has no value comes. Raises what was wrong when that
        goes for every type.
        """
        parts = await self._parts(actor, wanted)
        limit = self._limits.page_size(wanted)
        is_merged = bool(wanted.sort_by) and (wanted.sort_by or "").lower() != _LOCATION
        if wanted.sort_by and not is_merged:
            # All locations of a type begin alike, so that the types come one after the other here, too.
            parts.sort(key=lambda part: part.endpoints.locations, reverse=wanted.descending)
        place_of = place_in(parts[0].query.sort) if is_merged else _place_by_type
        pages = paging(self._cursors, _SCOPE, actor, wanted, limit, place_of)
        if is_merged:
            rows = await _merged(actor, [replace(part, query=pages.query(part.query)) for part in parts])
        elif isinstance(pages, CursorPaging):
            rows = await _following(actor, parts, pages)
        else:
            rows = await _counted(actor, parts, wanted.start_index - 1, limit)
        records, resources = await _shown(parts, pages.page(rows), wanted, moment)
        return Found(resources, sum(part.total for part in parts), pages.links(records))

    async def _parts(self, actor: Actor, wanted: SearchRequest) -> list[Part]:
        parts, refused = list[Part](), list[CallerError]()
        sorts = self._sorts(actor, wanted)
        for each, sort in zip(self._types, sorts, strict=True):
            try:
                query = replace(each.query(actor, replace(wanted, sort_by=None)), sort=sort)
                counted = await each.look(actor, replace(query, offset=0, limit=0))
                parts.append(Part(each, replace(query, total=False), counted.total or 0))
            except (InvalidFilter, InvalidValue, PermissionDenied) as error:
                refused.append(error)
        if not parts:
            raise refused[0]
        return parts

    def _sorts(self, actor: Actor, wanted: SearchRequest) -> Sequence[Sort | None]:
        """Return the order of each type. Raises InvalidValue when none can be sorted so."""
        sorts, refused = dict[str, Sort | None](), list[InvalidValue]()
        for each in self._types:
            try:
                sorts[each.name] = each.query(actor, replace(wanted, filter=None)).sort
            except InvalidValue as error:
                refused.append(error)
        if not sorts:
            raise refused[0]
        other = next(iter(sorts.values()))
        return [sorts.get(each.name, other) for each in self._types]


async def _counted(actor: Actor, parts: Sequence[Part], skipped: int, limit: int) -> Sequence[Row]:
    """Return the rows of a page by index, the types one after the other."""
    rows: list[Row] = []
    for part in parts:
        if skipped < part.total and len(rows) < limit:
            query = replace(part.query, offset=skipped, limit=limit - len(rows))
            rows += (await part.endpoints.look(actor, query)).records
        skipped = max(skipped - part.total, 0)
    return rows


async def _following(actor: Actor, parts: Sequence[Part], pages: CursorPaging) -> Sequence[Row]:
    """Return the rows of a page by cursor, the types one after the other, beginning in the type of the place."""
    rows: list[Row] = []
    place = None if pages.position is None else pages.position.place
    for part in reversed(parts) if pages.backwards else parts:
        start = place if place and place.key == part.endpoints.name else None
        if place is not None and start is None:
            continue
        query = pages.query(part.query)
        query = replace(query, limit=query.limit - len(rows), after=start and Place(start.id, start.id))
        rows += (await part.endpoints.look(actor, query)).records
        place = None
    return rows


async def _merged(actor: Actor, parts: Sequence[Part]) -> Sequence[Row]:
    """Return the rows of a sorted page over all types, from their queries for it."""
    query = parts[0].query
    end = query.offset + query.limit
    if query.offset > MOST_MERGED:
        raise TooMany(f"a sorted list over all types is paged by cursors beyond its first {MOST_MERGED} resources")
    placed: list[tuple[tuple[int, Any], str, Row]] = []
    for part in parts:
        place_of = place_in(part.query.sort)
        found = (await part.endpoints.look(actor, replace(part.query, offset=0, limit=end))).records
        placed += [(order_key(place_of(row).key), row.id, row) for row in found]
    placed.sort(key=lambda one: one[:2], reverse=query.sort is not None and query.sort.descending)
    return [row for _, _, row in placed[query.offset : end]]


async def _shown(
    parts: Sequence[Part], rows: Sequence[Row], wanted: SearchRequest, moment: Moment
) -> tuple[Sequence[Row], Sequence[dict[str, Any]]]:
    """Return the rows that fit into one answer, the first ones, and how they are shown."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        own = [row for row in rows if _type(row) == part.endpoints.name]
        fitting, resources = await part.endpoints.shown(own, wanted, moment)
        found |= {row.id: resource for row, resource in zip(fitting, resources, strict=True)}
    missing = next((place for place, row in enumerate(rows) if row.id not in found), len(rows))
    return rows[:missing], [found[row.id] for row in rows[:missing]]


def _type(row: Row) -> str:
    return str(row.document["meta"]["resourceType"])


def _place_by_type(row: Row) -> Place:
    return Place(_type(row), row.id)
