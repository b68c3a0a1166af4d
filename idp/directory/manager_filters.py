"""Conditions on what a manager is called, answered through the accounts of the managers."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from idp.directory.managers import REFERENCE
from idp.query import And, Compare, Field, Filter, In, Kind, Not, Op, Or, Present, ValuePath, outside

Leaf = Compare | In | Present
Named = Callable[[Leaf], Awaitable[set[str]]]
"""Returns the ids of the people whose shown name satisfies a condition."""

_MANAGER: Final = REFERENCE.path[:-1]
MANAGER_NAME: Final = (*_MANAGER, "displayName")
"""Where it would stand in the document."""


async def by_reference(filter: Filter, named: Named) -> Filter:
    """Return the filter with every condition on the name of a manager made one on who the manager is."""
    match filter:
        case And(terms):
            return And(tuple([await by_reference(term, named) for term in terms]))
        case Or(terms):
            return Or(tuple([await by_reference(term, named) for term in terms]))
        case Not(term):
            return Not(await by_reference(term, named))
        case ValuePath(field, inner) if field.path == _MANAGER[: len(field.path)] and _tells_name(field, inner):
            # There is one manager at most: what is said of the element can be said of the person.
            there = Present(Field(field.path, Kind.COMPLEX))
            return And((there, await by_reference(outside(field, inner), named)))
        case Compare(field) | In(field) | Present(field) if field.path == MANAGER_NAME:
            return await _managed_by(filter, named)
        case _:
            return filter


async def _managed_by(leaf: Leaf, named: Named) -> Filter:
    match leaf:
        case Compare(field, op, None) if op in (Op.EQ, Op.NE):
            present = await _managed_by(Present(field), named)
            return present if op is Op.NE else Not(present)
        case Compare(_, Op.NE, _):
            return Not(await _managed_by(replace(leaf, op=Op.EQ), named))
        case Present():
            # Everybody is called something.
            return Present(REFERENCE)
        case _:
            return In(REFERENCE, tuple(sorted(await named(leaf))))


def _tells_name(field: Field, inner: Filter) -> bool:
    match inner:
        case And(terms) | Or(terms):
            return any(_tells_name(field, term) for term in terms)
        case Not(term):
            return _tells_name(field, term)
        case ValuePath(own, deeper):
            return _tells_name(replace(field, path=field.path + own.path), deeper)
        case _:
            return field.path + inner.field.path == MANAGER_NAME
