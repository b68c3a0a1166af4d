"""Collections as this file numbers them, and the indexing anew of those whose declaration has changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import apsw
import msgspec

from idp.errors import ConfigError
from idp.query import Field, Scalar
from idp.store.contract import Collection
from idp.store.keys import IndexKeys, index_keys, layout
from idp.store.sqlite.database import immediate

Value = str | int | float | bytes
KeyRow = tuple[int, Value, bool]
ClaimRow = tuple[int, Value]

# Blobs sort after numbers and text, so booleans and "no value" have places of their own in every index.
FALSE: Final = b"\x00"
TRUE: Final = b"\x01"
AFTER_BOOLEANS: Final = b"\x02"
ABSENT: Final = b"\xff"


@dataclass(frozen=True, slots=True)
class Table:
    """A collection and its numbers: those of its fields go with `indexed` and `unique`."""

    collection: Collection
    number: int
    indexed: tuple[int, ...]
    unique: tuple[int, ...]
    by_field: Mapping[Field, int] = field(repr=False)

    def key_rows(self, keys: IndexKeys) -> set[KeyRow]:
        """Return what the key table holds for a record, without its number."""
        rows: set[KeyRow] = set()
        for number, found in zip(self.indexed, keys.fields, strict=True):
            leader = encoded(found.sort)
            if found.sort is None:
                rows.add((number, ABSENT, True))
            rows.update((number, value, value == leader) for value in map(encoded, found.values))
        return rows

    def claim_rows(self, keys: IndexKeys) -> set[ClaimRow]:
        """Return the unique values of a record as the claim table holds them."""
        return {(self.unique[position], encoded(value)) for position, value in keys.unique}

    def expiry(self, keys: IndexKeys) -> int | None:
        """Return the moment as stored: none at all where records of this collection never expire."""
        return keys.expires if self.collection.expires else None

    def unique_name(self, number: int) -> str:
        """Return the name of the unique field with that number."""
        return self.collection.unique[self.unique.index(number)].name


def encoded(value: Scalar) -> Value:
    """Return a normalised value as keys hold it, ordered as `idp.query.order_key` orders."""
    if isinstance(value, bool):
        return TRUE if value else FALSE
    return ABSENT if value is None else value


def load(connection: apsw.Connection, collections: Mapping[str, Collection]) -> tuple[dict[str, Table], int]:
    """Return the tables by name and the generation of their numbers; index anew what is declared otherwise now."""
    with immediate(connection):
        known = dict(connection.execute("SELECT name, layout FROM collections"))
        for collection in collections.values():
            if known.get(collection.name) != layout(collection):
                _lay_out(connection, collection, is_new=collection.name not in known)
        tables = {name: _table(connection, collection) for name, collection in collections.items()}
        return tables, generation(connection)


def generation(connection: apsw.Connection) -> int:
    """Return the number that grows whenever a collection is laid out anew."""
    found: int = connection.execute("SELECT generation FROM state").get
    return found


def _lay_out(connection: apsw.Connection, collection: Collection, *, is_new: bool) -> None:
    connection.execute(
        "INSERT INTO collections (name, layout, amount) VALUES (?, ?, 0)"
        " ON CONFLICT (name) DO UPDATE SET layout = excluded.layout",
        (collection.name, layout(collection)),
    )
    number = _number(connection, collection)
    old = dict(connection.execute("SELECT label, number FROM fields WHERE collection = ?", (number,)))
    for table in ("keys", "claims"):
        connection.executemany(f"DELETE FROM {table} WHERE field = ?", [(field,) for field in old.values()])  # noqa: S608 - two constant names
    wanted = {_label(field) for field in (*collection.indexed, *collection.unique)}
    connection.executemany(
        "DELETE FROM fields WHERE number = ?", [(old[label],) for label in sorted(old.keys() - wanted)]
    )
    connection.executemany(
        "INSERT INTO fields (collection, label) VALUES (?, ?)",
        [(number, label) for label in sorted(wanted - old.keys())],
    )
    if not is_new:
        connection.execute("UPDATE state SET generation = generation + 1")
        _index_anew(connection, _table(connection, collection))


def _index_anew(connection: apsw.Connection, table: Table) -> None:
    read = connection.cursor()
    for number, body in read.execute("SELECT number, body FROM records WHERE collection = ?", (table.number,)):
        keys = index_keys(table.collection, msgspec.json.decode(body))
        connection.executemany("INSERT INTO keys VALUES (?, ?, ?, ?)", _with_record(table.key_rows(keys), number))
        connection.execute("UPDATE records SET expires = ? WHERE number = ?", (table.expiry(keys), number))
        for field_number, value in table.claim_rows(keys):
            try:
                connection.execute("INSERT INTO claims VALUES (?, ?, ?)", (field_number, value, number))
            except apsw.ConstraintError as error:
                name = table.unique_name(field_number)
                reason = f"{name} cannot be made unique: two records share a value"
                raise ConfigError(f"store.{table.collection.name}", reason) from error


def _with_record(rows: set[KeyRow], record: int) -> Iterator[tuple[int, Value, int, bool]]:
    return ((field, value, record, leads) for field, value, leads in rows)


def _table(connection: apsw.Connection, collection: Collection) -> Table:
    number = _number(connection, collection)
    numbers = dict(connection.execute("SELECT label, number FROM fields WHERE collection = ?", (number,)))
    indexed = tuple(numbers[_label(field)] for field in collection.indexed)
    unique = tuple(numbers[_label(field)] for field in collection.unique)
    return Table(collection, number, indexed, unique, dict(zip(collection.indexed, indexed, strict=True)))


def _number(connection: apsw.Connection, collection: Collection) -> int:
    found: int = connection.execute("SELECT number FROM collections WHERE name = ?", (collection.name,)).get
    return found


def _label(field: Field) -> str:
    return f"{field.name} {field.kind} {'exact' if field.case_exact else 'any case'}"
