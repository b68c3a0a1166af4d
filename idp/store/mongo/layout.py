"""What a collection looks like in MongoDB: names, records, claims and the indexes over them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from bson.max_key import MaxKey

from idp.query import Document, Field, Scalar
from idp.store.bodies import encode_body
from idp.store.contract import Collection
from idp.store.keys import KeyReader, UniqueReader, expiry, key_reader, layout, unique_reader
from idp.store.mongo.ledger import claim_of

LAYOUTS: Final = "_layouts"
# Sorts after every value: what has none comes last.
ABSENT: Final = MaxKey()
SHOWN: Final = {"version": 1, "body": 1, "document": 1}
"""What is read of a record to return it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A collection and the names of its keys.

    Every indexed field has its normalised values in `keys.NAME`, with an index of its own: a single value as such, so
    that the same index also sorts; several as an array, which MongoDB would sort by its least element, so that
    these have what they sort by in `order.NAME`, with a second index. The document itself is JSON text in `body`.
    """

    collection: Collection
    names: Mapping[Field, str] = field(repr=False)
    readers: tuple[tuple[str, bool, KeyReader], ...] = field(repr=False)
    """What takes the keys of each name, and whether it is a list."""
    claimants: tuple[tuple[str, UniqueReader], ...] = field(repr=False)
    """What takes the unique values of each field, by the field's name."""

    @property
    def name(self) -> str:
        """The collection's name."""
        return self.collection.name

    @property
    def text(self) -> str:
        """What tells whether stored records have the keys that this process would give them."""
        return layout(self.collection)

    @property
    def is_counted(self) -> bool:
        """Whether the ledger knows how many records there are; where records expire, only the clock does."""
        return self.collection.counted and not self.collection.expires

    def key_path(self, wanted: Field) -> str:
        """Where the values of an indexed field stand."""
        return f"keys.{self.names[wanted]}"

    def order_path(self, wanted: Field) -> str:
        """Where the value that a record sorts by stands."""
        return f"order.{self.names[wanted]}" if wanted in self.collection.lists else self.key_path(wanted)

    def indexes(self) -> set[str]:
        """Return the paths that are indexed, each with the id behind it, so that order is total."""
        paths = {path for one in self.collection.indexed for path in (self.key_path(one), self.order_path(one))}
        return paths | ({"expires"} if self.collection.expires else set())

    def record(self, document: Document, version: int) -> tuple[dict[str, Any], list[str]]:
        """Return the record to be stored, and the claims it makes. Raises InvalidValue for what cannot be."""
        claims = self._claims(document)
        keys: dict[str, Any] = {}
        order: dict[str, Any] = {}
        record: dict[str, Any] = {
            "_id": document["id"],
            "version": version,
            "keys": keys,
            "body": encode_body(document),
        }
        for name, is_list, read in self.readers:
            values, leader = read(document)
            last = ABSENT if leader is None else leader
            if is_list:
                keys[name], order[name] = list(values), last
            else:
                keys[name] = last
        if order:
            record["order"] = order
        if claims:
            record["claims"] = claims
        if self.collection.expires:
            record["expires"] = expiry(self.collection, document)
        return record, claims

    def _claims(self, document: Document) -> list[str]:
        """Return the ids of the ledger entries that a record's unique values need, sorted."""
        values = ((name, value) for name, read in self.claimants for value in read(document))
        return sorted(claim_of(self.name, name, _tagged(value)) for name, value in values)


def body_of(found: Mapping[str, Any]) -> bytes:
    """Return the JSON text of a record's document. Before there was one, records held the document itself."""
    body: bytes | None = found.get("body")
    # BSON has a type of its own for integers of more than 32 bits.
    return msgspec.json.encode(found["document"], enc_hook=int) if body is None else body


def lay_out(collections: Mapping[str, Collection]) -> dict[str, Layout]:
    """Return the layouts by name."""
    return {name: _layout(collection) for name, collection in collections.items()}


def _layout(collection: Collection) -> Layout:
    names = {one: _key_name(one) for one in collection.indexed}
    lists = [one in collection.lists for one in names]
    return Layout(
        collection,
        names,
        readers=tuple(
            (name, is_list, key_reader(one, is_list=is_list))
            for (one, name), is_list in zip(names.items(), lists, strict=True)
        ),
        claimants=tuple((one.name, unique_reader(one)) for one in collection.unique),
    )


def _key_name(one: Field) -> str:
    # A dot would be a path; `~` keeps apart a field that is indexed both with and without its case.
    return "/".join(one.path).replace(".", "/") + ("" if one.case_exact else "~")


def _tagged(value: Scalar) -> str:
    if isinstance(value, bool):
        return f"boolean:{value}"
    if isinstance(value, int | float):
        return f"number:{int(value) if value == int(value) else value!r}"
    return f"string:{value}"
