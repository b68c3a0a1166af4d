"""The writes of one commit, made inside the transaction that the writer holds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Final

import apsw
import msgspec

from idp.clock import Clock
from idp.errors import InvalidValue, NotUnique, VersionMismatch
from idp.query import Document, microseconds, normalise
from idp.store.contract import Check, Delete, DeleteWhere, Insert, Replace, Write
from idp.store.sqlite.database import fetch
from idp.store.sqlite.entries import ClaimRow, Entries, entries_changed, entries_of, expires_at
from idp.store.sqlite.rows import decode
from idp.store.sqlite.table import Table, Value, encoded

_FIND: Final = "SELECT number, version, expires, body FROM records WHERE collection = ? AND id = ?"
_BY_NUMBER: Final = "SELECT number, version, expires, body FROM records WHERE number = ?"
_INSERT: Final = "INSERT INTO records (collection, id, version, expires, body) VALUES (?, ?, 1, ?, ?)"
_REPLACE: Final = "UPDATE records SET version = version + 1, expires = ?, body = ? WHERE number = ?"
_DELETE: Final = "DELETE FROM records WHERE number = ?"
_DROP_KEY: Final = "DELETE FROM keys WHERE field = ? AND value = ? AND record = ?"
_HOLDER: Final = "SELECT record FROM claims WHERE field = ? AND value = ?"
_CLAIM: Final = "INSERT INTO claims VALUES (?, ?, ?)"
_RELEASE: Final = "DELETE FROM claims WHERE field = ? AND value = ?"
_HOLDING: Final = "SELECT record FROM keys WHERE field = ? AND value = ?"
_EXPIRED: Final = "SELECT number, version, expires, body FROM records WHERE collection = ? AND expires <= ? LIMIT ?"
_ROWS_TOGETHER: Final = 64
_COUNT: Final = "UPDATE collections SET amount = amount + ?, changes = changes + 1 WHERE number = ?"


@cache
def _add_keys(count: int) -> str:
    return "INSERT INTO keys VALUES " + ", ".join(["(?, ?, ?, ?)"] * count)  # noqa: S608 - question marks


@dataclass(frozen=True, slots=True)
class Prepared:
    """A write with what is worked out before it holds the lock: the encoded document, and the rows of a new one."""

    write: Write
    table: Table
    body: bytes = b""
    expires: int | None = None
    entries: Entries | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as found by a write."""

    number: int
    version: int
    expires: int | None
    body: bytes


def prepare(write: Write, table: Table) -> Prepared:
    """Encode and index what is to be written. Raises InvalidValue for what cannot be stored."""
    match write:
        case Insert(_, document):
            entries = entries_of(table, document)
            return Prepared(write, table, _encoded(document), expires_at(table, document), entries)
        case Replace(_, document):
            return Prepared(write, table, _encoded(document), expires_at(table, document))
        case DeleteWhere(_, field, value) if field not in table.by_field or normalise(field, value) is None:
            raise ValueError(f"{table.collection.name} has no index on {field.name}")
        case _:
            return Prepared(write, table)


def _encoded(document: Document) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError as error:
        raise InvalidValue("document", "holds text that is not Unicode") from error


