"""The endpoints of one resource type (RFC 7644 section 3): parse, ask the service once, render."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from aiohttp import web

from idp.access import Actor
from idp.directory import Resource
from idp.errors import InvalidPath, InvalidValue, TooLarge
from idp.http.actor import actor_of, moment_of
from idp.memory import Memory, Moment
from idp.query import EVERYTHING, VERSION, Query, Sort
from idp.schema import ResourceType, Returned, Type
from idp.schema.urns import ENTERPRISE_USER
from scim.cursor import Cursors
from scim.dialect import Dialects
from scim.errors import InvalidCount, TooMany
from scim.etag import tag
from scim.exchange import (
    asks_for_attributes,
    condition,
    demand_match,
    encode,
    entity_headers,
    projection_of,
    read_body,
    respond,
    respond_encoded,
)
from scim.filter.shown import ENTITY_TAG, LOCATION
from scim.messages import list_response, search_request
from scim.messages.search_request import SearchRequest
from scim.names import resolve
from scim.paging import paging, place_in
from scim.projection import Projection, Projections
from scim.provider import Found as Rows
from scim.provider import Provider, Row
from scim.render import Derived, Renderer
from scim.request_log import note_changes

# What ends in an id, and is the same before it, has the order of the ids.
_SORTED_AS: Final[Mapping[tuple[str, ...], str]] = {
    LOCATION: "id",
    (ENTERPRISE_USER, "manager", "$ref"): f"{ENTERPRISE_USER}:manager.value",
}
_REMEMBERED: Final = 8_000_000
"""Bytes of answers that are given again while nothing changes: many clients ask for the same over and over."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes of pages: of resources, and of the members that all of them have."""

    default_count: int
    max_results: int
    max_members: int = 50_000

    def page_size(self, wanted: SearchRequest) -> int:
        """Return how many resources the page has that a client asks for, with or without a count of its own.

        Raises InvalidCount for a page by cursor that is larger than any (RFC 9865 section 2.1); one by index is as
        large as it may be (RFC 7644 section 3.4.2.4).
        """
        if wanted.count is None:
            return min(self.default_count, self.max_results)
        if wanted.cursor is not None and wanted.count > self.max_results:
            raise InvalidCount(f"count: a page has at most {self.max_results} resources")
        return min(wanted.count, self.max_results)


@dataclass(frozen=True, slots=True)
class Found:
    """Resources as they are shown, and how many there are beside them."""

    resources: Sequence[dict[str, Any]]
    total: int
    links: Mapping[str, Any]

    def message(self) -> dict[str, Any]:
        """Return them as they are answered."""
        return list_response.build(self.resources, total=self.total, links=self.links)


@dataclass(frozen=True, slots=True)
class Shown:
    """One resource as it was answered."""

    body: bytes
    tag: str
    headers: Mapping[str, str]


class Outline(NamedTuple):
    """A resource as far as it is looked into: the rest of its document may be JSON text."""

    id: str
    document: Mapping[str, Any]


