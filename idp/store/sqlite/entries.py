"""What a document puts into the key and claim tables, and what of it changes with a replacement."""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from idp.query import Document, Scalar
from idp.store.keys import expiry
from idp.store.sqlite.table import ABSENT, Table, Value, encoded

KeyRow = tuple[int, Value, bool]
ClaimRow = tuple[int, Value]

_split: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode: Final = msgspec.json.Decoder(Any).decode


@dataclass(frozen=True, slots=True)
class Entries:
    """Rows of the key and claim tables, without the record's number; none is in them twice."""

    keys: Collection[KeyRow]
    claims: Collection[ClaimRow]


NO_ENTRIES: Final = Entries((), ())


def entries_of(table: Table, document: Document, within: Container[str] | None = None) -> Entries:
    """Return the rows for a document, or for those fields of it that begin with certain names."""
    keys: list[KeyRow] = []
    for number, head, read in table.readers:
        if within is None or head in within:
            values, leader = read(document)
            if len(values) == 1 and leader is not None:
                keys.append((number, encoded(leader), True))
            else:
                keys += [(number, value, leads) for value, leads in key_values(values, leader)]
    claims = {
        (number, encoded(value))
        for number, head, read_unique in table.claimants
        if within is None or head in within
        for value in read_unique(document)
    }
    return Entries(keys, claims)


def key_values(values: Sequence[Scalar], leader: Scalar) -> list[tuple[Value, bool]]:
    """Return the keys of one field as the table has them, each with whether it is the one to sort by."""
    first = encoded(leader)
    found = [(value, value == first) for value in map(encoded, values)]
    return [(ABSENT, True), *found] if leader is None else found


def entries_changed(table: Table, before: bytes, after: bytes) -> tuple[Entries, Entries]:
    """Return the rows that a replacement takes away and those that it adds.

    Most replacements leave most attributes alone: only those that differ in their encoded form are looked into.
    """
    old, new = _split(before), _split(after)
    names = {name for name in table.names if old.get(name) != new.get(name)}
    if not names:
        return NO_ENTRIES, NO_ENTRIES
    gone, come = (entries_of(table, _decoded(raw, names), names) for raw in (old, new))
    old_keys, new_keys, old_claims, new_claims = set(gone.keys), set(come.keys), set(gone.claims), set(come.claims)
    return Entries(old_keys - new_keys, old_claims - new_claims), Entries(new_keys - old_keys, new_claims - old_claims)


def _decoded(raw: Mapping[str, msgspec.Raw], names: Container[str]) -> dict[str, Any]:
    return {name: _decode(value) for name, value in raw.items() if name in names}


def expires_at(table: Table, document: Document) -> int | None:
    """Return the moment as stored: none at all where records of this collection never expire."""
    return expiry(table.collection, document) if table.collection.expires else None
