"""What the service for groups and memberships promises."""

import asyncio
from typing import Any

import pytest

from idp.access import ANONYMOUS
from idp.directory import GroupCreate, GroupUpdate, Member, MemberChange, Resource
from idp.errors import InvalidValue, NotFound, PermissionDenied, VersionMismatch
from idp.query import Query
from idp.schema.urns import GROUP as GROUP_URN
from idp.store import Store
from tests.support.directory import PROVISIONER, SYSTEM, Directory, everything, person


def same(document: dict[str, Any]) -> dict[str, Any]:
    return document


def named(name: str) -> Any:
    return lambda document: {**document, "displayName": name}


def adding(*members: Resource) -> MemberChange:
    return MemberChange(add=tuple(Member(member.id) for member in members))


def removing(*members: Resource) -> MemberChange:
    return MemberChange(remove=tuple(member.id for member in members))


async def test_a_new_group_keeps_its_members_apart(directory: Directory, store: Store) -> None:
    ada, inner = await directory.user("ada", displayName="Ada Lovelace"), await directory.group("inner")
    made = await directory.group("staff", ada, inner)
    assert (await directory.groups.get(SYSTEM, made.id)).document == {
        "schemas": [GROUP_URN],
        "id": made.id,
        "displayName": "staff",
        "meta": {
            "resourceType": "Group",
            "created": "2026-03-11T09:26:53.589Z",
            "lastModified": "2026-03-11T09:26:53.589Z",
        },
    }
    members = (await directory.groups.members_of([made.id]))[made.id]
    assert members == [
        {"value": ada.id, "type": "User", "display": "Ada Lovelace"},
        {"value": inner.id, "type": "Group", "display": "inner"},
    ]
    bare = (await directory.groups.members_of([made.id], named=False))[made.id]
    assert bare == [{"value": ada.id, "type": "User"}, {"value": inner.id, "type": "Group"}]
    assert len(await everything(store, "edges")) == 2


async def test_a_group_of_somebody_unknown_is_not_made(directory: Directory, store: Store) -> None:
    with pytest.raises(InvalidValue, match="members: 'nobody' does not exist"):
        await directory.groups.create(SYSTEM, {"displayName": "staff", "members": [{"value": "nobody"}]})
    assert await everything(store, "groups") == []


async def test_the_type_of_a_member_is_what_it_really_is(directory: Directory) -> None:
    ada, inner = await directory.user("ada"), await directory.group("inner")
    wrong = [{"value": ada.id, "type": "Group"}, {"value": inner.id, "type": "User"}]
    made = await directory.groups.create(SYSTEM, {"displayName": "staff", "members": wrong})
    assert {m["value"]: m["type"] for m in (await directory.groups.members_of([made.id]))[made.id]} == {
        ada.id: "User",
        inner.id: "Group",
    }


async def test_members_come_and_go_and_the_group_moves_with_them(directory: Directory) -> None:
    ada, bob, eve = [await directory.user(name) for name in ("ada", "bob", "eve")]
    group = await directory.group("staff", ada, bob)
    directory.clock.advance(1)
    change = MemberChange(add=(Member(eve.id),), remove=(ada.id,))
    moved = await directory.groups.update(SYSTEM, group.id, same, members=change)
    assert moved.version == 2
    assert moved.document["meta"]["lastModified"] == "2026-03-11T09:26:54.589Z"
    assert await directory.members(group) == sorted([bob.id, eve.id])
    event = (await directory.events(group.id))[-1]
    assert event["details"] == {
        "displayName": "staff",
        "fields": [],
        "members_added": 1,
        "added": [eve.id],
        "members_removed": 1,
        "removed": [ada.id],
    }


async def test_adding_a_member_again_or_removing_a_stranger_changes_nothing(directory: Directory) -> None:
    ada, bob = await directory.user("ada"), await directory.user("bob")
    group = await directory.group("staff", ada)
    change = MemberChange(add=(Member(ada.id), Member(ada.id)), remove=(bob.id, "nobody"))
    assert await directory.groups.update(SYSTEM, group.id, same, members=change) == group
    assert len(await directory.events(group.id)) == 1


async def test_a_member_change_replaces_then_adds_then_removes(directory: Directory) -> None:
    ada, bob, eve, joe = [await directory.user(name) for name in ("ada", "bob", "eve", "joe")]
    group = await directory.group("staff", ada, bob)
    change = MemberChange((Member(bob.id), Member(eve.id)), (Member(joe.id),), (eve.id,))
    await directory.groups.update(SYSTEM, group.id, same, members=change)
    assert await directory.members(group) == sorted([bob.id, joe.id])


async def test_a_replacement_without_members_empties_the_group(directory: Directory) -> None:
    ada, bob = await directory.user("ada"), await directory.user("bob")
    group = await directory.group("staff", ada)
    members = [{"value": bob.id}]
    changed = await directory.groups.replace(SYSTEM, group.id, {"displayName": "Staff", "members": members})
    assert "members" not in changed.document
    assert await directory.members(group) == [bob.id]
    replaced = await directory.groups.replace(SYSTEM, group.id, {"displayName": "Staff"})
    assert (replaced.version, await directory.members(group)) == (3, [])


