"""Conditions on `meta.location`, which is never stored: what they say of the ids that locations end with."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from idp.query import EVERYTHING, And, Compare, Field, Filter, Not, Op, Or, Present

LOCATION: Final = ("meta", "location")
_ID: Final = Field(("id",))
_NOBODY: Final = Or(())


def by_id(filter: Filter, prefix: str) -> Filter:
    """Return the filter with conditions on ids in place of those on locations: each is the prefix and an id."""
    match filter:
        case And(terms):
            return And(tuple(by_id(term, prefix) for term in terms))
        case Or(terms):
            return Or(tuple(by_id(term, prefix) for term in terms))
        case Not(term):
            return Not(by_id(term, prefix))
        case Present(field) if field.path == LOCATION:
            return EVERYTHING
        case Compare(field, op, value) if field.path == LOCATION:
            if op is Op.NE:
                return Not(by_id(replace(filter, op=Op.EQ), prefix))
            return _TESTS[op](prefix, value) if isinstance(value, str) else _NOBODY
        case _:
            return filter


def _equal(prefix: str, value: str) -> Filter:
    return Compare(_ID, Op.EQ, value.removeprefix(prefix)) if value.startswith(prefix) else _NOBODY


def _begins(prefix: str, value: str) -> Filter:
    if prefix.startswith(value):
        return EVERYTHING
    return Compare(_ID, Op.SW, value.removeprefix(prefix)) if value.startswith(prefix) else _NOBODY


def _ends(prefix: str, value: str) -> Filter:
    return Or((Compare(_ID, Op.EW, value), *_across(prefix, value, Op.EQ)))


def _contains(prefix: str, value: str) -> Filter:
    if value in prefix:
        return EVERYTHING
    return Or((Compare(_ID, Op.CO, value), *_across(prefix, value, Op.SW)))


def _across(prefix: str, value: str, op: Op) -> list[Filter]:
    """Return what ids are if the value stands where the prefix ends and they begin."""
    splits = range(1, min(len(prefix), len(value)) + 1)
    return [Compare(_ID, op, value[at:]) for at in splits if prefix.endswith(value[:at])]


def _ordered(op: Op) -> Callable[[str, str], Filter]:
    def test(prefix: str, value: str) -> Filter:
        if value.startswith(prefix):
            return Compare(_ID, op, value.removeprefix(prefix))
        # The prefix alone decides: it comes after any part of itself.
        return EVERYTHING if (prefix > value) == (op in (Op.GT, Op.GE)) else _NOBODY

    return test


_TESTS: Final[Mapping[Op, Callable[[str, str], Filter]]] = {
    Op.EQ: _equal,
    Op.SW: _begins,
    Op.EW: _ends,
    Op.CO: _contains,
    **{op: _ordered(op) for op in (Op.GT, Op.GE, Op.LT, Op.LE)},
}
