"""The one query language: a typed filter tree, a sort and a page; `matches` says what a filter means.

Protocols translate into it, stores compile it. A `Field` carries what its schema declares, so neither side
needs the schema: its `path` holds the keys to follow in a document, and lists are entered wherever they are met.
Semantics are those of RFC 7644 section 3.4.2.2.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from idp.clock import from_text

# As JSON is read: dicts, lists and scalars.
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

    def __post_init__(self) -> None:
        if self.kind not in (Kind.STRING, Kind.COMPLEX):
            # Only text has case; fields that compare alike must be equal, or an index would not be found.
            object.__setattr__(self, "case_exact", True)

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
    """`field[filter]`: one element of a multi-valued field satisfies the whole inner filter.

    Paths inside are relative to the element. One that is not complex stands there as the `value` of an object.
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
VERSION: Final = Field(("@version",), Kind.NUMBER)
"""The version of a record, which is part of no document: filters and sorts find it beside the document."""


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by a field's first value; records without one come last ascending, first descending (RFC 7644 3.4.2.3)."""

    field: Field
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in an order: the key it sorts by, as `sort_key` gives it, and its id."""

    key: Scalar
    id: str


_LONGEST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Query:
    """What to find. The order is always total: the sort, then the id, both in the sort's direction.

    `offset` counts from 0. `after` is a place in the order after which to go on, whether a record is there or not; just
    an id stands for the place it has in id order, and excludes `sort`.
    `total` asks for the count of all matches beside the page.
    """

    filter: Filter = EVERYTHING
    sort: Sort | None = None
    offset: int = 0
    limit: int = 100
    after: str | Place | None = None
    total: bool = True

    def __post_init__(self) -> None:
        if self.offset < 0 or self.limit < 0 or (isinstance(self.after, str) and self.sort is not None):
            raise ValueError("offset and limit count up from 0, and an id to go on after excludes `sort`")
        # No collection is longer, and no database counts further in one integer.
        object.__setattr__(self, "offset", min(self.offset, _LONGEST))
        object.__setattr__(self, "limit", min(self.limit, _LONGEST))


def judged(document: Document, version: int) -> dict[str, Any]:
    """Return a record's document as filters and sorts see it."""
    return {**document, VERSION.name: version}


def outside(field: Field, inner: Filter) -> Filter:
    """Return a condition on the one element that a field has as one on what holds the field."""
    match inner:
        case And(terms):
            return And(tuple(outside(field, term) for term in terms))
        case Or(terms):
            return Or(tuple(outside(field, term) for term in terms))
        case Not(term):
            return Not(outside(field, term))
        case _:
            return replace(inner, field=replace(inner.field, path=field.path + inner.field.path))


def values_at(document: Document, path: tuple[str, ...]) -> Iterator[Any]:
    """Yield every value that stands at the path, entering lists on the way and at the end; never yields null."""
    return _walk(document.get(path[0]), path[1:])


def _walk(value: Any, rest: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for element in value:
            yield from _walk(element, rest)
    elif not rest:
        if value is not None:
            yield value
    elif isinstance(value, dict):
        yield from _walk(value.get(rest[0]), rest[1:])


def normalise(field: Field, value: Any) -> Scalar:
    """Return the value as it compares: case-folded text unless caseExact, moments as epoch microseconds.

    A complex value compares by its `value` sub-attribute (RFC 7644 section 3.5.2 reads `members eq "id"` so).
    None stands for what compares with nothing.
    """
    if isinstance(value, dict):
        value = value.get("value")
    if field.kind is Kind.DATETIME:
        return _epoch(value) if isinstance(value, str) else None
    if isinstance(value, str):
        return value if field.case_exact else fold(value)
    return value if isinstance(value, bool | int | float) else None


def fold(text: str) -> str:
    """Return text in the form in which caseExact=false values are the same.

    Width, case and composition are levelled, in this order, as PRECIS does for user names (RFC 8265 section 3.3.2,
    asked for by RFC 7644 section 5).
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text.translate(_WIDTHS).casefold())


def _widths() -> Iterator[tuple[int, str]]:
    for code in (0x3000, *range(0xFF00, 0xFFF0)):
        form, _, plain = unicodedata.decomposition(chr(code)).partition(" ")
        if form in ("<wide>", "<narrow>"):
            yield code, chr(int(plain, 16))


_WIDTHS: Final = dict(_widths())
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


# Of the moments in a document most are the same; a commit's are too.
@lru_cache(256)
def _epoch(text: str) -> int | None:
    try:
        return microseconds(from_text(text))
    except (ValueError, OverflowError):
        return None


def microseconds(moment: datetime) -> int:
    """Return the moment as whole microseconds since 1970, the form in which moments compare."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def sort_key(field: Field, document: Document) -> Scalar:
    """Return the value a document sorts by: of a multi-valued attribute the primary element's, else the first."""
    value: Any = document
    for key in field.path:
        value = _leading(value.get(key)) if isinstance(value, dict) else None
    return normalise(field, value)


def _leading(value: Any) -> Any:
    while isinstance(value, list):
        value = next((e for e in value if isinstance(e, dict) and e.get("primary") is True), next(iter(value), None))
    return value


def order_key(key: Scalar) -> tuple[int, Any]:
    """Return what puts sort keys of any types in one total order: numbers, text, booleans, then nothing."""
    if key is None:
        return (3, 0)
    if isinstance(key, bool):
        return (2, key)
    return (1, key) if isinstance(key, str) else (0, key)


def matches(filter: Filter, document: Document) -> bool:
    """Tell whether the document satisfies the filter. This is the specification that every store must agree with."""
    match filter:
        case Compare(field, op, value):
            return _compare(field, op, value, document)
        case Present(field):
            return any(_is_present(value) for value in values_at(document, field.path))
        case In(field, values):
            wanted = {order_key(normalise(field, value)) for value in values} - {_NOTHING}
            return any(order_key(normalise(field, value)) in wanted for value in values_at(document, field.path))
        case ValuePath(field, inner):
            return any(matches(inner, element) for element in _elements(field, document))
        case And(terms):
            return all(matches(term, document) for term in terms)
        case Or(terms):
            return any(matches(term, document) for term in terms)
        case Not(term):
            return not matches(term, document)


def _elements(field: Field, document: Document) -> Iterator[Document]:
    """Yield the field's elements as objects; what is complex where it should not be, or the reverse, is none."""
    for element in values_at(document, field.path):
        if isinstance(element, dict) == (field.kind is Kind.COMPLEX):
            yield element if isinstance(element, dict) else {"value": element}


_NOTHING: Final = order_key(None)


def _compare(field: Field, op: Op, value: Scalar, document: Document) -> bool:
    if op is Op.NE:
        return not _compare(field, Op.EQ, value, document)
    if value is None:
        # RFC 7644 gives null no meaning of its own; clients write `attr eq null` for "not set".
        return op is Op.EQ and not any(map(_is_present, values_at(document, field.path)))
    wanted = normalise(field, value)
    test = _TESTS[op]
    found = (normalise(field, candidate) for candidate in values_at(document, field.path))
    return any(_comparable(candidate, wanted) and test(candidate, wanted) for candidate in found)


def _comparable(left: Scalar, right: Scalar) -> bool:
    # A boolean is an int to Python, never to RFC 7644.
    return left is not None and order_key(left)[0] == order_key(right)[0]


def _is_present(value: Any) -> bool:
    if isinstance(value, dict):
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
