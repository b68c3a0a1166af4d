"""How one page of a list is cut out of it: by counting from its start (RFC 7644), or by cursors (RFC 9865)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from idp.access import Actor
from idp.query import Field, Place, Query, Sort, judged, sort_key
from scim.cursor import Cursors, Position
from scim.messages.search_request import SearchRequest

_ID = Field(("id",))


class Row(Protocol):
    """A resource as its service found it."""

    @property
    def id(self) -> str:
        """The resource's id."""
        ...

    @property
    def version(self) -> int:
        """The version that it has."""
        ...

    @property
    def document(self) -> Mapping[str, Any]:
        """The resource as stored."""
        ...


PlaceOf = Callable[[Row], Place]


class Paging(Protocol):
    """One way of paging, for one request."""

    def query(self, query: Query) -> Query:
        """Return the query that finds the page."""
        ...

    def page(self, records: Sequence[Row]) -> Sequence[Row]:
        """Return the records of the page, in the list's order, from those that the query found."""
        ...

    def links(self, shown: Sequence[Row]) -> Mapping[str, Any]:
        """Return what the message says of the page's place, once it is known which records are shown."""
        ...


class IndexPaging:
    """Pages that begin at `startIndex`."""

    def __init__(self, start_index: int) -> None:
        self._start_index = start_index

    def query(self, query: Query) -> Query:
        """The query says it all."""
        return query

    def page(self, records: Sequence[Row]) -> Sequence[Row]:
        """The records are the page."""
        return records

    def links(self, shown: Sequence[Row]) -> Mapping[str, Any]:
        """Say where the page begins."""
        return {"startIndex": self._start_index}


class CursorPaging:
    """Pages that follow a place, or come before it; one record more is asked for, to know whether that is the end.

    A place is where a record stood, not how many came before it: what is added or removed meanwhile shifts nothing.
    """

    def __init__(
        self, position: Position | None, seal: Callable[[Position], str], limit: int, place_of: PlaceOf
    ) -> None:
        self.position = position
        self.limit = limit
        self._seal = seal
        self._place_of = place_of
        self._found = 0
        self._last: Row | None = None

    @property
    def backwards(self) -> bool:
        """Whether the page before the place is wanted."""
        return self.position is not None and self.position.backwards

    def query(self, query: Query) -> Query:
        """Return the query for the page and one record more."""
        place = None if self.position is None else self.position.place
        turned = replace(query, offset=0, limit=self.limit + 1 if self.limit else 0, after=place)
        if not self.backwards:
            return turned
        sort = query.sort or Sort(_ID)
        return replace(turned, sort=Sort(sort.field, not sort.descending))

    def page(self, records: Sequence[Row]) -> Sequence[Row]:
        """Return the page without the record that only told that there is more."""
        self._found = len(records)
        kept = list(records[: self.limit])
        if self.backwards:
            kept.reverse()
        self._last = kept[-1] if kept else None
        return kept

    def links(self, shown: Sequence[Row]) -> Mapping[str, Any]:
        """Return the cursors of the neighbouring pages, where there are any."""
        if not shown:
            return {}
        more = self._found > self.limit
        links = {}
        if self.backwards or more or shown[-1] is not self._last:
            links["nextCursor"] = self._seal(Position(self._place_of(shown[-1])))
        if more if self.backwards else self.position is not None:
            links["previousCursor"] = self._seal(Position(self._place_of(shown[0]), backwards=True))
        return links


def paging(cursors: Cursors, scope: str, actor: Actor, wanted: SearchRequest, limit: int, place_of: PlaceOf) -> Paging:
    """Return the way of paging that a request asks for; `scope` says which list it is. Raises InvalidCursor."""
    if wanted.cursor is None:
        return IndexPaging(wanted.start_index)
    bound_to = (scope, actor.kind, actor.id, wanted.filter, wanted.sort_by, wanted.descending)
    position = cursors.open(wanted.cursor, bound_to) if wanted.cursor else None
    return CursorPaging(position, lambda at: cursors.seal(at, bound_to), limit, place_of)


def place_in(sort: Sort | None) -> PlaceOf:
    """Return what tells where records stand in an order."""
    order = sort or Sort(_ID)
    return lambda record: Place(sort_key(order.field, judged(record.document, record.version)), record.id)
