"""Which collections a file has, and the indexing anew of those whose declaration has changed."""

from collections.abc import Mapping
from typing import Final

import apsw

from idp.errors import ConfigError, InvalidValue
from idp.query import Field
from idp.store.bodies import decode_body
from idp.store.contract import Collection
from idp.store.keys import key_reader, layout, unique_reader
from idp.store.shared import SharedValues, unfit
from idp.store.sqlite.database import fetch, immediate
from idp.store.sqlite.entries import entries_of, expires_at
from idp.store.sqlite.table import Table

_HOLDER: Final = (
    "SELECT r.id FROM claims AS c JOIN records AS r ON r.number = c.record WHERE c.field = ? AND c.value = ?"
)


def load(connection: apsw.Connection, collections: Mapping[str, Collection]) -> tuple[dict[str, Table], int]:
    """Return the tables by name and the generation of their numbers; index anew what is declared otherwise now."""
    if _outdated(connection, collections):
        with immediate(connection):
            # Read again: another process may have been first.
            for collection, is_new in _outdated(connection, collections):
                _lay_out(connection, collection, is_new=is_new)
    current = generation(connection)
    return {name: _table(connection, collection) for name, collection in collections.items()}, current


def _outdated(connection: apsw.Connection, collections: Mapping[str, Collection]) -> list[tuple[Collection, bool]]:
    known = dict(fetch(connection, "SELECT name, layout FROM collections"))
    return [
        (collection, collection.name not in known)
        for collection in collections.values()
        if known.get(collection.name) != layout(collection)
    ]


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
    old = dict(fetch(connection, "SELECT label, number FROM fields WHERE collection = ?", (number,)))
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
    read, shared = connection.cursor(), SharedValues()
    for number, body in read.execute("SELECT number, body FROM records WHERE collection = ?", (table.number,)):
        document = decode_body(body)
        try:
            entries = entries_of(table, document)
        except InvalidValue as error:
            raise ConfigError(f"store.{table.collection.name}", unfit(document["id"], error)) from error
        rows = [(field, value, number, leads) for field, value, leads in entries.keys]
        connection.executemany("INSERT INTO keys VALUES (?, ?, ?, ?)", rows)
        connection.execute("UPDATE records SET expires = ? WHERE number = ?", (expires_at(table, document), number))
        for field, value in entries.claims:
            try:
                connection.execute("INSERT INTO claims VALUES (?, ?, ?)", (field, value, number))
            except apsw.ConstraintError:
                holder = connection.execute(_HOLDER, (field, value)).get
                shared.add(table.unique_name(field), value, (holder, document["id"]))
    if shared.reason is not None:
        raise ConfigError(f"store.{table.collection.name}", shared.reason)


def _table(connection: apsw.Connection, collection: Collection) -> Table:
    number = _number(connection, collection)
    numbers = dict(fetch(connection, "SELECT label, number FROM fields WHERE collection = ?", (number,)))
    fields = (*collection.indexed, *collection.unique)
    return Table(
        collection,
        number,
        indexed=tuple((numbers[_label(field)], field, field in collection.lists) for field in collection.indexed),
        unique=tuple((numbers[_label(field)], field) for field in collection.unique),
        by_field={field: numbers[_label(field)] for field in collection.indexed},
        names=frozenset(field.path[0] for field in fields),
        readers=tuple(
            (numbers[_label(field)], field.path[0], key_reader(field, is_list=field in collection.lists))
            for field in collection.indexed
        ),
        claimants=tuple((numbers[_label(field)], field.path[0], unique_reader(field)) for field in collection.unique),
    )


def _number(connection: apsw.Connection, collection: Collection) -> int:
    found: int = connection.execute("SELECT number FROM collections WHERE name = ?", (collection.name,)).get
    return found


def _label(field: Field) -> str:
    return f"{field.name} {field.kind} {'exact' if field.case_exact else 'any case'}"
