"""What indexes can answer of a filter: the part that needs no documents, and whether that is the whole of it."""

from collections.abc import Container
from dataclasses import replace
from typing import Final

from idp.errors import TooLarge
from idp.query import (
    EVERYTHING,
    And,
    Compare,
    Field,
    Filter,
    In,
    Kind,
    Not,
    Op,
    Or,
    Present,
    Scalar,
    ValuePath,
    normalise,
)
from idp.store.keys import LARGEST_INTEGER

ID: Final = Field(("id",))
NOTHING: Final = Or(())
MOST_VALUES: Final = 10_000

Narrowed = tuple[Filter, bool]
_UNKNOWN: Final[Narrowed] = (EVERYTHING, False)
_TEXT_TESTS: Final = (Op.CO, Op.SW, Op.EW)
_NEEDS_SAME_TEXT: Final = (Op.EQ, *_TEXT_TESTS)


def narrow(filter: Filter, indexed: Container[Field]) -> Narrowed:
    """Return a filter over the id and indexed fields alone that every match satisfies, and whether only matches do.

    What comes back is built of And, Or, Not and of Compare (but `ne` and null), In and Present on such fields.
    """
    match filter:
        case Compare(field, op, value):
            return _compare(field, op, value, indexed)
        case In(field, values):
            return _in(field, values, indexed)
        case Present(field):
            answerable = is_indexed(field, indexed) and field.kind is not Kind.COMPLEX
            return (filter, True) if answerable else _UNKNOWN
        case ValuePath(field, inner):
            outside, exact = _outside(field, inner)
            narrowed, whole = narrow(outside, indexed)
            return narrowed, exact and whole
        case And(terms):
            return _all([narrow(term, indexed) for term in terms])
        case Or(terms):
            return _any([narrow(term, indexed) for term in terms])
        case Not(term):
            narrowed, exact = narrow(term, indexed)
            return (Not(narrowed), True) if exact else _UNKNOWN


def is_indexed(field: Field, indexed: Container[Field]) -> bool:
    """Tell whether the field is found without a scan."""
    return field == ID or field in indexed


def _compare(field: Field, op: Op, value: Scalar, indexed: Container[Field]) -> Narrowed:
    if op is Op.NE:
        return narrow(Not(Compare(field, Op.EQ, value)), indexed)
    if value is None:
        return narrow(Not(Present(field)), indexed) if op is Op.EQ else (NOTHING, True)
    wanted = normalise(field, value)
    if wanted is None or (op in _TEXT_TESTS and not isinstance(wanted, str)):
        return NOTHING, True
    if not is_storable(wanted):
        return (NOTHING, True) if op in _NEEDS_SAME_TEXT and isinstance(wanted, str) else _UNKNOWN
    return (Compare(field, op, value), True) if is_indexed(field, indexed) else _UNKNOWN


def _in(field: Field, values: tuple[Scalar, ...], indexed: Container[Field]) -> Narrowed:
    if len(values) > MOST_VALUES:
        raise TooLarge("the number of values asked for at once", MOST_VALUES)
    wanted = [value for value in values if (key := normalise(field, value)) is not None and is_storable(key)]
    if not wanted:
        return NOTHING, True
    return (In(field, tuple(wanted)), True) if is_indexed(field, indexed) else _UNKNOWN


def is_storable(key: Scalar) -> bool:
    """Tell whether a database takes the value: no document holds a larger integer or a lone surrogate."""
    if isinstance(key, str):
        return key.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in key)
    return not isinstance(key, int) or -LARGEST_INTEGER <= key <= LARGEST_INTEGER


def _outside(field: Field, inner: Filter) -> Narrowed:
    """Say of the document what `field[inner]` says of one element.

    "Some element" goes through `or` unharmed; through `and` it only becomes weaker, and what an element lacks says
    nothing about the others.
    """
    match inner:
        case Compare(op=Op.NE) | Compare(value=None) | Not():
            return _UNKNOWN
        case Compare() | In() | Present() if field.kind is not Kind.COMPLEX:
            return replace(inner, field=field), True
        case Compare() | In() | Present() | ValuePath():
            return replace(inner, field=replace(inner.field, path=field.path + inner.field.path)), True
        case And(terms):
            return _all([_outside(field, term) for term in terms], exact=len(terms) == 1)
        case Or(terms):
            return _any([_outside(field, term) for term in terms])


def _all(terms: list[Narrowed], exact: bool = True) -> Narrowed:
    told = tuple(term for term, _ in terms if term != EVERYTHING)
    return told[0] if len(told) == 1 else And(told), exact and all(whole for _, whole in terms)


def _any(terms: list[Narrowed]) -> Narrowed:
    told = tuple(term for term, _ in terms if term != NOTHING)
    if any(term == EVERYTHING for term in told):
        return EVERYTHING, all(whole for _, whole in terms)
    return told[0] if len(told) == 1 else Or(told), all(whole for _, whole in terms)
