"""What stores index of a document: one pure function, so that every backend finds by the same values."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from idp.errors import InvalidValue
from idp.query import Document, Field, Kind, Scalar, normalise, order_key, sort_key, values_at
from idp.store.contract import Collection

# Part of every collection's layout: raise it when the meaning of a key changes, and stores index anew.
KEYS_VERSION: Final = 1

LARGEST_INTEGER: Final = 2**63 - 1
NEVER: Final = LARGEST_INTEGER


@dataclass(frozen=True, slots=True)
class FieldKeys:
    """The distinct values of one indexed field, and the one that its record sorts by."""

    values: tuple[Scalar, ...]
    sort: Scalar


@dataclass(frozen=True, slots=True)
class IndexKeys:
    """Everything a store derives from a document.

    `fields` goes with `Collection.indexed`; `unique` holds (position in `Collection.unique`, value); `expires` is
    in epoch microseconds, NEVER when the record stays.
    """

    fields: tuple[FieldKeys, ...]
    unique: tuple[tuple[int, Scalar], ...]
    expires: int


def index_keys(collection: Collection, document: Document) -> IndexKeys:
    """Return the document's keys. Raises InvalidValue when a value cannot be indexed as its field is declared."""
    return IndexKeys(
        tuple(_field_keys(collection, field, document) for field in collection.indexed),
        tuple(
            (position, value)
            for position, field in enumerate(collection.unique)
            for value in _distinct(_values(field, document))
        ),
        _expiry(collection, document),
    )


def layout(collection: Collection) -> str:
    """Return a text that changes whenever stored records would have other keys."""
    parts = [f"v{KEYS_VERSION} unicode={unicodedata.unidata_version} expires={collection.expires}"]
    for name, fields in (("indexed", collection.indexed), ("unique", collection.unique), ("list", collection.lists)):
        parts += [f"{name} {field.name} {field.kind} {field.case_exact}" for field in fields]
    return "\n".join(parts)


def _field_keys(collection: Collection, field: Field, document: Document) -> FieldKeys:
    values = _distinct(_values(field, document))
    leader = sort_key(field, document)
    if len(values) > (leader is not None) and field not in collection.lists:
        raise InvalidValue(field.name, "has more than one value")
    return FieldKeys(values, leader)


def _values(field: Field, document: Document) -> Iterable[Scalar]:
    for value in values_at(document, field.path):
        key = normalise(field, value)
        if key is not None:
            yield _within_64_bits(field, key)
        elif field.kind is not Kind.COMPLEX:
            raise InvalidValue(field.name, f"is not a {field.kind}")


def _within_64_bits(field: Field, key: Scalar) -> Scalar:
    if isinstance(key, int) and not -LARGEST_INTEGER <= key <= LARGEST_INTEGER:
        raise InvalidValue(field.name, "is a number of more than 64 bits")
    return key


def _distinct(values: Iterable[Scalar]) -> tuple[Scalar, ...]:
    found = tuple(values)
    return found if len(found) < 2 else tuple({order_key(value): value for value in found}.values())


def _expiry(collection: Collection, document: Document) -> int:
    if collection.expires is None or (text := document.get(collection.expires)) is None:
        return NEVER
    moment = normalise(Field((collection.expires,), Kind.DATETIME), text)
    if not isinstance(moment, int):
        raise InvalidValue(collection.expires, f"is not a {Kind.DATETIME}")
    return moment
