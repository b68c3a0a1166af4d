"""Searches for a few values of a field: one command for all who look for values of that field at the same moment."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from functools import partial
from typing import Final

from idp.query import Compare, Field, In, Op, Query, Scalar, normalise
from idp.store.contract import Page, Record
from idp.store.mongo.gather import Gathered
from idp.store.mongo.layout import Layout
from idp.store.narrow import is_storable

_AT_ONCE: Final = 2
_VALUES: Final = 20
"""Values that are asked for together with others; more take a while, for which nobody else is to wait."""
_FEW: Final = 100
"""Records of one value; where there are more, not all of them are to be read for one page."""
_APART: Final = 1_000
"""Searches in a field that go their own way after a value turned out to have more."""

Key = tuple[str, Field]
Sought = tuple[str, ...]
Found = Sequence[Record] | None
Having = Mapping[str, Sequence[Record]]
Read = Callable[[Layout, Field, Set[str], int], Awaitable[Having | None]]


class Lookups:
    """Finds records by a few values.

    `read` returns by value the records that have some values in a field, in the order of ids; None when there are more
    than so many.
    """

    def __init__(self, layouts: Mapping[str, Layout], read: Read, timeout: float) -> None:
        self._layouts = layouts
        self._read = read
        self._timeout = timeout
        self._gathered: dict[Key, Gathered[Sought, Found]] = {}
        self._apart = Counter[Key]()

    async def find(self, collection: str, query: Query) -> Page | None:
        """Return the page; None when it is not one to look up: by another filter, or of values that many share."""
        sought = _sought(self._layouts[collection], query)
        if sought is None or self._goes_apart((collection, sought[0])):
            return None
        found = await self._of((collection, sought[0])).ask(sought[1])
        if found is None:
            return None
        return Page([record.copy() for record in found[: query.limit]], len(found) if query.total else None)

    def _goes_apart(self, key: Key) -> bool:
        if not self._apart[key]:
            return False
        self._apart[key] -= 1
        return True

    def _of(self, key: Key) -> Gathered[Sought, Found]:
        gathered = self._gathered.get(key)
        if gathered is None:
            gathered = self._gathered[key] = Gathered(partial(self._read_for, key), self._timeout, _AT_ONCE)
        return gathered

    async def _read_for(self, key: Key, asked: Sequence[Sought]) -> Sequence[Found]:
        values = {value for sought in asked for value in sought}
        having = await self._read(self._layouts[key[0]], key[1], values, _FEW * len(values))
        if having is None:
            self._apart[key] = _APART
            return [None] * len(asked)
        return [_with_any(having, sought) for sought in asked]


def _with_any(having: Having, sought: Sought) -> Sequence[Record]:
    """Return the records that have any of the values, in the order of ids; one may have several of them."""
    if len(sought) == 1:
        return having[sought[0]]
    records = {record.id: record for value in sought for record in having[value]}
    return [records[key] for key in sorted(records)]


def _sought(layout: Layout, query: Query) -> tuple[Field, Sought] | None:
    """Return the field and the values that make out the query, None where there is more to it."""
    if query.sort is not None or query.offset or query.after is not None:
        return None
    wanted: Sequence[Scalar]
    match query.filter:
        case Compare(field, Op.EQ, value):
            wanted = (value,)
        case In(field, wanted) if 0 < len(wanted) <= _VALUES:
            pass
        case _:
            return None
    keys = [normalise(field, value) for value in wanted]
    values = tuple(key for key in keys if isinstance(key, str) and is_storable(key))
    return (field, values) if field in layout.names and len(values) == len(keys) else None
