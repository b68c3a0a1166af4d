"""The store over a MongoDB database."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any, Final, TypeVar

import pymongo
from bson import ObjectId

from idp.clock import Clock
from idp.errors import Contradicted, DeadlineExceeded, RemoteError, Unavailable
from idp.memory import Moment, Stamp
from idp.query import Field, Filter, Query, microseconds, normalise
from idp.store.contract import Collection, DeleteWhere, Insert, Page, Record, Replace, Settings, Write
from idp.store.mongo.client import WHAT, connect, settled, translated
from idp.store.mongo.commits import Commits
from idp.store.mongo.find import Finder
from idp.store.mongo.gather import Alike
from idp.store.mongo.joint import Commit, commit_of
from idp.store.mongo.layout import Layout, lay_out
from idp.store.mongo.ledger import LEDGER
from idp.store.mongo.lookups import Having, Lookups
from idp.store.mongo.plan import Prepared
from idp.store.mongo.points import Points
from idp.store.mongo.reindex import Reindexing
from idp.store.mongo.setup import is_current, set_up
from idp.store.mongo.tallies import Tallies, Tally, read_tally
from idp.store.mongo.transact import Transactor
from idp.store.narrow import is_storable

_JUDGES: Final = 2
_GRACE: Final = 1.0
_SHORT: Final = 20
"""Records of a page that is worth copying for others who ask for it at the same moment."""
_PATIENCE: Final = 0.5
"""Of a verb's time, what it may wait for records that are indexed anew."""
_OUTDATED: Final = "its indexes were changed by a newer version or configuration; restart this process"

Answer = TypeVar("Answer")


