"""Queries about more resources than a store is asked about at once: answered slice by slice along the order of ids.

A condition on derived values becomes one on the id, with the list of the ids that satisfy it. Of a long list each slice
of all ids takes only its own part, so that whatever a filter makes of the condition holds within the slice, and memory
does not grow with the list.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from idp.query import And, Compare, Field, Filter, In, Op, Place, Query, judged, sort_key
from idp.store.contract import Page, Store
from idp.store.places import BY_ID, Places, order_of, start_of

ID: Final = Field(("id",))
# A store takes lists of ten thousand, and a filter may hold a few of them.
MOST: Final = 5_000


@dataclass(frozen=True, slots=True)
class Slice:
    """The ids above one and up to another, and which of them satisfy each condition; None is where ids end."""

    above: str | None
    up_to: str | None
    ids: Mapping[Filter, tuple[str, ...]]

    def holding(self, filter: Filter) -> Filter:
        """Return the filter with the slice's bounds around it."""
        bounds: list[Filter] = []
        if self.above is not None:
            bounds.append(Compare(ID, Op.GT, self.above))
        if self.up_to is not None:
            bounds.append(Compare(ID, Op.LE, self.up_to))
        return And((*bounds, filter)) if bounds else filter


Slices = AsyncGenerator[Slice, None]


async def sliced(sources: Mapping[Filter, AsyncIterator[str]], above: str | None, most: int) -> Slices:
    """Yield slices that together hold all ids above one; of no condition a slice has more than `most` ids.

    The sources yield the ids that satisfy the conditions, each once and in order.
    """
    waiting: dict[Filter, list[str]] = {condition: [] for condition in sources}
    while True:
        for condition, ids in sources.items():
            held = waiting[condition]
            while len(held) < most and (found := await anext(ids, None)) is not None:
                held.append(found)
        up_to = min((held[-1] for held in waiting.values() if len(held) >= most), default=None)
        parts = {key: tuple(one for one in held if up_to is None or one <= up_to) for key, held in waiting.items()}
        yield Slice(above, up_to, parts)
        if up_to is None:
            return
        waiting = {condition: held[len(parts[condition]) :] for condition, held in waiting.items()}
        above = up_to


class SlicedFinder:
    """Puts the pages of slices together; `compiled` is the filter as it reads in a slice.

    What is only put in order, because the page begins further on, is read `most` resources at a time.
    """

    def __init__(
        self, store: Store, collection: str, compiled: Callable[[Slice], Awaitable[Filter]], most: int
    ) -> None:
        self._store = store
        self._collection = collection
        self._compiled = compiled
        self._most = most

    async def find(self, query: Query, slices: Slices) -> Page:
        """Return the page that the query asks for. Raises what the store raises."""
        # aclosing: a page that is full needs no further slices.
        async with aclosing(slices):
            if order_of(query) == BY_ID:
                return await self._in_order(query, slices)
            return await self._merged(query, slices)

    async def _look(self, query: Query, part: Slice) -> Page:
        filter_ = await self._compiled(part)
        if isinstance(filter_, In) and order_of(query) == BY_ID:
            return await self._named(query, filter_)
        return await self._store.find(self._collection, replace(query, filter=part.holding(filter_)))

    async def _named(self, query: Query, named: In) -> Page:
        """Return the page where a list of ids is all there is to the filter: what it names is there."""
        start = start_of(query)
        ids = [str(value) for value in named.values if start is None or str(value) > start.id]
        wanted = ids[query.offset : query.offset + query.limit]
        records = await self._store.get_many(self._collection, wanted) if wanted else {}
        return Page(list(records.values()), len(named.values) if query.total else None)

    async def _in_order(self, query: Query, slices: Slices) -> Page:
        page, skip = Page([], 0), query.offset
        async for part in slices:
            counts = query.total or skip > 0
            left = query.limit - len(page.records)
            found = await self._look(replace(query, offset=skip, limit=left, total=counts), part)
            total = found.total or 0
            page = Page([*page.records, *found.records], (page.total or 0) + total)
            skip = max(skip - total, 0)
            if not query.total and len(page.records) >= query.limit:
                break
        return page if query.total else replace(page, total=None)

    async def _merged(self, query: Query, slices: Slices) -> Page:
        places, total = Places(query), 0
        async for part in slices:
            total += await self._add(places, query, part)
        records = await self._store.get_many(self._collection, places.page())
        return Page(list(records.values()), total if query.total else None)

    async def _add(self, places: Places, query: Query, part: Slice) -> int:
        """Add what the page may need of a slice; returns how many match in it, if the query asks."""
        step, left, total = replace(query, offset=0), query.offset + query.limit, None
        while True:
            step = replace(step, limit=min(left, self._most))
            found = await self._look(step, part)
            total = found.total or 0 if total is None else total
            documents = [judged(record.document, record.version) for record in found.records]
            for document in documents:
                places.add(document)
            left -= len(found.records)
            if left <= 0 or len(found.records) < step.limit:
                return total
            last = documents[-1]
            step = replace(step, after=Place(sort_key(order_of(query).field, last), last["id"]), total=False)


def first_of(query: Query) -> str | None:
    """Return the id above which the page begins, where that is known and nothing below has to be counted."""
    start = start_of(query)
    return start.id if start is not None and order_of(query) == BY_ID and not query.total else None
