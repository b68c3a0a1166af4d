"""A large commit: what it adds goes into the tables column by column, hundreds of rows by one statement.

Nothing here decides what is in the way of a commit. When the tables refuse something, all is undone and made again
write by write, which knows what it is and whose.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import apsw

from idp.clock import Clock
from idp.query import Document, Scalar, microseconds
from idp.store.bodies import decode_body, encode_body
from idp.store.columns import Columns
from idp.store.contract import Check, DeleteWhere, Insert, Write
from idp.store.keys import KeyReader, UniqueReader
from idp.store.sqlite.apply import COUNT, NEXT, Commit, Prepared, Writes, prepare
from idp.store.sqlite.entries import expires_at, key_values
from idp.store.sqlite.many import Statement
from idp.store.sqlite.table import ABSENT, Table, Value, encoded
from idp.store.sqlite.writer import Work

# With fewer writes the difference is not felt.
_LARGE: Final = 32

_RECORDS: Final = Statement(
    "INSERT INTO records (number, collection, id, version, expires, body) VALUES ",
    "(?2 + {row}, ?1, {0}, 1, {1}, {2})",
    3,
)
_COLUMN: Final = Statement("INSERT INTO keys VALUES ", "(?1, {0}, ?2 + {row}, 1)", 1)
_KEYS: Final = Statement("INSERT INTO keys VALUES ", "(?1, {0}, ?2 + {1}, {2})", 3)
_CLAIMS: Final = Statement("INSERT INTO claims VALUES ", "(?1, {0}, ?2 + {1})", 2)
_LIVE: Final = Statement(
    "SELECT count(*) FROM records WHERE collection = ?1 AND (expires IS NULL OR expires > ?2) AND id IN (",
    "{0}",
    1,
    ")",
)


class _Refused(Exception):
    """Something is in the way."""


class Load:
    """The new records of one collection, with the parameters of their rows."""

    def __init__(self, table: Table, documents: Sequence[Document]) -> None:
        """Encode and index them. Raises InvalidValue for what cannot be stored."""
        self._table = table
        columns = Columns(documents)
        self._records = [(one["id"], expires_at(table, one), encode_body(one)) for one in documents]
        self._keys = [
            (number, *_keys(None if is_list else columns.of(field), read, documents))
            for (number, field, is_list), (_, _, read) in zip(table.indexed, table.readers, strict=True)
        ]
        self._claims = [(number, _claims(read, documents)) for number, _, read in table.claimants]

    def write(self, connection: apsw.Connection) -> None:
        """Insert them. Raises ConstraintError when an id or a unique value is taken."""
        first: int = connection.execute(NEXT).get
        _RECORDS.run_numbered(connection, self._table.number, first, list(chain.from_iterable(self._records)))
        for number, single, several in self._keys:
            _COLUMN.run_numbered(connection, number, first, single)
            _KEYS.run(connection, number, first, several)
        for number, claims in self._claims:
            _CLAIMS.run(connection, number, first, claims)
        connection.execute(COUNT, (len(self._records), self._table.number))

    def one_by_one(self) -> list[Prepared]:
        """Return the same as single writes."""
        name = self._table.collection.name
        return [prepare(Insert(name, decode_body(body)), self._table) for _, _, body in self._records]


@dataclass(frozen=True, slots=True)
class Bulk:
    """A commit of many writes, no two of them of one record: their order is nothing to anybody."""

    loads: Sequence[Load]
    checks: Sequence[tuple[Table, Sequence[str]]]
    others: Sequence[Prepared]
    size: int
    clock: Clock

    def __call__(self, connection: apsw.Connection) -> int:
        """Make the writes; returns how many. Raises as `Commit.run`."""
        connection.execute("SAVEPOINT bulk")
        try:
            self._at_once(connection)
        except (_Refused, apsw.ConstraintError):
            connection.execute("ROLLBACK TO bulk")
            self._one_by_one(connection)
        connection.execute("RELEASE bulk")
        return self.size

    def _at_once(self, connection: apsw.Connection) -> None:
        now = microseconds(self.clock.now())
        for table, ids in self.checks:
            if sum(_LIVE.run(connection, table.number, now, ids)) < len(ids):
                raise _Refused
        # What these take away, the new records may have.
        Commit(connection, self.clock).run(self.others)
        for load in self.loads:
            load.write(connection)

    def _one_by_one(self, connection: apsw.Connection) -> None:
        checks = [prepare(Check(table.collection.name, key), table) for table, ids in self.checks for key in ids]
        new = chain.from_iterable(load.one_by_one() for load in self.loads)
        Commit(connection, self.clock).run([*self.others, *checks, *new])


def _keys(
    single: Sequence[Scalar] | None, read: KeyReader, documents: Sequence[Document]
) -> tuple[Sequence[Value], Sequence[Value]]:
    """Return the keys of a field where every record has one, and the parameters of its rows where not."""
    if single is not None:
        # Most keys are text, and most others none at all.
        return [key if type(key) is str else ABSENT if key is None else encoded(key) for key in single], ()
    keys = ((position, key_values(*read(document))) for position, document in enumerate(documents))
    return (), [part for position, found in keys for value, leads in found for part in (value, position, leads)]


def _claims(read: UniqueReader, documents: Sequence[Document]) -> list[Value]:
    found = ((position, key) for position, document in enumerate(documents) for key in read(document))
    return [part for position, key in found for part in (encoded(key), position)]


def bulk(writes: Sequence[Write], tables: Mapping[str, Table], clock: Clock) -> Bulk | None:
    """Return the writes as one work, or None when they are few or their order matters.

    Raises InvalidValue for what cannot be stored.
    """
    if len(writes) < _LARGE or any(isinstance(write, DeleteWhere) for write in writes):
        return None
    new: dict[str, list[Document]] = defaultdict(list)
    checked: dict[str, list[str]] = defaultdict(list)
    others: list[Prepared] = []
    records: set[tuple[str, str]] = set()
    for write in writes:
        if type(write) is Insert:  # as nearly all of them are
            new[write.collection].append(write.document)
            records.add((write.collection, write.document["id"]))
            continue
        match write:
            case Check(name, id, None):
                checked[name].append(id)
                records.add((name, id))
            case _:
                others.append(prepare(write, tables[write.collection]))
                records.add((write.collection, others[-1].id))
    if len(records) < len(writes):
        return None
    loads = [Load(tables[name], documents) for name, documents in new.items()]
    return Bulk(loads, [(tables[name], ids) for name, ids in checked.items()], others, len(writes), clock)


def joined(works: Sequence[Work]) -> Work | None:
    """Return the work that makes several commits one: far fewer statements. None where something else is among them."""
    small = [work for work in works if isinstance(work, Writes)]
    large = [work for work in works if isinstance(work, Bulk)]
    if len(small) + len(large) < len(works):
        return None
    clock = small[0].clock if small else large[0].clock
    one = Writes(list(chain.from_iterable(work.prepared for work in small)), clock)
    return lambda connection: one(connection) + sum(work(connection) for work in large)
