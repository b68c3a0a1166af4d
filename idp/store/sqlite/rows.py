"""Records as rows: point reads on one connection, without awaiting."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Final

import apsw

from idp.clock import Clock
from idp.query import microseconds
from idp.store.contract import Record
from idp.store.sqlite.compile import Sql
from idp.store.sqlite.database import fetch
from idp.store.sqlite.table import Table

Row = tuple[str, int, int | None, bytes]

_GET: Final = "SELECT id, version, expires, body FROM records WHERE collection = ? AND id = ?"
# Ids of one statement: a piece of fewer is filled up to a power of two, so that statements recur.
_TOGETHER: Final = 256


@cache
def _many(count: int) -> str:
    marks = ", ".join("?" * count)
    return f"SELECT id, version, expires, body FROM records WHERE collection = ? AND id IN ({marks})"  # noqa: S608 - marks


def _pieces(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _TOGETHER):
        some = ids[start : start + _TOGETHER]
        yield [*some, *[some[-1]] * ((1 << (len(some) - 1).bit_length()) - len(some))]


class Rows:
    """Reads records through one connection, which nobody else uses meanwhile."""

    def __init__(self, connection: apsw.Connection, clock: Clock) -> None:
        self.connection = connection
        self._clock = clock

    def now(self) -> int:
        """Return the moment by which records have expired or not."""
        return microseconds(self._clock.now())

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads of a block see the same state."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    def get(self, table: Table, id: str) -> Record | None:
        """Return the record of that id, or None."""
        row: Row | None = self.connection.execute(_GET, (table.number, id)).get
        if row is None:
            return None
        key, version, expires, body = row
        return Record(key, version, text=body) if expires is None or expires > self.now() else None

    def get_many(self, table: Table, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by id and in the order asked for."""
        with self.snapshot():
            found = {record.id: record for some in _pieces(ids) for record in self.live(self._rows_of(table, some))}
        return {key: found[key] for key in ids if key in found}

    def _rows_of(self, table: Table, ids: Sequence[str]) -> list[Row]:
        return fetch(self.connection, _many(len(ids)), (table.number, *ids))

    def live(self, rows: Sequence[Row]) -> list[Record]:
        """Decode those rows that have not expired."""
        now = None
        records = []
        for key, version, expires, body in rows:
            if expires is not None:
                now = now or self.now()
                if expires <= now:
                    continue
            records.append(Record(key, version, text=body))
        return records

    def still_live(self, table: Table) -> Sql:
        """Return the condition that a row `r` has not expired, to go after others."""
        return Sql(" AND r.expires > ?", (self.now(),)) if table.collection.expires else Sql("")