class ResourceEndpoints:
    """Handlers for `/Users`, `/Groups` and whatever else the registry serves."""

    def __init__(
        self, resource_type: ResourceType, provider: Provider, base: str, limits: Limits, cursors: Cursors
    ) -> None:
        self._type: Final = resource_type
        self.name: Final = resource_type.name
        self._provider = provider
        self._limits = limits
        self._cursors = cursors
        self._renderer = Renderer(resource_type, base, provider.derived)
        self.locations: Final = self._renderer.location("")
        """What the locations of its resources begin with."""
        self._projections = Projections(resource_type)
        self._dialects = Dialects(resource_type, base)
        self._shown = Memory[Shown](provider.stamp, _REMEMBERED)
        self._listed = Memory[bytes](provider.stamp, _REMEMBERED)

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes below the SCIM base."""
        collection, one = self._type.endpoint, f"{self._type.endpoint}/{{id}}"
        return (
            web.get(collection, self.list),
            web.post(collection, self.create),
            web.post(f"{collection}/.search", self.search),
            web.get(one, self.read),
            web.put(one, self.replace),
            web.patch(one, self.patch),
            web.delete(one, self.delete),
        )

    async def create(self, request: web.Request) -> web.Response:
        """POST (section 3.3)."""
        projection = projection_of(request, self._projections)
        actor = actor_of(request)
        document = self._dialects.of(actor).document(await read_body(request))
        resource = await self._provider.create(actor, document)
        note_changes(request, self._type, resource)
        shown = await self._show(resource, projection, new=True)
        return respond_encoded(request, shown.body, status=201, headers=shown.headers)

    async def read(self, request: web.Request) -> web.Response:
        """GET of one resource (section 3.4.1)."""
        actor = actor_of(request)
        stamp, shown = await self._shown.look((actor, request.raw_path), moment_of(request))
        if shown is None:
            projection = projection_of(request, self._projections)
            resource = await self._provider.get(actor, _id(request))
            shown = await self._show(resource, projection, moment=moment_of(request))
            self._shown.keep((actor, request.raw_path), shown, stamp, len(shown.body))
        known = condition(request, "If-None-Match")
        if known is not None and known.names(shown.tag):
            return web.Response(status=304, headers=shown.headers)
        return respond_encoded(request, shown.body, headers=shown.headers)

    async def list(self, request: web.Request) -> web.Response:
        """GET of many (section 3.4.2)."""
        key = (actor_of(request), request.raw_path)
        stamp, body = await self._listed.look(key, moment_of(request))
        if body is None:
            wanted = search_request.from_query(request.query)
            found = await self.find(actor_of(request), wanted, moment_of(request))
            body = encode(found.message())
            if len(found.resources) == found.total:
                self._listed.keep(key, body, stamp, len(body))
        return respond_encoded(request, body)

    async def search(self, request: web.Request) -> web.Response:
        """POST of a search (section 3.4.3): what does not fit into a URI or must not be logged with it."""
        wanted = search_request.from_body(await read_body(request))
        found = await self.find(actor_of(request), wanted, moment_of(request))
        return respond(request, found.message())

    async def replace(self, request: web.Request) -> web.Response:
        """PUT (section 3.5.1)."""
        projection = projection_of(request, self._projections)
        document = self._dialects.of(actor_of(request)).document(await read_body(request))
        version = await self._expected_version(request)
        resource = await self._provider.replace(actor_of(request), _id(request), document, version)
        note_changes(request, self._type, resource)
        return await self._answer(request, resource, projection)

    async def patch(self, request: web.Request) -> web.Response:
        """PATCH (section 3.5.2)."""
        projection = projection_of(request, self._projections)
        dialect = self._dialects.of(actor_of(request))
        operations = dialect.operations(await read_body(request))
        version = await self._expected_version(request)
        resource = await self._provider.patch(actor_of(request), _id(request), operations, version)
        note_changes(request, self._type, resource)
        answered = dialect.profile.answers_with_resource(usual=self._provider.returns_patched)
        if answered or asks_for_attributes(request):
            return await self._answer(request, resource, projection)
        return web.Response(status=204, headers=self._headers(resource, tag(resource.version)))

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE (section 3.6)."""
        version = await self._expected_version(request)
        await self._provider.delete(actor_of(request), _id(request), version)
        return web.Response(status=204)

    async def find(self, actor: Actor, wanted: SearchRequest, moment: Moment) -> Found:
        """Return a page of resources as they are shown, and how many match, as of the moment or later.

        Raises what the service raises, TooMany.
        """
        query = self.query(actor, wanted)
        pages = paging(self._cursors, self._type.name, actor, wanted, query.limit, place_in(query.sort))
        page = await self.look(actor, pages.query(query))
        records, resources = await self.shown(pages.page(page.records), wanted, moment)
        return Found(resources, page.total or 0, pages.links(records))

    async def look(self, actor: Actor, query: Query) -> Rows:
        """Return what the service finds. Raises what it raises, and TooMany."""
        try:
            return await self._provider.find(actor, query)
        except TooLarge as error:
            raise TooMany(str(error)) from None

    async def shown(
        self, records: Sequence[Any], wanted: SearchRequest, moment: Moment
    ) -> tuple[Sequence[Any], Sequence[dict[str, Any]]]:
        """Return the first ones of the records, as many as fit into one answer, and how they are shown."""
        projection = self._projections.of(wanted.attributes, wanted.excluded_attributes)
        opened = self._renderer.opened | projection.opened
        rows = [Outline(record.id, record.outline(opened)) for record in records]
        derived = await self._derive(projection, rows, moment=moment)
        shown = [(record, row.document) for record, row in zip(records, rows, strict=True) if row.id in derived]
        show, reduce = self._renderer.show, projection.apply
        resources = [reduce(show(r.id, r.version, document, derived[r.id])) for r, document in shown]
        return [record for record, _ in shown], resources

    def query(self, actor: Actor, wanted: SearchRequest) -> Query:
        """Return the query of a page by index. Raises InvalidFilter, InvalidValue or InvalidCount."""
        return Query(
            filter=EVERYTHING if wanted.filter is None else self._dialects.of(actor).filter(wanted.filter),
            sort=None if not wanted.sort_by else self._sort(wanted.sort_by, descending=wanted.descending),
            offset=wanted.start_index - 1,
            limit=self._limits.page_size(wanted),
        )

    def _sort(self, path: str, *, descending: bool) -> Sort:
        """Return the order by an attribute; a complex one sorts by its `value` (section 3.4.2.3)."""
        try:
            target = resolve(self._type, path)
            if target.attribute.type is Type.COMPLEX:
                target = resolve(self._type, f"{path}.value")
        except InvalidPath as error:
            raise InvalidValue("sortBy", str(error)) from None
        if target.keys == ENTITY_TAG:
            return Sort(VERSION, descending)
        if target.keys in _SORTED_AS:
            target = resolve(self._type, _SORTED_AS[target.keys])
        if target.chain[0].derived or target.attribute.derived or target.attribute.returned is Returned.NEVER:
            raise InvalidValue("sortBy", f"resources cannot be sorted by {path}")
        return Sort(target.field, descending)

    async def _expected_version(self, request: web.Request) -> int | None:
        """Return the version that If-Match demands; other conditions are settled by looking at the resource.

        Raises VersionMismatch or VersionExcluded, and then what the service raises.
        """
        wanted, unwanted = condition(request, "If-Match"), condition(request, "If-None-Match")
        if unwanted is None:
            if wanted is None or wanted.any:
                return None
            if wanted.version is not None:
                return wanted.version
        resource = await self._provider.get(actor_of(request), _id(request))
        return demand_match(wanted, unwanted, self._type.name, resource)

    async def _derive(
        self, projection: Projection, rows: Sequence[Row], *, new: bool = False, moment: Moment | None = None
    ) -> Mapping[str, Derived]:
        """Return what is derived of each resource, as far as anybody would see it.

        Once there are more members than one answer should hold, the rest is left for the next page: a server may
        return fewer resources than it was asked for (section 3.4.2.4).
        """
        provider = self._provider
        if len(rows) <= provider.at_once:
            return await provider.derive(rows, projection.wants, new=new, moment=moment)
        found: dict[str, Derived] = {}
        elements = 0
        for start in range(0, len(rows), provider.at_once):
            if elements > self._limits.max_members:
                break
            page = rows[start : start + provider.at_once]
            some = await provider.derive(page, projection.wants, new=new, moment=moment)
            found |= some
            elements += sum(len(derived.elements) for derived in some.values())
        return found

    async def _answer(self, request: web.Request, resource: Resource, projection: Projection) -> web.Response:
        shown = await self._show(resource, projection)
        return respond_encoded(request, shown.body, headers=shown.headers)

    async def _show(
        self, resource: Resource, projection: Projection, *, new: bool = False, moment: Moment | None = None
    ) -> Shown:
        """Return the representation as it is answered."""
        derived = (await self._derive(projection, [resource], new=new, moment=moment))[resource.id]
        shown = self._renderer.show(resource.id, resource.version, resource.document, derived)
        entity = tag(resource.version, derived.mark)
        return Shown(encode(projection.apply(shown)), entity, self._headers(resource, entity))

    def _headers(self, resource: Resource, entity: str) -> dict[str, str]:
        return entity_headers(entity, self._renderer.location(resource.id))


def _id(request: web.Request) -> str:
    return request.match_info["id"]