class MongoStore:
    """`idp.store.contract.Store` in one database; made without waiting for the server, which may come later."""

    def __init__(self, url: str, collections: Mapping[str, Collection], clock: Clock, settings: Settings) -> None:
        self._client, self._database = connect(url)
        self._layouts = lay_out(collections)
        self._clock = clock
        self._settings = settings
        self._threads = ThreadPoolExecutor(_JUDGES, "mongo-judge")
        self._tallies = Tallies(self._layouts, self._tally, settings.timeout)
        self._finder = Finder(self._database, self._tallies, clock, self._threads, settings.max_scan)
        process = str(ObjectId())
        self._transactor = Transactor(self._client, self._database, self._layouts, clock, process)
        self._commits = Commits(self._together, self._blamed, self._alone, settings.max_waiting, settings.timeout)
        self._alike = Alike(self._find, _own_page, settings.timeout)
        self._lookups = Lookups(self._layouts, self._having, settings.timeout)
        self._points = Points(self._layouts, self._get_many, settings.timeout)
        self._setting_up = asyncio.Lock()
        self._is_set_up = False
        self._reindexing = Reindexing(self._database, clock, process)
        self._indexing: asyncio.Task[None] | None = None
        self._patient_until = 0.0
        self._is_away = False
        self._refusal: str | None = None

    async def get(self, collection: str, id: str) -> Record | None:
        """Return the record of that id, or None."""
        return (await self.get_many(collection, [id])).get(id)

    async def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by id."""
        return await self._points.get(collection, [key for key in ids if is_storable(key)])

    async def find(self, collection: str, query: Query) -> Page:
        """Return the matching records in the query's order."""
        page = await self._lookups.find(collection, query)
        if page is not None:
            return page
        return await (self._alike.ask if query.limit <= _SHORT else self._find)((collection, query))

    async def count(self, collection: str, filter: Filter) -> int:
        """Return how many records match."""
        return await self._run(lambda: self._finder.count(self._layouts[collection], filter))

    async def commit(self, writes: Sequence[Write]) -> None:
        """Apply all writes in order, or none; durable when it returns."""
        if writes:
            prepared = [prepare(write, self._layouts[write.collection]) for write in writes]
            await self._commits.make(commit_of(prepared, microseconds(self._clock.now())))

    async def stamp(self, collections: Sequence[str], moment: Moment | None = None) -> Stamp:
        """Return the stamp of these collections."""
        return await self._tallies.stamp(collections, moment)

    async def check(self) -> None:
        """Go the way that writes go, to the disks; returns when it works."""
        await self._run(self._probe)

    async def sweep(self) -> int:
        """Remove expired records for good; returns how many."""
        return await self._run(self._sweep)

    async def close(self) -> None:
        """Finish what has begun and let go of the connections."""
        await self._commits.close()
        self._refusal = "it has been closed"
        if self._indexing is not None:
            self._indexing.cancel()
            await asyncio.wait({self._indexing})
        await settled(self._client.close())
        self._threads.shutdown()

    async def _find(self, asked: tuple[str, Query]) -> Page:
        collection, query = asked
        return await self._run(lambda: self._finder.find(self._layouts[collection], query))

    async def _get_many(self, layout: Layout, ids: Sequence[str]) -> Mapping[str, Record]:
        return await self._run(lambda: self._finder.get_many(layout, ids))

    async def _having(self, layout: Layout, field: Field, values: Set[str], most: int) -> Having | None:
        return await self._run(lambda: self._finder.having(layout, field, values, most))

    async def _tally(self, wanted: Mapping[str, Any]) -> Tally:
        return await self._run(lambda: read_tally(self._database, wanted))

    async def _together(self, commits: Sequence[Commit]) -> bool:
        return await self._run(lambda: self._transactor.commit_together(commits))

    async def _blamed(self, commits: Sequence[Commit]) -> Set[Commit]:
        return await self._run(lambda: self._transactor.blamed(commits))

    async def _alone(self, commit: Commit) -> None:
        await self._run(lambda: self._transactor.commit(commit))

    async def _run(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do the work against a database that is set up, within the time a verb may take."""
        if self._refusal:
            raise Unavailable(WHAT, self._refusal)
        await self._reach()
        # The driver keeps the time, because it tells the server: an operation whose caller merely left would go on
        # there, and hold up whatever comes next in its session. Ours only makes sure.
        try:
            async with asyncio.timeout(self._settings.timeout + _GRACE):
                with translated(), pymongo.timeout(self._settings.timeout):
                    await self._set_up()
                    return await work()
        except TimeoutError:
            raise DeadlineExceeded(WHAT) from None

    async def _reach(self) -> None:
        """Make sure that there is a server to write to. Raises Unavailable, at once when that is known."""
        if self._client.topology_description.has_writable_server():
            self._is_away = False
            return
        if self._is_away:
            # The driver looks for the server all the time; nobody needs to wait until it is found.
            await asyncio.sleep(0)
            raise Unavailable(WHAT)
        try:
            with translated():
                await self._client.admin.command("ping")
        except RemoteError:
            self._is_away = True
            raise

    async def _set_up(self) -> None:
        """Return when the database is as it should be. Raises Unavailable while its records are indexed anew."""
        while not self._is_set_up:
            async with self._setting_up:
                if self._indexing is None and not self._is_set_up:
                    changed = await set_up(self._database, self._layouts)
                    self._is_set_up = not changed
                    if changed:
                        self._index(changed)
            if self._indexing is not None:
                await self._indexed(self._indexing)

    def _index(self, changed: Sequence[Layout]) -> None:
        """Begin to index records anew; beyond the time that a verb has, if need be."""
        self._patient_until = time.monotonic() + self._settings.timeout * _PATIENCE
        # In a context of its own: the driver's deadline for this verb is not meant for it.
        self._indexing = asyncio.create_task(self._reindexing.run(changed), context=Context())

    async def _indexed(self, indexing: asyncio.Task[None]) -> None:
        # Few records are done at once. Nobody waits for more than a moment where there are many.
        await asyncio.wait({indexing}, timeout=max(0.0, self._patient_until - time.monotonic()))
        if not indexing.done():
            kind = Contradicted if self._reindexing.is_contradicted else Unavailable
            raise kind(WHAT, self._reindexing.progress)
        if self._indexing is indexing:
            self._indexing = None
        indexing.result()

    async def _probe(self) -> None:
        if not await is_current(self._database, self._layouts):
            self._refusal = _OUTDATED
            raise Unavailable(WHAT, _OUTDATED)
        await self._database[LEDGER].update_one({"_id": "probe"}, {"$inc": {"amount": 1}}, upsert=True)

    async def _sweep(self) -> int:
        gone = {"expires": {"$lte": microseconds(self._clock.now())}}
        expiring = [layout.name for layout in self._layouts.values() if layout.collection.expires]
        results = [await self._database[name].delete_many(gone) for name in expiring]
        await self._database[LEDGER].delete_many(gone)
        for layout in self._layouts.values():
            await self._transactor.merge_entries(layout)
        return sum(result.deleted_count for result in results)


def _own_page(page: Page) -> Page:
    return Page([record.copy() for record in page.records], page.total)


def prepare(write: Write, layout: Layout) -> Prepared:
    """Index what is to be written. Raises InvalidValue for what cannot be indexed."""
    match write:
        case Insert(_, document) | Replace(_, document):
            record, claims = layout.record(document, 1)
            return Prepared(write, layout, record, frozenset(claims))
        case DeleteWhere(_, field, value) if field not in layout.names or normalise(field, value) is None:
            raise ValueError(f"{layout.name} has no index on {field.name}")
        case _:
            return Prepared(write, layout)
