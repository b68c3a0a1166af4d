"""Operations on members come to one change, which the members need not be read for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.directory import Member, MemberChange, MemberWork
from idp.errors import InvalidValue, MutabilityViolated, TooLarge
from idp.schema import GROUP
from scim.members import member_change, member_work
from scim.messages import patch_op
from tests.support.scim import BASE, paths_of

paths = paths_of(GROUP)
A, B, C = Member("a"), Member("b"), Member("c")


def change(*operations: dict[str, Any], present: tuple[dict[str, str], ...] = ()) -> MemberChange | None:
    read = patch_op.read({"Operations": list(operations)}, paths) if operations else ()
    return member_change(read, present)


def work(*operations: dict[str, Any]) -> MemberWork:
    found = member_work(patch_op.read({"Operations": list(operations)}, paths))
    assert isinstance(found, MemberWork)
    return found


def op(op: str, path: str = "members", **value: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **value}


def ids(*names: str) -> list[dict[str, str]]:
    return [{"value": name} for name in names]


@pytest.mark.parametrize(
    ("operations", "wanted"),
    [
        ([op("add", value=ids("a", "b"))], MemberChange(add=(A, B))),
        ([op("add", value={"value": "a"})], MemberChange(add=(A,))),
        ([op("add", value="a")], MemberChange(add=(A,))),
        ([op("add", value=[{"value": "a", "type": "Group"}])], MemberChange(add=(Member("a", "Group"),))),
        ([op("add", value=[{"$ref": "https://x/scim/v2/Users/a"}])], MemberChange(add=(A,))),
        ([op("Add", value=ids("a", "a"))], MemberChange(add=(A,))),
        ([op("Remove", value=ids("a"))], MemberChange(remove=("a",))),
        ([op("remove", 'members[value eq "a"]')], MemberChange(remove=("a",))),
        ([op("remove", 'members[value eq "a"].value')], MemberChange(remove=("a",))),
        ([op("remove", 'members[value eq "a" or value eq "b"]')], MemberChange(remove=("a", "b"))),
        ([op("remove")], MemberChange(replace=())),
        ([op("replace", value=[])], MemberChange(replace=())),
        ([op("replace", value=None)], MemberChange(replace=())),
        ([op("replace", value=ids("a", "b"))], MemberChange(replace=(A, B))),
        ([op("replace", 'members[value eq "a"]', value={"value": "b"})], MemberChange(add=(B,), remove=("a",))),
        ([op("add", value=ids("a")), op("remove", value=ids("a"))], MemberChange(remove=("a",))),
        ([op("remove", value=ids("a")), op("add", value=ids("a"))], MemberChange(add=(A,))),
        ([op("replace", value=ids("a")), op("add", value=ids("b"))], MemberChange(replace=(A,), add=(B,))),
        ([op("add", value=ids("a")), op("replace", value=ids("b"))], MemberChange(replace=(B,))),
        ([op("add", value=ids("a")), op("remove"), op("add", value=ids("c"))], MemberChange(replace=(), add=(C,))),
        ([{"op": "add", "value": {"members": ids("a")}}], MemberChange(add=(A,))),
        ([{"op": "replace", "value": {"members": ids("a")}}], MemberChange(replace=(A,))),
    ],
)
def test_operations_fold_into_one_change(operations: list[dict[str, Any]], wanted: MemberChange) -> None:
    assert change(*operations) == member_work(patch_op.read({"Operations": operations}, paths)) == wanted


def test_no_operation_is_no_change() -> None:
    assert change() is None


PRESENT = (
    {"value": "a", "type": "User", "display": "Anna"},
    {"value": "b", "type": "Group", "display": "Board"},
    {"value": "c", "type": "Group", "display": "Choir"},
)


@pytest.mark.parametrize(
    ("operations", "removed"),
    [
        ([op("remove", 'members[type eq "Group"]')], ("b", "c")),
        ([op("remove", 'members[display sw "B"]')], ("b",)),
        ([op("remove", 'members[not (value eq "b")]')], ("a", "c")),
        ([op("remove", 'members[type eq "Group" and value eq "a"]')], ()),
        ([op("remove", f'members[$ref eq "{BASE}/Groups/b"]')], ("b",)),
        ([op("remove", f'members[$ref eq "{BASE}/Users/b"]')], ()),
        ([op("remove", f'members[$ref eq "{BASE}/Users/a" or $ref ew "c"]')], ("a", "c")),
        ([op("remove", f'members[not ($ref co "{BASE}/Groups/")]')], ("a",)),
        ([op("remove", 'members[$ref pr and type eq "User"]')], ("a",)),
        ([op("remove", value=ids("b")), op("remove", 'members[type eq "Group"]')], ("b", "c")),
        (
            [op("add", value=[{"value": "d", "type": "Group"}]), op("remove", 'members[type eq "Group"]')],
            ("b", "c", "d"),
        ),
    ],
)
def test_other_filters_look_at_the_members_as_they_then_are(
    operations: list[dict[str, Any]], removed: tuple[str, ...]
) -> None:
    assert work(*operations).change(PRESENT) == MemberChange(remove=removed)
    assert change(*operations, present=PRESENT) == MemberChange(remove=removed)


@pytest.mark.parametrize(
    ("filters", "among"),
    [
        ([f'$ref eq "{BASE}/Users/a"'], ("a",)),
        ([f'$ref eq "{BASE}/Users/a"', 'type eq "User" and value eq "b"'], ("a", "b")),
        (['(value eq "a" or value eq "b") and type eq "User"'], ("a", "b")),
        ([f'$ref eq "{BASE}/Users/a"', 'type eq "User"'], None),
        (['not (value eq "a")'], None),
        (['$ref ew "a"'], None),
    ],
)
def test_a_filter_that_names_some_is_shown_no_others(filters: list[str], among: tuple[str, ...] | None) -> None:
    assert work(*(op("remove", f"members[{one}]") for one in filters)).among == among


def test_a_reference_to_nowhere_selects_nobody() -> None:
    assert change(op("remove", 'members[$ref eq "https://elsewhere/Users/a"]')) == MemberChange()


def test_after_a_replacement_a_filter_sees_the_new_members() -> None:
    operations = [
        op("replace", value=[{"value": "x", "type": "Group"}, {"value": "y"}]),
        op("remove", "members[type pr]"),
    ]
    assert change(*operations, present=PRESENT) == MemberChange(
        replace=(Member("x", "Group"), Member("y")), remove=("x", "y")
    )


def test_a_filter_sees_who_was_removed_and_added_again_as_a_member() -> None:
    operations = [
        op("remove", value=ids("b")),
        op("add", value=ids("b")),
        op("remove", 'members[display eq "Board"]'),
    ]
    assert change(*operations, present=PRESENT) == MemberChange(remove=("b",))


def test_the_members_that_filters_go_through_are_limited() -> None:
    many = tuple({"value": str(number), "type": "User"} for number in range(10_000))
    nobody = op("remove", 'members[type eq "Group"]')
    assert change(*[nobody] * 5, present=many) == MemberChange()
    with pytest.raises(TooLarge, match="members that the filters go through"):
        change(*[nobody] * 6, present=many)


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("replace", 'members[value eq "a"].value', value="b"), MutabilityViolated),
        (op("replace", 'members[value eq "a"].display', value="b"), MutabilityViolated),
        (op("remove", 'members[value eq "a"].type'), MutabilityViolated),
        (op("replace", "members.value", value="b"), MutabilityViolated),
        (op("add", value=[{"display": "nobody"}]), InvalidValue),
        (op("add", value=[{"value": ""}]), InvalidValue),
        (op("add", value=[{"value": {"a": 1}}]), InvalidValue),
        (op("remove", value=[[]]), InvalidValue),
    ],
)
def test_what_cannot_be_done_to_a_member_is_refused(operation: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        change(operation)


names = st.sampled_from("abcde")
values = st.lists(names, min_size=1, max_size=3).map(lambda found: ids(*found))
operations = st.lists(
    st.builds(lambda v: op("add", value=v), values)
    | st.builds(lambda v: op("remove", value=v), values)
    | st.builds(lambda v: op("replace", value=v), values)
    | st.builds(lambda name: op("remove", f'members[value eq "{name}"]'), names)
    | st.just(op("remove")),
    min_size=1,
    max_size=6,
)


@given(operations, st.sets(names))
def test_the_change_leads_where_the_operations_lead_one_by_one(ops: list[dict[str, Any]], start: set[str]) -> None:
    def after(members: set[str], change: MemberChange | None) -> set[str]:
        assert change is not None
        kept = members if change.replace is None else {member.value for member in change.replace}
        return (kept | {member.value for member in change.add}) - set(change.remove)

    one_by_one = start
    for each in ops:
        one_by_one = after(one_by_one, change(each))
    assert after(start, change(*ops)) == one_by_one
