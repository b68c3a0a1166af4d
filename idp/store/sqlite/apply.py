"""The writes of one commit, made inside the transaction that the writer holds."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Final, TypeVar

import apsw

from idp.clock import Clock
from idp.errors import NotUnique, VersionMismatch
from idp.query import microseconds, normalise
from idp.store.bodies import decode_body, encode_body
from idp.store.contract import Check, Delete, DeleteWhere, Insert, Replace, Write
from idp.store.sqlite.database import fetch
from idp.store.sqlite.entries import ClaimRow, Entries, entries_changed, entries_of, expires_at
from idp.store.sqlite.table import Table, Value, encoded

Item = TypeVar("Item")

_FIND: Final = "SELECT number, version, expires, body FROM records WHERE collection = ? AND id = ?"
_FIND_MANY: Final = "SELECT id, number, version, expires, body FROM records WHERE collection = ? AND id IN ("
_BY_NUMBER: Final = "SELECT number, version, expires, body FROM records WHERE number = ?"
NEXT: Final = "SELECT coalesce(max(number), 0) + 1 FROM records"
_REPLACE: Final = "UPDATE records SET version = version + 1, expires = ?, body = ? WHERE number = ?"
_DELETE: Final = "DELETE FROM records WHERE number = ?"
_DROP_KEY: Final = "DELETE FROM keys WHERE field = ? AND value = ? AND record = ?"
_HOLDER: Final = "SELECT record FROM claims WHERE field = ? AND value = ?"
_RELEASE: Final = "DELETE FROM claims WHERE field = ? AND value = ?"
_HOLDING: Final = "SELECT record FROM keys WHERE field = ? AND value = ?"
_EXPIRED: Final = "SELECT number, version, expires, body FROM records WHERE collection = ? AND expires <= ? LIMIT ?"
# Many rows by one statement: each costs more in coming and going than in work. Few sizes, so that statements recur.
_MOST_ROWS: Final = 512
_SOME_ROWS: Final = 64
COUNT: Final = "UPDATE collections SET amount = amount + ?, changes = changes + 1 WHERE number = ?"


_RECORD: Final = "INSERT INTO records (number, collection, id, version, expires, body) VALUES ", "(?, ?, ?, 1, ?, ?)"
_KEY: Final = "INSERT INTO keys VALUES ", "(?, ?, ?, ?)"
_CLAIM: Final = "INSERT INTO claims VALUES ", "(?, ?, ?)"


def _in_steps(rows: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Cut rows into what goes into one statement each."""
    start = 0
    while (left := len(rows) - start) > 0:
        size = next((size for size in (_MOST_ROWS, _SOME_ROWS) if left >= size), left)
        yield rows[start : start + size]
        start += size


