"""The one query language: a typed filter tree, a sort and a page; `matches` says what a filter means.

Protocols translate into it, stores compile it. A `Field` carries what its schema declares, so neither side
needs the schema: its `path` holds the keys to follow in a document, and lists are entered wherever they are met.
Semantics are those of RFC 7644 section 3.4.2.2.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from idp.clock import from_text

Document = Mapping[str, Any]
Scalar = str | bool | int | float | None


class Kind(StrEnum):
    """How values of a field compare (the simple types of RFC 7643 section 2.3)."""

    STRING = "string"
    BOOLEAN = "boolean"
    NUMBER = "number"
    DATETIME = "dateTime"
    COMPLEX = "complex"


class Op(StrEnum):
    """The comparison operators of RFC 7644 table 3, but for `pr`."""

    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Field:
    """Where a value stands in a document and how it compares."""

    path: tuple[str, ...]
    kind: Kind = Kind.STRING
    case_exact: bool = True

    @property
    def name(self) -> str:
        """The path in dotted form; the key under which stores index it."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Compare:
    """`field op value`; true when any value of the field satisfies it (`ne`: when none equals)."""

    field: Field
    op: Op
    value: Scalar


@dataclass(frozen=True, slots=True)
class Present:
    """`field pr`: some value is neither null nor empty."""

    field: Field


@dataclass(frozen=True, slots=True)
class In:
    """The field equals one of many values: what a service asks to read a batch in one query."""

    field: Field
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class ValuePath:
    """`field[filter]`: one element of a multi-valued complex field satisfies the whole inner filter.

    Paths inside are relative to the element.
    """

    field: Field
    filter: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """All terms hold; with no terms, true."""

    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Some term holds; with no terms, false."""

    terms: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: "Filter"


Filter = Compare | Present | In | ValuePath | And | Or | Not

EVERYTHING: Final = And(())


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by a field's first value; records without one come last ascending, first descending (RFC 7644 3.4.2.3)."""

    field: Field
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What to find. The order is always total: the sort, then the id, both in the sort's direction.

    `offset` counts from 0. `after` is the id of a record after which to go on, in id order; it excludes `sort`.
    `total` asks for the count of all matches beside the page.
    """

    filter: Filter = EVERYTHING
    sort: Sort | None = None
    offset: int = 0
    limit: int = 100
    after: str | None = None
    total: bool = True


def values_at(document: Document, path: tuple[str, ...]) -> Iterator[Any]:
    """Yield every value that stands at the path, entering lists on the way and at the end; never yields null."""
    inner = document.get(path[0])
    for element in inner if isinstance(inner, list) else (inner,):
        if len(path) == 1:
            yield from _leaves(element)
        elif isinstance(element, Mapping):
            yield from values_at(element, path[1:])


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def normalise(field: Field, value: Any) -> Scalar:
    """Return the value as it compares: case-folded text unless caseExact, moments as epoch microseconds.

    A complex value compares by its `value` sub-attribute (RFC 7644 section 3.5.2 reads `members eq "id"` so).
    """
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, str):
        if field.kind is Kind.DATETIME:
            return _epoch(value)
        return value if field.case_exact else fold(value)
    return value if isinstance(value, bool | int | float) else None


def fold(text: str) -> str:
    """Return text in the form in which caseExact=false values are the same."""
    return text.casefold()


def sort_key(field: Field, document: Document) -> Scalar:
    """Return the value a document sorts by: of a multi-valued attribute the primary element's, else the first."""
    head, *rest = field.path
    inner = document.get(head)
    if isinstance(inner, list):
        inner = next((e for e in inner if isinstance(e, Mapping) and e.get("primary") is True), next(iter(inner), None))
    found = values_at({head: inner}, (head, *rest))
    return next((key for key in (normalise(field, value) for value in found) if key is not None), None)


def _epoch(text: str) -> int | None:
    try:
        moment = from_text(text)
    except ValueError:
        return None
    return round(moment.timestamp() * 1_000_000)


def matches(filter: Filter, document: Document) -> bool:
    """Tell whether the document satisfies the filter. This is the specification that every store must agree with."""
    match filter:
        case Compare():
            return _compare(filter, document)
        case Present(field):
            return any(_is_present(value) for value in values_at(document, field.path))
        case In(field, values):
            wanted = {normalise(field, value) for value in values} - {None}
            return any(normalise(field, value) in wanted for value in values_at(document, field.path))
        case ValuePath(field, inner):
            elements = values_at(document, field.path)
            return any(isinstance(element, Mapping) and matches(inner, element) for element in elements)
        case And(terms):
            return all(matches(term, document) for term in terms)
        case Or(terms):
            return any(matches(term, document) for term in terms)
        case Not(term):
            return not matches(term, document)


def _compare(compare: Compare, document: Document) -> bool:
    found = values_at(document, compare.field.path)
    if compare.value is None:
        # RFC 7644 gives null no meaning of its own; clients write `attr eq null` for "not set".
        present = any(_is_present(value) for value in found)
        return {Op.EQ: not present, Op.NE: present}.get(compare.op, False)
    wanted = normalise(compare.field, compare.value)
    if compare.op is Op.NE:
        return all(normalise(compare.field, value) != wanted for value in found)
    test = _TESTS[compare.op]
    return any(_comparable(value, wanted) and test(value, wanted) for value in _normalised(compare.field, found))


def _normalised(field: Field, values: Iterator[Any]) -> Iterator[Scalar]:
    return (normalise(field, value) for value in values)


def _comparable(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool)
    return isinstance(left, str) == isinstance(right, str) and left is not None and right is not None


def _is_present(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_present(inner) for inner in value.values())
    return value is not None and value not in ("", [])


_TESTS: Final[Mapping[Op, Callable[[Any, Any], bool]]] = {
    Op.EQ: lambda value, wanted: value == wanted,
    Op.CO: lambda value, wanted: isinstance(value, str) and wanted in value,
    Op.SW: lambda value, wanted: isinstance(value, str) and value.startswith(wanted),
    Op.EW: lambda value, wanted: isinstance(value, str) and value.endswith(wanted),
    Op.GT: lambda value, wanted: value > wanted,
    Op.GE: lambda value, wanted: value >= wanted,
    Op.LT: lambda value, wanted: value < wanted,
    Op.LE: lambda value, wanted: value <= wanted,
}
