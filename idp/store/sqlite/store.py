"""The store over one SQLite file."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import apsw

from idp.clock import Clock
from idp.memory import Moment, Stamp
from idp.query import Filter, Query
from idp.store.contract import Collection, Page, Record, Settings, Write
from idp.store.narrow import is_storable
from idp.store.sqlite.apply import Commit, Writes, prepare
from idp.store.sqlite.bulk import bulk, joined
from idp.store.sqlite.catalogue import load
from idp.store.sqlite.database import connect, create, translated, wait
from idp.store.sqlite.disk import check_room
from idp.store.sqlite.find import Finder
from idp.store.sqlite.quick import MANY, find_among, find_quickly
from idp.store.sqlite.readers import THREADS, Readers
from idp.store.sqlite.rows import Rows
from idp.store.sqlite.stamps import Stamps
from idp.store.sqlite.table import Table
from idp.store.sqlite.write_ahead_log import WriteAheadLog
from idp.store.sqlite.writer import Work, Writer

# The event loop never waits longer than this for a lock; a reader's thread waits in its place.
_PATIENCE_IN_PLACE: Final = 0.01
_PATIENCE: Final = 0.8
_SWEPT_TOGETHER: Final = 500
_PROBE: Final = "UPDATE state SET probes = probes + 1"

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Connections:
    """The connections of one store."""

    here: apsw.Connection
    """For reads on the event loop."""
    reads: Sequence[apsw.Connection]
    writes: apsw.Connection
    log: apsw.Connection


class SqliteStore:
    """`idp.store.contract.Store` in one file; `open_sqlite` makes one.

    Reads whose cost has a bound are made in place: handing one to a thread takes longer than the read. All other
    reads go to reader threads, every write to the writer's.
    """

    def __init__(
        self,
        connections: _Connections,
        tables: Mapping[str, Table],
        generation: int,
        directory: Path,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._settings = settings
        self._here = connections.here
        self._rows = Rows(self._here, clock)
        self._finder = Finder(self._rows, settings.max_scan)
        self._stamps = Stamps(self._here, tables)
        self._readers = Readers(connections.reads, settings.max_waiting, settings.timeout)
        log = WriteAheadLog(connections.log)
        self._directory = directory
        self._writer = Writer(connections.writes, log, generation, settings.max_waiting, settings.timeout, joined)

    async def get(self, collection: str, id: str) -> Record | None:
        """Return the record of that id, or None."""
        if not is_storable(id):
            return None
        table = self._tables[collection]
        try:
            return self._rows.get(table, id)
        except apsw.Error as error:
            return await self._after(error, lambda finder, rows: rows.get(table, id))

    async def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by id."""
        table, wanted = self._tables[collection], [key for key in ids if is_storable(key)]
        if len(wanted) > MANY:
            return await self._in_thread(lambda finder, rows: rows.get_many(table, wanted))
        try:
            return self._rows.get_many(table, wanted)
        except apsw.Error as error:
            return await self._after(error, lambda finder, rows: rows.get_many(table, wanted))

    async def find(self, collection: str, query: Query) -> Page:
        """Return the matching records in the query's order."""
        table = self._tables[collection]
        try:
            page = find_quickly(self._rows, self._finder, table, query)
        except apsw.Error as error:
            return await self._after(error, lambda finder, rows: finder.find(table, query))
        if page is not None:
            return page
        return await self._in_thread(lambda finder, rows: find_among(rows, table, query) or finder.find(table, query))

    async def count(self, collection: str, filter: Filter) -> int:
        """Return how many records match."""
        page = await self.find(collection, Query(filter, limit=0))
        return page.total or 0

    async def commit(self, writes: Sequence[Write]) -> None:
        """Apply all writes in order, or none; durable when it returns."""
        if writes:
            await self._writer.do(self._work(writes), len(writes))

    async def stamp(self, collections: Sequence[str], moment: Moment | None = None) -> Stamp | None:
        """Return the stamp of these collections, as of now: looking anew costs less than remembering."""
        return self._stamps.of(collections)

    async def check(self) -> None:
        """Go the way that writes go, to the disk; returns when it works and the disk has room."""
        await self._writer.do(_probe)
        # The little that was just written fits into what the log has of the disk already.
        await asyncio.to_thread(check_room, self._directory)

    async def sweep(self) -> int:
        """Remove expired records for good; returns how many."""
        swept = 0
        for table in self._tables.values():
            while table.collection.expires:
                count = await self._writer.do(partial(_sweep, table, self._clock))
                swept += count
                if count < _SWEPT_TOGETHER:
                    break
        return swept

    async def close(self) -> None:
        """Finish what has begun and let go of the file."""
        await self._writer.close()
        await self._readers.close()
        self._here.close()

    def _work(self, writes: Sequence[Write]) -> Work:
        """Return a commit as work for the writer. Raises InvalidValue for what cannot be stored."""
        together = bulk(writes, self._tables, self._clock)
        return together or Writes([prepare(write, self._tables[write.collection]) for write in writes], self._clock)

    async def _after(self, error: apsw.Error, work: Callable[[Finder, Rows], Answer]) -> Answer:
        """Do a read in a thread that could not be made in place: another process holds the file up."""
        if isinstance(error, apsw.BusyError):
            return await self._in_thread(work)
        raise translated(error) from error

    async def _in_thread(self, work: Callable[[Finder, Rows], Answer]) -> Answer:
        def read(connection: apsw.Connection) -> Answer:
            rows = Rows(connection, self._clock)
            return work(Finder(rows, self._settings.max_scan), rows)

        return await self._readers.do(read)


async def open_sqlite(
    path: Path, collections: Mapping[str, Collection], clock: Clock, settings: Settings
) -> SqliteStore:
    """Open the file, making or upgrading it first.

    Raises ConfigError when it cannot be ours, Unavailable when another process does not let go of it.
    """
    tables, generation, connections = await asyncio.to_thread(_set_up, path, collections, settings)
    return SqliteStore(connections, tables, generation, path.parent, clock, settings)


def _set_up(
    path: Path, collections: Mapping[str, Collection], settings: Settings
) -> tuple[dict[str, Table], int, _Connections]:
    try:
        create(path, settings.timeout)
        with ExitStack() as undo:
            connections = [undo.enter_context(closing(connect(path, settings.timeout))) for _ in range(3 + THREADS)]
            here, log, writes, *reads = connections
            tables, generation = load(writes, collections)
            # What would undo half a statement is small: a commit needs room on the store's own disk alone.
            writes.pragma("temp_store", 2)
            undo.pop_all()
    except apsw.Error as error:
        raise translated(error) from error
    for connection in (here, log):
        wait(connection, _PATIENCE_IN_PLACE)
    for connection in (writes, *reads):
        # Less than a verb may take, so that whoever meets another process's lock hears of it.
        wait(connection, _PATIENCE * settings.timeout)
    return tables, generation, _Connections(here, reads, writes, log)


def _probe(connection: apsw.Connection) -> int:
    connection.execute(_PROBE)
    return 1


def _sweep(table: Table, clock: Clock, connection: apsw.Connection) -> int:
    commit = Commit(connection, clock)
    swept = commit.sweep(table, _SWEPT_TOGETHER)
    commit.run([])
    return swept
