"""What stores index of a document: pure functions, so that every backend finds by the same values."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Final

from idp.errors import InvalidValue
from idp.query import Document, Field, Kind, Scalar, fold, normalise, order_key, sort_key, values_at
from idp.store.contract import Collection

# Part of every collection's layout: raise it when the meaning of a key changes, and stores index anew.
KEYS_VERSION: Final = 1

LARGEST_INTEGER: Final = 2**63 - 1
NEVER: Final = LARGEST_INTEGER


# The distinct values of one indexed field, and the one that its record sorts by.
FieldKeys = tuple[tuple[Scalar, ...], Scalar]

NO_KEYS: Final[FieldKeys] = ((), None)


def field_keys(field: Field, document: Document, *, is_list: bool) -> FieldKeys:
    """Return a field's keys. Raises InvalidValue for a value that cannot be indexed as the field is declared."""
    if is_list:
        return unique_values(field, document), sort_key(field, document)
    value = _single(field, document)
    if value is None:
        return NO_KEYS
    key = single_key(field, value)
    return NO_KEYS if key is None else ((key,), key)


def unique_values(field: Field, document: Document) -> tuple[Scalar, ...]:
    """Return the distinct values of a field. Raises InvalidValue as `field_keys` does."""
    found = tuple(_keys(field, document))
    return found if len(found) < 2 else tuple({order_key(key): key for key in found}.values())


KeyReader = Callable[[Document], FieldKeys]
UniqueReader = Callable[[Document], tuple[Scalar, ...]]


def key_reader(field: Field, *, is_list: bool) -> KeyReader:
    """Return `field_keys` of one field, to be asked for many documents: the usual forms of values are read quickly."""

    def slow(document: Document) -> FieldKeys:
        return field_keys(field, document, is_list=is_list)

    if not is_list:
        return _value_reader(field, slow)
    return _list_reader(field, slow) if field.kind is Kind.STRING and len(field.path) == 2 else slow


def unique_reader(field: Field) -> UniqueReader:
    """Return `unique_values` of one field, to be asked for many documents."""
    read = _value_reader(field, lambda document: (unique_values(field, document), None))
    return lambda document: read(document)[0]


def _value_reader(field: Field, slow: KeyReader) -> KeyReader:
    """Return a reader for one value at the end of the path, with only objects on the way there."""
    path, folds = field.path, not field.case_exact
    is_text = field.kind is Kind.STRING

    def read(document: Document) -> FieldKeys:
        value: Any = document
        for name in path:
            if type(value) is not dict:
                return slow(document)
            value = value.get(name)
            if value is None:
                return NO_KEYS
        if is_text and type(value) is str:
            key: Scalar = fold(value) if folds else value
        elif type(value) is list:
            return slow(document)
        else:
            key = single_key(field, value)
        return NO_KEYS if key is None else ((key,), key)

    return read


def _list_reader(field: Field, slow: KeyReader) -> KeyReader:
    """Return a reader for texts, each in an object of a list."""
    head, last = field.path
    convert = str if field.case_exact else fold

    def read(document: Document) -> FieldKeys:
        elements = document.get(head)
        if not elements:
            return NO_KEYS
        if type(elements) is not list or not all(_has_text(element, last) for element in elements):
            return slow(document)
        leading = next((element for element in elements if element.get("primary") is True), elements[0])
        return tuple({convert(element[last]): None for element in elements}), convert(leading[last])

    return read


def _has_text(element: Any, name: str) -> bool:
    return type(element) is dict and type(element.get(name)) is str


def expiry(collection: Collection, document: Document) -> int:
    """Return when the document expires, in epoch microseconds; NEVER when it stays. Raises InvalidValue."""
    if collection.expires is None or (text := document.get(collection.expires)) is None:
        return NEVER
    moment = normalise(Field((collection.expires,), Kind.DATETIME), text)
    if not isinstance(moment, int):
        raise InvalidValue(collection.expires, f"is not a {Kind.DATETIME}")
    return moment


def layout(collection: Collection) -> str:
    """Return a text that changes whenever stored records would have other keys."""
    parts = [f"v{KEYS_VERSION} unicode={unicodedata.unidata_version} expires={collection.expires}"]
    for name, fields in (("indexed", collection.indexed), ("unique", collection.unique), ("list", collection.lists)):
        parts += [_declared(name, field) for field in fields]
    return "\n".join(parts)


def newly_unique(collection: Collection, before: str) -> list[Field]:
    """Return the unique fields that by an earlier `layout` were indexed and not unique, so that records have keys."""
    known = frozenset(before.split("\n"))
    return [
        field
        for field in collection.unique
        if _declared("indexed", field) in known and _declared("unique", field) not in known
    ]


def _declared(name: str, field: Field) -> str:
    return f"{name} {field.name} {field.kind} {field.case_exact}"


def _single(field: Field, document: Document) -> Any:
    value: Any = document
    for name in field.path:
        if not isinstance(value, dict):
            return _alone(field, document)
        value = value.get(name)
    return _alone(field, document) if isinstance(value, list) else value


def _alone(field: Field, document: Document) -> Any:
    """Return the only value where a list stands in the way of a field declared to have one."""
    found = list(values_at(document, field.path))
    if len(found) > 1:
        raise InvalidValue(field.name, "has more than one value")
    return found[0] if found else None


def _keys(field: Field, document: Document) -> Iterator[Scalar]:
    for value in values_at(document, field.path):
        key = single_key(field, value)
        if key is not None:
            yield key


def single_key(field: Field, value: Any) -> Scalar:
    """Return the key of one value, None where it compares with nothing. Raises InvalidValue as `field_keys` does."""
    key = normalise(field, value)
    if key is None and field.kind is not Kind.COMPLEX:
        raise InvalidValue(field.name, f"is not a {field.kind}")
    if isinstance(key, int) and not -LARGEST_INTEGER <= key <= LARGEST_INTEGER:
        raise InvalidValue(field.name, "is a number of more than 64 bits")
    return key
