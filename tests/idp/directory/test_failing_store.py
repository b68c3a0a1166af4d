"""Whatever call to the store fails, and however: nothing is ever half done."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from idp.directory import GroupCreate, GroupUpdate, Member, MemberChange, UserCreate, UserUpdate
from idp.errors import IdpError
from idp.query import Compare, Field, Op, Query
from idp.schema.urns import ENTERPRISE_USER
from idp.store import Insert, Store, open_store
from idp.store.collections import collections
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, Directory, directory_over, everything
from tests.support.faulty_store import Fault, FaultyStore

Deed = Callable[[Directory], Awaitable[object]]
State = Mapping[str, list[dict[str, Any]]]
WATCHED = ("users", "groups", "edges", "credentials", "sessions", "ldap_links", "audit")
MEMBERS = Compare(Field(("members", "value")), Op.EQ, "ada")
GROUPS = Compare(Field(("groups", "value")), Op.EQ, "staff")
LINK = Insert("ldap_links", {"id": "corp:1", "source": "corp", "resource": "ada"})


def same(document: dict[str, Any]) -> dict[str, Any]:
    return document


def off(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "active": False, "password": "another one"}


def renamed(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "displayName": "renamed"}


CHANGE = MemberChange(add=(Member("eve"), Member("inner", "Group")), remove=("ada",))
DEEDS: Mapping[str, Deed] = {
    "create a user": lambda d: d.users.create(SYSTEM, {"userName": "new", "password": "secret"}, extra=[LINK]),
    "update a user": lambda d: d.users.update(SYSTEM, "root", off, extra=[LINK]),
    "replace a user": lambda d: d.users.replace(SYSTEM, "ada", {"userName": "Ada", "password": "secret"}),
    "delete a user": lambda d: d.users.delete(SYSTEM, "root"),
    "assign a role": lambda d: d.users.assign_role(SYSTEM, "root", "user"),
    "set the policy": lambda d: d.users.set_mfa_policy(SYSTEM, "ada", "off"),
    "disable a user": lambda d: d.users.set_active(SYSTEM, "root", False, "test"),
    "write a user or two": lambda d: d.users.write_many(
        SYSTEM, [UserUpdate("ada", off, "test", extra=[LINK]), UserCreate({"userName": "new"}, id="new")]
    ),
    "find users": lambda d: d.users.find(SYSTEM, Query(GROUPS)),
    "look for a login": lambda d: d.users.by_login("nobody"),
    "read groups": lambda d: d.users.groups_of(["ada", "eve"]),
    "create a group": lambda d: d.groups.create(
        SYSTEM, {"displayName": "new", "members": [{"value": "ada"}, {"value": "staff"}]}, extra=[LINK]
    ),
    "update a group": lambda d: d.groups.update(SYSTEM, "staff", renamed, members=CHANGE, extra=[LINK]),
    "replace a group": lambda d: d.groups.replace(SYSTEM, "staff", {"displayName": "x", "members": [{"value": "eve"}]}),
    "delete a group": lambda d: d.groups.delete(SYSTEM, "inner"),
    "write a group": lambda d: d.groups.write_many(SYSTEM, [GroupUpdate("staff", renamed, CHANGE)]),
    "write a new group": lambda d: d.groups.write_many(SYSTEM, [GroupCreate({"displayName": "new"}, id="new")]),
    "find groups": lambda d: d.groups.find(SYSTEM, Query(MEMBERS)),
    "read members": lambda d: d.groups.members_of(["staff", "inner"]),
    "read a page of members": lambda d: d.groups.members_page("staff", None, 1),
}


async def set_scene(directory: Directory) -> None:
    for name in ("ada", "eve"):
        report = {ENTERPRISE_USER: {"manager": {"value": "root"}}}
        await directory.users.create(SYSTEM, {"userName": name, **report}, id=name)
    for name in ("root", "king"):
        await directory.users.create(SYSTEM, {"userName": name}, id=name, role="root")
    members = [{"value": name} for name in ("eve", "root")]
    await directory.groups.create(SYSTEM, {"displayName": "inner", "members": members}, id="inner")
    await directory.groups.create(SYSTEM, {"displayName": "outer", "members": [{"value": "inner"}]}, id="outer")
    await directory.groups.create(SYSTEM, {"displayName": "staff", "members": [{"value": "ada"}]}, id="staff")
    await directory.store.commit([Insert("sessions", {"id": "s", "user": "root", "expires": "2027-01-01T00:00:00Z"})])


async def state_of(store: Store) -> State:
    found = {name: await everything(store, name) for name in WATCHED}
    # Ids of events tell only when they came to be, and new ids which attempt it was.
    for event in found["audit"]:
        del event["id"]
    return found


class Stage:
    """Opens one fresh scene after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: list[Store] = []

    async def open(self) -> Directory:
        path = self._folder / f"{len(self._opened)}.sqlite"
        clock = FakeClock()
        store = await open_store(f"sqlite:{path}", collections(), clock)
        self._opened.append(store)
        directory = directory_over(store, clock)
        await set_scene(directory)
        return directory

    async def close(self) -> None:
        for store in self._opened:
            await store.close()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path)
    yield made
    await made.close()


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_deed_is_done_whole_or_not_at_all(stage: Stage, deed: str) -> None:
    scene = await stage.open()
    before = await state_of(scene.store)
    await DEEDS[deed](scene)
    after = await state_of(scene.store)
    calls = 0
    for fault in Fault:
        at, reached = 1, True
        while reached:
            if await state_of(scene.store) != before:
                scene = await stage.open()
            faulty = FaultyStore(scene.store, at, fault)
            failed = await outcome(DEEDS[deed], directory_over(faulty, scene.clock))
            reached = faulty.has_failed
            found = await state_of(scene.store)
            assert found in (before, after), f"{fault} call {at}: {failed!r}"
            if fault is Fault.BEFORE and reached:
                assert found == before
                assert failed is not None
            calls, at = calls + 1, at + 1
    assert calls > len(Fault)


async def outcome(deed: Deed, directory: Directory) -> IdpError | None:
    try:
        await deed(directory)
    except IdpError as error:
        return error
    return None