async def test_members_added_at_the_same_time_all_arrive(directory: Directory) -> None:
    people = [await directory.user() for _ in range(40)]
    group = await directory.group("staff", *people[:8])
    adds = [directory.groups.update(PROVISIONER, group.id, same, members=adding(user)) for user in people[8:]]
    removals = [directory.groups.update(PROVISIONER, group.id, same, members=removing(user)) for user in people[:8]]
    await asyncio.gather(*adds, *removals)
    assert await directory.members(group) == sorted(user.id for user in people[8:])
    assert (await directory.groups.get(SYSTEM, group.id)).version == 41


async def test_somebody_deleted_while_being_added_is_not_a_member(directory: Directory, store: Store) -> None:
    people = [await directory.user() for _ in range(20)]
    group = await directory.group("staff")
    await asyncio.gather(
        *(directory.groups.update(SYSTEM, group.id, same, members=adding(user)) for user in people),
        *(directory.users.delete(SYSTEM, user.id) for user in people),
        return_exceptions=True,
    )
    assert await everything(store, "users") == []
    assert await everything(store, "edges") == []


async def test_a_group_is_not_its_own_member(directory: Directory) -> None:
    group = await directory.group("staff")
    with pytest.raises(InvalidValue, match="a group cannot be a member of itself"):
        await directory.groups.update(SYSTEM, group.id, same, members=adding(group))


async def test_a_deleted_group_leaves_the_groups_above_it(directory: Directory, store: Store) -> None:
    ada = await directory.user("ada")
    inner = await directory.group("inner", ada)
    outer = await directory.group("outer", inner)
    await directory.groups.delete(SYSTEM, inner.id)
    with pytest.raises(NotFound):
        await directory.groups.get(SYSTEM, inner.id)
    assert await everything(store, "edges") == []
    assert (await directory.groups.get(SYSTEM, outer.id)).version == 2


async def test_groups_in_a_circle_can_be_deleted_at_once(directory: Directory, store: Store) -> None:
    first, second = await directory.group("first"), await directory.group("second")
    await directory.groups.update(SYSTEM, first.id, same, members=adding(second))
    await directory.groups.update(SYSTEM, second.id, same, members=adding(first))
    await asyncio.gather(*(directory.groups.delete(SYSTEM, group.id) for group in (first, second)))
    assert await everything(store, "edges") == await everything(store, "groups") == []


async def test_groups_of_people_are_direct_or_indirect_and_circles_end(directory: Directory) -> None:
    ada, bob, eve = [await directory.user(name) for name in ("ada", "bob", "eve")]
    inner = await directory.group("inner", ada)
    middle = await directory.group("middle", inner, bob)
    outer = await directory.group("outer", middle, ada)
    await directory.groups.update(SYSTEM, inner.id, same, members=adding(outer))
    found = await directory.users.groups_of([ada.id, bob.id, eve.id])

    def value(group: Resource, kind: str) -> dict[str, str]:
        return {"value": group.id, "display": group.document["displayName"], "type": kind}

    assert found[ada.id] == [value(inner, "direct"), value(outer, "direct"), value(middle, "indirect")]
    assert found[bob.id] == [value(middle, "direct"), value(inner, "indirect"), value(outer, "indirect")]
    assert found[eve.id] == []


async def test_members_are_read_page_by_page(directory: Directory) -> None:
    people = [await directory.user() for _ in range(7)]
    group = await directory.group("staff", *people)
    found: list[str] = []
    while page := await directory.groups.members_page(group.id, found[-1] if found else None, 3):
        assert len(page) <= 3
        found += [member["value"] for member in page]
    assert found == sorted(user.id for user in people)


async def test_a_stale_version_changes_nothing(directory: Directory) -> None:
    ada = await directory.user("ada")
    group = await directory.group("staff")
    await directory.groups.update(SYSTEM, group.id, named("first"), expected_version=1)
    for attempt in (
        directory.groups.update(SYSTEM, group.id, same, members=adding(ada), expected_version=1),
        directory.groups.replace(SYSTEM, group.id, {"displayName": "second"}, expected_version=1),
        directory.groups.delete(SYSTEM, group.id, expected_version=1),
    ):
        with pytest.raises(VersionMismatch):
            await attempt
    assert (await directory.groups.get(SYSTEM, group.id)).document["displayName"] == "first"
    assert await directory.members(group) == []


async def test_many_changes_have_an_outcome_each(directory: Directory) -> None:
    ada = await directory.user("ada")
    group = await directory.group("staff")
    outcomes = await directory.groups.write_many(
        SYSTEM,
        [
            GroupCreate({"displayName": "made", "members": [{"value": ada.id}]}, id="made"),
            GroupCreate({"members": []}),
            GroupUpdate(group.id, named("renamed"), adding(ada)),
            GroupUpdate("unknown", same),
        ],
    )
    assert [getattr(outcome, "version", type(outcome)) for outcome in outcomes] == [1, InvalidValue, 2, NotFound]
    assert {group["display"] for group in (await directory.users.groups_of([ada.id]))[ada.id]} == {"made", "renamed"}


@pytest.mark.parametrize("actor", [ANONYMOUS("192.0.2.1"), person("x"), person("x", "developer")])
async def test_groups_are_not_for_everybody(directory: Directory, actor: Any) -> None:
    group = await directory.group("staff")
    groups = directory.groups
    for attempt in (
        groups.create(actor, {"displayName": "x"}),
        groups.get(actor, group.id),
        groups.find(actor, Query()),
        groups.update(actor, group.id, named("x")),
        groups.replace(actor, group.id, {"displayName": "x"}),
        groups.delete(actor, group.id),
    ):
        with pytest.raises(PermissionDenied):
            await attempt
    assert await groups.get(SYSTEM, group.id) == group
