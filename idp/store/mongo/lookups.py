"""Searches for one value of a field: one command for all who look for values of that field at the same moment."""

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from functools import partial
from typing import Final

from idp.query import Compare, Field, Op, Query, normalise
from idp.store.contract import Page, Record
from idp.store.mongo.gather import Gathered
from idp.store.mongo.layout import Layout
from idp.store.narrow import is_storable

_AT_ONCE: Final = 2
_FEW: Final = 20
"""Records of one value. Where there are more, nobody else is to wait for them, nor are all of them to be read."""

Having = Mapping[str, Sequence[Record]]
Read = Callable[[Layout, Field, Set[str], int], Awaitable[Having | None]]


class Lookups:
    """Finds records by one value.

    `read` returns by value the records that have some values in a field, in the order of ids; None when there are more
    than so many.
    """

    def __init__(self, layouts: Mapping[str, Layout], read: Read, timeout: float) -> None:
        self._layouts = layouts
        self._read = read
        self._timeout = timeout
        self._gathered: dict[tuple[str, Field], Gathered[str, Sequence[Record] | None]] = {}
        self._crowded: set[tuple[str, Field]] = set()

    async def find(self, collection: str, query: Query) -> Page | None:
        """Return the page; None when it is not one to look up: by another filter, or of values that many share."""
        sought = _sought(self._layouts[collection], query)
        if sought is None or (collection, sought[0]) in self._crowded:
            return None
        found = await self._of(collection, sought[0]).ask(sought[1])
        if found is None:
            return None
        return Page([record.copy() for record in found[: query.limit]], len(found) if query.total else None)

    def _of(self, collection: str, field: Field) -> Gathered[str, Sequence[Record] | None]:
        key = (collection, field)
        gathered = self._gathered.get(key)
        if gathered is None:
            read = partial(self._read_for, self._layouts[collection], field)
            gathered = self._gathered[key] = Gathered(read, self._timeout, _AT_ONCE)
        return gathered

    async def _read_for(self, layout: Layout, field: Field, asked: Sequence[str]) -> Sequence[Sequence[Record] | None]:
        values = set(asked)
        found = await self._read(layout, field, values, _FEW * len(values))
        if found is None:
            self._crowded.add((layout.name, field))
            return [None] * len(asked)
        return [found[value] for value in asked]


def _sought(layout: Layout, query: Query) -> tuple[Field, str] | None:
    """Return the field and the value that make out the query, None where there is more to it."""
    if query.sort is not None or query.offset or query.after is not None or not isinstance(query.filter, Compare):
        return None
    field = query.filter.field
    if query.filter.op is not Op.EQ or field not in layout.names:
        return None
    value = normalise(field, query.filter.value)
    return (field, value) if isinstance(value, str) and is_storable(value) else None
