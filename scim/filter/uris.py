"""What a comparison with a URI says of the id at its end; what stands before the id is known."""

from collections.abc import Callable, Mapping
from typing import Final

from idp.query import EVERYTHING, Compare, Field, Filter, Op, Or

NOBODY: Final = Or(())


def compared(id: Field, prefix: str, op: Op, value: str) -> Filter:
    """Return what has to hold of the id for prefix and id together to compare so; any operator but `ne`.

    EVERYTHING or NOBODY where the prefix alone decides.
    """
    return _TESTS[op](id, prefix, value)


def _equal(id: Field, prefix: str, value: str) -> Filter:
    return Compare(id, Op.EQ, value.removeprefix(prefix)) if value.startswith(prefix) else NOBODY


def _begins(id: Field, prefix: str, value: str) -> Filter:
    if prefix.startswith(value):
        return EVERYTHING
    return Compare(id, Op.SW, value.removeprefix(prefix)) if value.startswith(prefix) else NOBODY


def _ends(id: Field, prefix: str, value: str) -> Filter:
    return _some([Compare(id, Op.EW, value), *_across(id, prefix, value, Op.EQ)])


def _contains(id: Field, prefix: str, value: str) -> Filter:
    if value in prefix:
        return EVERYTHING
    return _some([Compare(id, Op.CO, value), *_across(id, prefix, value, Op.SW)])


def _across(id: Field, prefix: str, value: str, op: Op) -> list[Filter]:
    """Return what ids are if the value stands where the prefix ends and they begin."""
    splits = range(1, min(len(prefix), len(value)) + 1)
    return [Compare(id, op, value[at:]) for at in splits if prefix.endswith(value[:at])]


def _some(terms: list[Filter]) -> Filter:
    return terms[0] if len(terms) == 1 else Or(tuple(terms))


def _ordered(op: Op) -> Callable[[Field, str, str], Filter]:
    def test(id: Field, prefix: str, value: str) -> Filter:
        if value.startswith(prefix):
            return Compare(id, op, value.removeprefix(prefix))
        # The prefix alone decides: it comes after any part of itself.
        return EVERYTHING if (prefix > value) == (op in (Op.GT, Op.GE)) else NOBODY

    return test


_TESTS: Final[Mapping[Op, Callable[[Field, str, str], Filter]]] = {
    Op.EQ: _equal,
    Op.SW: _begins,
    Op.EW: _ends,
    Op.CO: _contains,
    **{op: _ordered(op) for op in (Op.GT, Op.GE, Op.LT, Op.LE)},
}