@cache
def _repeated(insert: tuple[str, str], count: int) -> str:
    start, row = insert
    return start + ", ".join([row] * count)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A write with what is worked out before it holds the lock: the encoded document, and the rows of a new one."""

    write: Write
    table: Table
    id: str = ""
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
            return Prepared(write, table, document["id"], encode_body(document), expires_at(table, document), entries)
        case Replace(_, document):
            return Prepared(write, table, document["id"], encode_body(document), expires_at(table, document))
        case DeleteWhere(_, field, value) if field not in table.by_field or normalise(field, value) is None:
            raise ValueError(f"{table.collection.name} has no index on {field.name}")
        case Delete(_, id) | Check(_, id):
            return Prepared(write, table, id)
        case _:
            return Prepared(write, table)


@dataclass(frozen=True, slots=True)
class Writes:
    """The writes of commits, in their order, as work for the writer."""

    prepared: Sequence[Prepared]
    clock: Clock

    def __call__(self, connection: apsw.Connection) -> int:
        """Make them; returns how many. Raises as `Commit.run`."""
        return Commit(connection, self.clock).run(self.prepared)


class Commit:
    """One commit under way.

    What it adds is gathered and goes into the tables many rows at a time; whatever looks for such a record or takes it
    away again sees to it that it is there. Unique values are claimed at the end, so that records may exchange them.
    """

    def __init__(self, connection: apsw.Connection, clock: Clock) -> None:
        self._connection = connection
        self._now = microseconds(clock.now())
        self._new: dict[tuple[int, str], Prepared] = {}
        self._keys: list[tuple[int, Value, int, bool]] = []
        self._keyed: set[int] = set()
        self._claims: dict[tuple[ClaimRow, int], Table] = {}
        self._amounts: Counter[int] = Counter()
        # What the tables hold of records that writes are about to name, until the first of them has.
        self._foreseen: dict[tuple[int, str], Stored] = {}

    def run(self, writes: Sequence[Prepared]) -> int:
        """Apply all writes; returns how many. Raises NotUnique or VersionMismatch, for the caller to undo the rest."""
        self._foresee(writes)
        for prepared in writes:
            self._apply(prepared)
        self._settle_records()
        self._settle_keys()
        self._settle_claims()
        for number, change in self._amounts.items():
            self._connection.execute(COUNT, (change, number))
        return len(writes)

    def _foresee(self, writes: Sequence[Prepared]) -> None:
        """Read at once what the writes of a joined commit would read one by one."""
        named = defaultdict[int, set[str]](set)
        for one in writes:
            if isinstance(one.write, Replace):
                named[one.table.number].add(one.id)
        for number, ids in named.items():
            for some in _in_steps(list(ids)) if len(ids) > 1 else ():
                text = f"{_FIND_MANY}{', '.join('?' * len(some))})"
                for key, *stored in fetch(self._connection, text, (number, *some)):
                    self._foreseen[number, key] = Stored(*stored)

    def _apply(self, prepared: Prepared) -> None:
        table = prepared.table
        match prepared.write:
            case Insert():
                self._insert(prepared)
            case Replace(_, _, version):
                self._replace(prepared, self._expected(table, prepared.id, version))
            case Delete(_, id, version):
                self._remove(table, self._expected(table, id, version))
            case Check(_, id, version):
                self._expected(table, id, version)
            case DeleteWhere(_, field, value):
                self._remove_where(table, table.by_field[field], encoded(normalise(field, value)))

    def _remove_where(self, table: Table, field: int, value: Value) -> None:
        self._settle_records()
        self._settle_keys()
        for (number,) in fetch(self._connection, _HOLDING, (field, value)):
            self._remove(table, self._numbered(number))

    def _find(self, table: Table, id: str) -> Stored | None:
        key = (table.number, id)
        if key in self._new:
            self._settle_records()
        foreseen = self._foreseen.pop(key, None)
        if foreseen is not None:
            return foreseen
        rows = fetch(self._connection, _FIND, (table.number, id))
        return Stored(*rows[0]) if rows else None

    def _numbered(self, number: int) -> Stored:
        # Whoever reads by number is about to remove it.
        self._foreseen.clear()
        return Stored(*fetch(self._connection, _BY_NUMBER, (number,))[0])

    def _expected(self, table: Table, id: str, version: int | None) -> Stored:
        stored = self._find(table, id)
        if stored is None or self._has_expired(stored) or version not in (None, stored.version):
            raise VersionMismatch(table.collection.name, id)
        return stored

    def _has_expired(self, stored: Stored) -> bool:
        return stored.expires is not None and stored.expires <= self._now

    # --- records ---

    def _insert(self, prepared: Prepared) -> None:
        key = (prepared.table.number, prepared.id)
        if key in self._new:
            self._settle_records()
        self._new[key] = prepared

    def _settle_records(self) -> None:
        waiting, self._new = list(self._new.values()), {}
        for some in _in_steps(waiting):
            number: int = self._connection.execute(NEXT).get
            try:
                self._add_records(some, number)
            except apsw.ConstraintError:
                for one in some:
                    self._make_room(one.table, one.id)
                self._add_records(some, number)

    def _add_records(self, some: Sequence[Prepared], number: int) -> None:
        """Insert records under numbers from this one on. Raises ConstraintError when one of the ids is taken."""
        rows = [
            (number + position, one.table.number, one.id, one.expires, one.body) for position, one in enumerate(some)
        ]
        self._connection.execute(_repeated(_RECORD, len(rows)), tuple(chain.from_iterable(rows)))
        for position, one in enumerate(some):
            self._amounts[one.table.number] += 1
            if one.entries:
                self._add(one.table, one.entries, number + position)

    def _make_room(self, table: Table, id: str) -> None:
        """Remove the record of that id if it has expired. Raises NotUnique for one that has not."""
        stored = self._find(table, id)
        if stored is None:
            return
        if not self._has_expired(stored):
            raise NotUnique(table.collection.name, "id")
        self._remove(table, stored)

    def _replace(self, prepared: Prepared, stored: Stored) -> None:
        gone, come = entries_changed(prepared.table, stored.body, prepared.body)
        self._connection.execute(_REPLACE, (prepared.expires, prepared.body, stored.number))
        self._amounts[prepared.table.number] += 0
        self._drop(gone, stored.number)
        self._add(prepared.table, come, stored.number)

    def _remove(self, table: Table, stored: Stored) -> None:
        self._connection.execute(_DELETE, (stored.number,))
        self._drop(entries_of(table, decode_body(stored.body)), stored.number)
        self._amounts[table.number] -= 1

    # --- keys ---

    def _add(self, table: Table, entries: Entries, number: int) -> None:
        self._keys += [(field, value, number, leads) for field, value, leads in entries.keys]
        self._keyed.add(number)
        self._claims.update(((claim, number), table) for claim in entries.claims)

    def _settle_keys(self) -> None:
        # Field by field, so that neighbours of one index are written together.
        waiting, self._keys = sorted(self._keys, key=itemgetter(0)), []
        self._keyed.clear()
        for some in _in_steps(waiting):
            self._connection.execute(_repeated(_KEY, len(some)), tuple(chain.from_iterable(some)))

    def _drop(self, entries: Entries, number: int) -> None:
        if number in self._keyed:
            self._settle_keys()
        if entries.keys:
            self._connection.executemany(_DROP_KEY, [(field, value, number) for field, value, _ in entries.keys])
        for claim in entries.claims:
            # A value that this very commit gave the record is not in the table yet.
            if self._claims.pop((claim, number), None) is None:
                self._connection.execute(_RELEASE, claim)

    # --- unique values ---

    def _settle_claims(self) -> None:
        waiting = list(self._claims)
        for some in _in_steps(waiting):
            try:
                self._add_claims(some)
            except apsw.ConstraintError:
                for claim in some:
                    self._claim(claim)

    def _add_claims(self, some: Sequence[tuple[ClaimRow, int]]) -> None:
        """Insert claims. Raises ConstraintError, with none of them made, when somebody has one of the values."""
        parameters = tuple(part for (field, value), number in some for part in (field, value, number))
        self._connection.execute(_repeated(_CLAIM, len(some)), parameters)

    def _claim(self, wanted: tuple[ClaimRow, int]) -> None:
        claim, table = wanted[0], self._claims[wanted]
        for (holder,) in fetch(self._connection, _HOLDER, claim):
            stored = self._numbered(holder)
            if not self._has_expired(stored):
                raise NotUnique(table.collection.name, table.unique_name(claim[0]))
            self._remove(table, stored)
        self._add_claims([wanted])

    # --- housekeeping ---

    def sweep(self, table: Table, most: int) -> int:
        """Remove up to so many expired records; returns how many."""
        rows = fetch(self._connection, _EXPIRED, (table.number, self._now, most))
        for row in rows:
            self._remove(table, Stored(*row))
        return len(rows)
