"""Searches: by MongoDB where its indexes have the whole answer, else over documents read in batches, in threads."""

import asyncio
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import Executor
from operator import itemgetter
from typing import Any, Final

import bson
from pymongo.read_concern import ReadConcern

from idp.clock import Clock
from idp.errors import TooLarge
from idp.query import EVERYTHING, VERSION, Field, Filter, Not, Query, matches, microseconds
from idp.store.bodies import decode_body
from idp.store.contract import Page, Record
from idp.store.mongo.compile import Match, beyond, compiled
from idp.store.mongo.layout import SHOWN, Layout, body_of
from idp.store.mongo.tallies import Tallies
from idp.store.narrow import ID, NOTHING, is_indexed, narrow
from idp.store.places import BY_ID, Places, order_of, start_of

_JUDGED: Final = {"_id": 0, **SHOWN}
_BATCH: Final = 500


class Finder:
    """Answers queries over one database."""

    def __init__(self, database: Any, tallies: Tallies, clock: Clock, threads: Executor, max_scan: int) -> None:
        self._database = database
        self._tallies = tallies
        self._clock = clock
        self._threads = threads
        self._max_scan = max_scan

    async def get_many(self, layout: Layout, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by id and as of one instant."""
        alive = self._alive({"_id": {"$in": ids}}, layout)
        records = self._database[layout.name]
        if len(ids) > 1:
            # Where a search lets others pass in between, it would see one half of what they commit.
            records = records.with_options(read_concern=ReadConcern("snapshot"))
        found = await records.find(alive, SHOWN).to_list(None)
        return {one["_id"]: record_of(one) for one in found}

    async def having(self, layout: Layout, field: Field, values: Set[str], most: int) -> dict[str, list[Record]] | None:
        """Return by value the records that have it in a field, in the order of ids; None if more than `most` are."""
        path = layout.key_path(field)
        match = self._alive({path: {"$in": sorted(values)}}, layout)
        found = await self._database[layout.name].find(match, {**SHOWN, path: 1}).limit(most + 1).to_list(None)
        if len(found) > most:
            return None
        records: dict[str, list[Record]] = {value: [] for value in values}
        for one in sorted(found, key=itemgetter("_id")):
            keys = one["keys"][layout.names[field]]
            for key in records.keys() & (keys if isinstance(keys, list) else [keys]):
                records[key].append(record_of(one))
        return records

    async def find(self, layout: Layout, query: Query) -> Page:
        """Return the page the query asks for."""
        narrowed, exact = narrow(query.filter, layout.names)
        if not exact or not is_indexed(order_of(query).field, layout.names):
            return await self._gathered(layout, narrowed, query, exact=exact)
        if query.limit == 0 or narrowed == NOTHING:
            return Page([], await self._count(layout, narrowed) if query.total else None)
        records = [record_of(found) for found in await self._cursor(layout, narrowed, query, SHOWN).to_list(None)]
        total = _told_by_page(query, len(records)) if query.total else None
        if query.total and total is None:
            total = await self._count(layout, narrowed)
        return Page(records, total)

    async def count(self, layout: Layout, filter: Filter) -> int:
        """Return how many records match."""
        page = await self.find(layout, Query(filter, limit=0))
        return page.total or 0

    def _cursor(self, layout: Layout, narrowed: Filter, query: Query, what: Mapping[str, int]) -> Any:
        order = order_of(query)
        match = self._alive(compiled(narrowed, layout), layout)
        if (start := start_of(query)) is not None:
            match = {"$and": [match, beyond(order, start, layout)]}
        way = -1 if order.descending else 1
        keys = [("_id", way)] if order.field == ID else [(layout.order_path(order.field), way), ("_id", way)]
        found = self._database[layout.name].find(match, what)
        return found.sort(keys).skip(query.offset).limit(query.limit)

    def _alive(self, match: Match, layout: Layout) -> Match:
        if not layout.collection.expires:
            return match
        return {"$and": [match, {"expires": {"$gt": microseconds(self._clock.now())}}]}

    # --- counting ---

    async def _count(self, layout: Layout, narrowed: Filter) -> int:
        if narrowed == NOTHING:
            return 0
        if not layout.is_counted:
            return await self._counted(layout, narrowed)
        if narrowed == EVERYTHING:
            return await self._tallies.records(layout.name)
        if isinstance(narrowed, Not):
            return await self._count(layout, EVERYTHING) - await self._count(layout, narrowed.term)
        return await self._counted(layout, narrowed)

    async def _counted(self, layout: Layout, narrowed: Filter) -> int:
        match = self._alive(compiled(narrowed, layout), layout)
        count: int = await self._database[layout.name].count_documents(match)
        return count

    # --- scanning ---

    async def _gathered(self, layout: Layout, narrowed: Filter, query: Query, *, exact: bool) -> Page:
        """Answer by reading all candidates; only places in the order are kept, and only as many as the page needs."""
        remaining = EVERYTHING if exact else query.filter
        ends_early = not query.total and order_of(query) == BY_ID
        enough = query.offset + query.limit if ends_early else None
        places = Places(query)
        begin = start_of(query)
        match = self._alive(compiled(narrowed, layout), layout)
        if ends_early and begin:
            match = {"$and": [match, {"_id": {"$gt": begin.id}}]}
        found = self._database[layout.name].find_raw_batches(match, _JUDGED, batch_size=_BATCH)
        await self._judge(found.sort([("_id", 1)]) if ends_early else found, remaining, places, enough)
        page = places.page()
        records = await self.get_many(layout, page)
        return Page([records[key] for key in page if key in records], places.total if query.total else None)

    async def _judge(self, cursor: Any, remaining: Filter, places: Places, enough: int | None) -> None:
        """Give those candidates their places that satisfy the remaining filter, until there are enough of them."""
        loop = asyncio.get_running_loop()
        read = 0
        try:
            async for batch in cursor:
                read += await loop.run_in_executor(self._threads, _placed, batch, remaining, places)
                if read > self._max_scan:
                    raise TooLarge("the number of records to read for this query", self._max_scan)
                if enough is not None and places.total >= enough:
                    break
        finally:
            await cursor.close()


def record_of(found: Mapping[str, Any]) -> Record:
    """Return the record as the contract has it."""
    return Record(found["_id"], found["version"], text=body_of(found))


def _told_by_page(query: Query, length: int) -> int | None:
    """Return the total if a page that is not full tells it."""
    if query.after is None and length < query.limit and (length or query.offset == 0):
        return query.offset + length
    return None


def _placed(batch: bytes, remaining: Filter, places: Places) -> int:
    """Give those of a batch their places that satisfy the filter; returns how many it holds."""
    judged = bson.decode_all(batch)
    for found in judged:
        document = decode_body(body_of(found))
        document[VERSION.name] = found["version"]
        if matches(remaining, document):
            places.add(document)
    return len(judged)