class Commit:
    """One commit under way: unique values are claimed at its end, so that records may exchange them."""

    def __init__(self, connection: apsw.Connection, clock: Clock) -> None:
        self._connection = connection
        self._now = microseconds(clock.now())
        self._claims: dict[tuple[ClaimRow, int], Table] = {}
        self._amounts: Counter[int] = Counter()

    def run(self, writes: Sequence[Prepared]) -> int:
        """Apply all writes; returns how many. Raises NotUnique or VersionMismatch, for the caller to undo the rest."""
        for prepared in writes:
            self._apply(prepared)
        for (claim, number), table in self._claims.items():
            self._claim(claim, number, table)
        for number, change in self._amounts.items():
            self._connection.execute(_COUNT, (change, number))
        return len(writes)

    def _apply(self, prepared: Prepared) -> None:
        table = prepared.table
        match prepared.write:
            case Insert(_, document):
                self._insert(prepared, document["id"])
            case Replace(_, document, version):
                self._replace(prepared, self._expected(table, document["id"], version))
            case Delete(_, id, version):
                self._remove(table, self._expected(table, id, version))
            case Check(_, id, version):
                self._expected(table, id, version)
            case DeleteWhere(_, field, value):
                self._remove_where(table, table.by_field[field], encoded(normalise(field, value)))

    def _remove_where(self, table: Table, field: int, value: Value) -> None:
        for (number,) in fetch(self._connection, _HOLDING, (field, value)):
            self._remove(table, self._numbered(number))

    def _find(self, table: Table, id: str) -> Stored | None:
        rows = fetch(self._connection, _FIND, (table.number, id))
        return Stored(*rows[0]) if rows else None

    def _numbered(self, number: int) -> Stored:
        return Stored(*fetch(self._connection, _BY_NUMBER, (number,))[0])

    def _expected(self, table: Table, id: str, version: int | None) -> Stored:
        stored = self._find(table, id)
        if stored is None or self._has_expired(stored) or version not in (None, stored.version):
            raise VersionMismatch(table.collection.name, id)
        return stored

    def _has_expired(self, stored: Stored) -> bool:
        return stored.expires is not None and stored.expires <= self._now

    # --- records ---

    def _insert(self, prepared: Prepared, id: str) -> None:
        table = prepared.table
        if stored := self._find(table, id):
            if not self._has_expired(stored):
                raise NotUnique(table.collection.name, "id")
            self._remove(table, stored)
        self._connection.execute(_INSERT, (table.number, id, prepared.expires, prepared.body))
        if prepared.entries:
            self._add(table, prepared.entries, self._connection.last_insert_rowid())
        self._amounts[table.number] += 1

    def _replace(self, prepared: Prepared, stored: Stored) -> None:
        gone, come = entries_changed(prepared.table, stored.body, prepared.body)
        self._connection.execute(_REPLACE, (prepared.expires, prepared.body, stored.number))
        self._amounts[prepared.table.number] += 0
        self._drop(gone, stored.number)
        self._add(prepared.table, come, stored.number)

    def _remove(self, table: Table, stored: Stored) -> None:
        self._connection.execute(_DELETE, (stored.number,))
        self._drop(entries_of(table, decode(stored.body)), stored.number)
        self._amounts[table.number] -= 1

    def _add(self, table: Table, entries: Entries, number: int) -> None:
        rows = [(field, value, number, leads) for field, value, leads in entries.keys]
        # Many by one statement: each statement costs more in coming and going than in work.
        for start in range(0, len(rows), _ROWS_TOGETHER):
            some = rows[start : start + _ROWS_TOGETHER]
            self._connection.execute(_add_keys(len(some)), tuple(chain.from_iterable(some)))
        self._claims.update(((claim, number), table) for claim in entries.claims)

    def _drop(self, entries: Entries, number: int) -> None:
        if entries.keys:
            self._connection.executemany(_DROP_KEY, [(field, value, number) for field, value, _ in entries.keys])
        for claim in entries.claims:
            # A value that this very commit gave the record is not in the table yet.
            if self._claims.pop((claim, number), None) is None:
                self._connection.execute(_RELEASE, claim)

    # --- unique values ---

    def _claim(self, claim: ClaimRow, number: int, table: Table) -> None:
        for (holder,) in fetch(self._connection, _HOLDER, claim):
            stored = self._numbered(holder)
            if not self._has_expired(stored):
                raise NotUnique(table.collection.name, table.unique_name(claim[0]))
            self._remove(table, stored)
        self._connection.execute(_CLAIM, (*claim, number))

    # --- housekeeping ---

    def sweep(self, table: Table, most: int) -> int:
        """Remove up to so many expired records; returns how many."""
        rows = fetch(self._connection, _EXPIRED, (table.number, self._now, most))
        for row in rows:
            self._remove(table, Stored(*row))
        return len(rows)
