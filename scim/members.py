"""What the operations of a PATCH on a group's members come to, without reading the members.

Adding one member to a group of a million must cost what it costs in a group of ten. Only a filter on more than
`value` has to be shown present members, and one that names some by it no others than those.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from idp.directory import Member, MemberChange, MemberWork
from idp.errors import InvalidValue, MutabilityViolated, TooLarge
from idp.query import And, Compare, Filter, Or, matches
from idp.query import Op as Comparison
from idp.schema import validate_value
from scim.operation import ABSENT, Op, Operation
from scim.patch import MAX_LOOKS
from scim.path import Path

Present = Sequence[Mapping[str, Any]]


def member_work(operations: Sequence[Operation]) -> MemberChange | MemberWork | None:
    """Return what the operations come to, or what works it out from present members, where filters have to see some.

    Raises what `member_change` raises.
    """
    unsettled = [o.path.filter for o in operations if o.path.filter is not None and named_by(o.path.filter) is None]
    if not unsettled:
        return member_change(operations)
    return MemberWork(partial(member_change, operations), among=candidates(Or(tuple(unsettled))))


def member_change(operations: Iterable[Operation], present: Present = ()) -> MemberChange | None:
    """Return the change, the operations taken in their order; None when there are none.

    `present` are those of the group's members whom the filters may select. Raises InvalidValue, MutabilityViolated or
    TooLarge.
    """
    fold: _Fold | None = None
    for operation in operations:
        fold = fold or _Fold(present)
        fold.take(operation)
    return None if fold is None else fold.result()


def named_by(filter: Filter) -> list[str] | None:
    """Return the ids that `value eq "…"` names, also several joined by `or`; None for any other filter."""
    match filter:
        case Compare(field, Comparison.EQ, str(value)) if field.path == ("value",):
            return [value]
        case Or(terms):
            parts = [named_by(term) for term in terms]
            return None if None in parts else [name for part in parts if part for name in part]
        case _:
            return None


def candidates(filter: Filter) -> tuple[str, ...] | None:
    """Return the only ids that a member may have whom the filter selects; None where it may be anybody's."""
    match filter:
        case Compare(field, Comparison.EQ, str(value)) if field.path == ("value",):
            return (value,)
        case And(terms):
            return next((found for term in terms if (found := candidates(term)) is not None), None)
        case Or(terms):
            parts = [candidates(term) for term in terms]
            return None if None in parts else tuple(dict.fromkeys(one for part in parts if part for one in part))
        case _:
            return None


class _Fold:
    """The change so far: first replaced, then added, then removed; nobody is both added and removed."""

    def __init__(self, present: Present) -> None:
        self._present = {member["value"]: member for member in present}
        self._replaced: dict[str, Member] | None = None
        self._added: dict[str, Member] = {}
        self._removed: dict[str, None] = {}
        self._now = dict(self._present)
        self._looks = 0

    def take(self, operation: Operation) -> None:
        path = operation.path
        if path.filter is not None:
            self._selected(path, path.filter, operation)
        elif path.sub is not None:
            raise MutabilityViolated(path.text, "a member is added and removed as a whole")
        elif operation.op is Op.ADD:
            self._add(_members(path, operation.value))
        elif operation.op is Op.REMOVE and operation.value is not ABSENT and operation.value is not None:
            self._remove(member.value for member in _members(path, operation.value))
        else:
            self._replace(() if operation.op is Op.REMOVE else _members(path, operation.value))

    def result(self) -> MemberChange:
        replace = None if self._replaced is None else tuple(self._replaced.values())
        return MemberChange(replace, tuple(self._added.values()), tuple(self._removed))

    def _selected(self, path: Path, filter: Filter, operation: Operation) -> None:
        if path.sub is not None and (operation.op is not Op.REMOVE or path.sub.name != "value"):
            raise MutabilityViolated(path.text, "a member is added and removed as a whole")
        named = named_by(filter)
        ids = self._matching(filter) if named is None else named
        if operation.op is not Op.ADD:
            self._remove(ids)
        if operation.op is not Op.REMOVE:
            self._add(_members(path, operation.value))

    def _matching(self, filter: Filter) -> list[str]:
        """Return whom the filter selects of those who are members after the operations so far."""
        self._looks += len(self._now)
        if self._looks > MAX_LOOKS:
            raise TooLarge("the number of members that the filters go through", MAX_LOOKS)
        return [key for key, member in self._now.items() if matches(filter, member)]

    def _replace(self, members: Iterable[Member]) -> None:
        self._replaced = {member.value: member for member in members}
        self._added.clear()
        self._removed.clear()
        self._now = {key: self._shown(member) for key, member in self._replaced.items()}

    def _add(self, members: Iterable[Member]) -> None:
        for member in members:
            self._added[member.value] = member
            self._removed.pop(member.value, None)
            self._now[member.value] = self._shown(member)

    def _remove(self, ids: Iterable[str]) -> None:
        for key in ids:
            self._added.pop(key, None)
            self._removed[key] = None
            self._now.pop(key, None)

    def _shown(self, member: Member) -> Mapping[str, Any]:
        """Return a member as filters see it: only of those who are in the group already the name is known."""
        return self._present.get(member.value) or {"value": member.value, "type": member.type}


def _members(path: Path, value: Any) -> list[Member]:
    # Behind a filter stands one element, else a list of them.
    given = validate_value(path.attribute, value if path.filter is None else [value], path.text)
    members = [Member(m["value"], m.get("type", "User")) for m in given or []]
    if any(not member.value for member in members):
        raise InvalidValue(path.text, "a member without a value")
    return members
