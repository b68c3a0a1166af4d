"""The last who can do everything is neither handed to a directory unasked nor switched off by one."""

from contextlib import closing
from typing import Any

import pytest

from idp.access import Actor, ActorKind
from idp.errors import InvalidValue
from idp.schema.urns import GATEHOUSE_USER
from idp.store import Insert, Store
from ldap_bridge.bind import open_verifier
from ldap_bridge.conflicts import Choice
from ldap_bridge.conversion import Conversion
from ldap_bridge.last_root import is_last_own_root
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge, Folk
from tests.support.authentication import House
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM

ROOT = Actor(ActorKind.USER, "root", "root", role="root")


async def conflict(bridge: Bridge) -> str:
    (found,) = await bridge.service.resolving.conflicts(SYSTEM, "corp")
    return found.conflict.id


async def root_of_the_directory(bridge: Bridge) -> dict[str, Any]:
    """Hand the only root, p3, over to the directory."""
    root = await bridge.directory.users.create(SYSTEM, {"userName": "p3"}, role="root")
    await bridge.sync()
    await bridge.service.resolving.resolve(ROOT, await conflict(bridge), Choice.LINK, force=True)
    assert (await bridge.sync()).is_clean
    assert (await bridge.person("p3"))["id"] == root.id
    return root.document


@pytest.mark.parametrize("choice", [Choice.LINK, Choice.TAKE_OVER])
async def test_a_decision_that_would_touch_it_is_refused_unless_forced(filed: Bridge, choice: Choice) -> None:
    await filed.directory.users.create(SYSTEM, {"userName": "p3"}, role="root")
    await filed.sync()
    found = await conflict(filed)
    with pytest.raises(InvalidValue, match=r"'p3' is the last active root .* \(--force\)"):
        await filed.service.resolving.resolve(ROOT, found, choice)
    other = await filed.directory.users.create(SYSTEM, {"userName": "other"}, role="root")
    await filed.directory.users.set_active(SYSTEM, other.id, False, "left")
    with pytest.raises(InvalidValue, match="last active root"):
        await filed.service.resolving.resolve(ROOT, found, choice)
    await filed.directory.users.set_active(SYSTEM, other.id, True, "back")
    await filed.service.resolving.resolve(ROOT, found, choice)


async def test_it_is_converted_by_force_only(filed: Bridge, clock: FakeClock) -> None:
    with closing(open_verifier(filed.source, filed.store)) as bind:
        house = House(filed.store, clock, directories={"ldap:corp": bind})
        root = await filed.directory.users.create(SYSTEM, {"userName": "p3"}, role="root")
        conversion = Conversion(filed.store, house.users, house.passwords, filed.service, clock)
        for work in (conversion.preview, conversion.convert):
            (refused,) = await work(ROOT, [root.id], "corp")
            assert "last active root" in refused.problem
        assert (await filed.person("p3"))["id"] == root.id
        (done,) = await conversion.convert(ROOT, [root.id], "corp", force=True)
        assert done.problem == ""


@pytest.mark.parametrize("gone", [True, False])
async def test_the_directory_cannot_switch_it_off_which_is_a_conflict_until_there_is_another(
    filed_anywhere: Bridge, folk: Folk, gone: bool
) -> None:
    bridge = filed_anywhere
    root = await root_of_the_directory(bridge)
    folk.write(p3=None if gone else {"pwdAccountLockedTime": "000001010000Z"}, p4=None)
    for _ in range(2):
        run = await bridge.sync()
        assert (run.state, run.errors, run.counts["conflict"]) == (State.APPLIED, 0, 1)
        assert await bridge.inactive() == {"p4"}
    (found,) = await bridge.service.resolving.conflicts(SYSTEM, "corp")
    assert (found.conflict.about, found.conflict.holder, found.conflict.login) == ("root", root["id"], "p3")
    for choice in (Choice.LINK, Choice.RENAME, Choice.TAKE_OVER):
        with pytest.raises(InvalidValue, match="make another root first"):
            await bridge.service.resolving.resolve(ROOT, found.conflict.id, choice)
    await bridge.service.resolving.resolve(ROOT, found.conflict.id, Choice.SKIP)
    for _ in range(2):
        assert (await bridge.sync()).is_clean
    await bridge.directory.users.create(SYSTEM, {"userName": "second"}, role="root")
    assert (await bridge.sync()).counts["disable"] == 1
    assert await bridge.inactive() == {"p3", "p4"}
    assert await bridge.service.resolving.conflicts(SYSTEM, "corp") == []


async def test_of_two_that_go_at_once_one_stays(filed: Bridge, folk: Folk) -> None:
    await root_of_the_directory(filed)
    await filed.directory.users.assign_role(SYSTEM, (await filed.person("p5"))["id"], "root")
    folk.write(p3=None, p5=None)
    run = await filed.sync()
    assert (run.errors, run.counts["conflict"], run.counts["disable"]) == (0, 1, 1)
    assert len(await filed.inactive()) == 1


async def test_it_is_known_among_any_number_of_roots_from_directories(store: Store) -> None:
    def root(number: int, source: str) -> dict[str, Any]:
        return {
            "id": f"r{number:03}",
            "userName": f"r{number}",
            "active": True,
            GATEHOUSE_USER: {"role": "root", "source": source},
        }

    own = root(999, "local")
    await store.commit([Insert("users", one) for one in (*(root(number, "ldap:corp") for number in range(101)), own)])
    assert await is_last_own_root(store, own)
    assert not await is_last_own_root(store, root(1, "ldap:corp"))
    await store.commit([Insert("users", root(998, "scim:client"))])
    assert not await is_last_own_root(store, own)


async def test_nobody_new_gets_the_login_that_it_keeps(filed: Bridge, folk: Folk) -> None:
    await root_of_the_directory(filed)
    folk.write(p3=None, heir={"uid": "p3"})
    run = await filed.sync()
    assert (run.errors, run.counts["conflict"], run.counts["create"]) == (0, 2, 0)
    assert await filed.inactive() == set()
