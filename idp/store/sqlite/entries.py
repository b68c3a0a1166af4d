"""What a document puts into the key and claim tables, and what of it changes with a replacement."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from idp.query import Document, Scalar
from idp.store.keys import expiry, field_keys, unique_values
from idp.store.sqlite.table import ABSENT, Table, Value, encoded

KeyRow = tuple[int, Value, bool]
ClaimRow = tuple[int, Value]

_split: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode: Final = msgspec.json.Decoder(Any).decode


@dataclass(frozen=True, slots=True)
class Entries:
    """Rows of the key and claim tables, without the record's number."""

    keys: set[KeyRow]
    claims: set[ClaimRow]


def entries_of(table: Table, document: Document, within: Container[str] | None = None) -> Entries:
    """Return the rows for a document, or for those fields of it that begin with certain names."""
    keys: set[KeyRow] = set()
    for number, field, is_list in table.indexed:
        if within is None or field.path[0] in within:
            values, leader = field_keys(field, document, is_list=is_list)
            _add(keys, number, values, leader)
    claims = {
        (number, encoded(value))
        for number, field in table.unique
        if within is None or field.path[0] in within
        for value in unique_values(field, document)
    }
    return Entries(keys, claims)


def _add(keys: set[KeyRow], number: int, values: tuple[Scalar, ...], leader: Scalar) -> None:
    first = encoded(leader)
    if leader is None:
        keys.add((number, ABSENT, True))
    for value in map(encoded, values):
        keys.add((number, value, value == first))


def entries_changed(table: Table, before: bytes, after: bytes) -> tuple[Entries, Entries]:
    """Return the rows that a replacement takes away and those that it adds.

    Most replacements leave most attributes alone: only those that differ in their encoded form are looked into.
    """
    old, new = _split(before), _split(after)
    names = {name for name in table.names if old.get(name) != new.get(name)}
    if not names:
        return Entries(set(), set()), Entries(set(), set())
    gone, come = (entries_of(table, _decoded(raw, names), names) for raw in (old, new))
    return (
        Entries(gone.keys - come.keys, gone.claims - come.claims),
        Entries(come.keys - gone.keys, come.claims - gone.claims),
    )


def _decoded(raw: Mapping[str, msgspec.Raw], names: Container[str]) -> dict[str, Any]:
    return {name: _decode(value) for name, value in raw.items() if name in names}


def expires_at(table: Table, document: Document) -> int | None:
    """Return the moment as stored: none at all where records of this collection never expire."""
    return expiry(table.collection, document) if table.collection.expires else None
