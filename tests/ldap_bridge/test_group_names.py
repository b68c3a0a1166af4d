"""Groups of a directory whose names others have, where names of groups are unique: conflicts, decided like people's."""

from pathlib import Path

import pytest

from idp.directory import Resource
from idp.errors import InvalidValue
from idp.schema import Registry, default_registry
from idp.store import Store, open_store
from idp.store.collections import collections
from ldap_bridge.conflicts import Choice
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import ROOT, Bridge, bridge_over, resolve, the_one
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, everything

PEOPLE = "".join(
    f"dn: uid={name},dc=example,dc=org\nobjectClass: inetOrgPerson\n"
    f"uid: {name}\nsn: X\ncn: {name}\nentryUUID: {name}\n\n"
    for name in ("ada", "bob")
)


class Crews:
    """A directory of two people and groups of them in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, **groups: str) -> None:
        """Say what the group of each stable id is called; ada is in all of them."""
        self.path.write_text(
            PEOPLE
            + "".join(
                f"dn: cn={name}+ou={stable},dc=example,dc=org\nobjectClass: groupOfNames\ncn: {name}\n"
                f"entryUUID: {stable}\nmember: uid=ada,dc=example,dc=org\n\n"
                for stable, name in groups.items()
            )
        )


@pytest.fixture
def registry() -> Registry:
    """One in which names of groups are unique."""
    return default_registry(unique_group_names=True)


@pytest.fixture
def crews(tmp_path: Path) -> Crews:
    return Crews(tmp_path / "crews.ldif")


@pytest.fixture
def bridge(store: Store, clock: FakeClock, crews: Crews, registry: Registry) -> Bridge:
    return bridge_over(store, clock, f"ldif:{crews.path}", registry=registry)


async def names(bridge: Bridge) -> dict[str, str]:
    """The ids of all groups by name."""
    return {found["displayName"]: found["id"] for found in await everything(bridge.store, "groups")}


async def clashed(bridge: Bridge, crews: Crews) -> Resource:
    """Sync two groups, one of which is called like one that is here, with bob in it."""
    bob = await bridge.directory.user("local.bob")
    own = await bridge.directory.group("SALES", bob)
    crews.write(one="Sales", two="Support")
    run = await bridge.sync()
    assert (run.state, run.errors, run.counts["conflict"], run.by_subject["group.create"]) == (State.APPLIED, 0, 1, 1)
    found = await the_one(bridge)
    assert (found.conflict.kind, found.conflict.about, found.conflict.value) == ("group", "name", "Sales")
    assert (found.conflict.holder, found.holder_name, found.holder_source) == (own.id, "SALES", "local")
    return own


@pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
async def test_a_group_with_a_taken_name_is_a_conflict_and_linked_keeps_its_own_members(
    bridge: Bridge, crews: Crews
) -> None:
    own = await clashed(bridge, crews)
    run = await resolve(bridge, Choice.LINK)
    assert (run.counts["relink"], run.is_clean) == (1, True)
    assert (await names(bridge))["Sales"] == own.id
    assert await bridge.members("Sales") == {"local.bob", "ada"}
    assert await bridge.service.resolving.conflicts(SYSTEM) == []
    assert not any((await bridge.sync()).counts.values())


async def test_it_goes_when_the_other_group_goes(bridge: Bridge, crews: Crews) -> None:
    own = await clashed(bridge, crews)
    await bridge.directory.groups.delete(SYSTEM, own.id)
    assert (await bridge.sync()).is_clean
    assert await bridge.members("Sales") == {"ada"}
    assert await bridge.service.resolving.conflicts(SYSTEM) == []


async def test_it_may_have_another_name_for_good(bridge: Bridge, crews: Crews) -> None:
    own = await clashed(bridge, crews)
    found = (await the_one(bridge)).conflict
    for wrong in ("", "support", " Sales", "a\tb", "x" * 600):
        with pytest.raises(InvalidValue, match=r"^name: "):
            await bridge.service.resolving.resolve(ROOT, found.id, Choice.RENAME, wrong)
    run = await resolve(bridge, Choice.RENAME, "Sales of corp")
    assert (run.is_clean, {line.name for line in await bridge.lines(run)}) == (True, {"Sales of corp"})
    assert await bridge.members("Sales of corp") == {"ada"}
    assert (await bridge.sync()).is_clean
    assert (await the_one(bridge)).conflict.choice == Choice.RENAME
    await bridge.directory.groups.delete(SYSTEM, own.id)
    back = await resolve(bridge, Choice.UNDO)
    assert (back.counts["rename"], back.is_clean, set(await names(bridge))) == (1, True, {"Sales", "Support"})


async def test_it_may_be_skipped_or_take_the_name(bridge: Bridge, crews: Crews) -> None:
    own = await clashed(bridge, crews)
    for run in (await resolve(bridge, Choice.SKIP), await bridge.sync()):
        assert (run.is_clean, run.counts["conflict"]) == (True, 0)
    assert (await resolve(bridge, Choice.UNDO)).counts["conflict"] == 1
    assert (await resolve(bridge, Choice.TAKE_OVER)).is_clean
    assert (await names(bridge))["Sales (2)"] == own.id
    assert (await bridge.members("Sales"), await bridge.members("Sales (2)")) == ({"ada"}, {"local.bob"})


async def test_a_rename_to_a_taken_name_waits_and_members_do_not(bridge: Bridge, crews: Crews) -> None:
    await bridge.directory.group("Sales")
    crews.write(two="Support")
    await bridge.sync()
    crews.write(two="Sales")
    crews.path.write_text(crews.path.read_text().replace("member: uid=ada", "member: uid=bob"))
    run = await bridge.sync()
    assert (run.errors, run.counts["conflict"]) == (0, 1)
    assert await bridge.members("Support") == {"bob"}
    with pytest.raises(InvalidValue, match="has a group already"):
        await resolve(bridge, Choice.LINK)


async def test_names_pass_on_in_one_run_as_far_as_they_become_free(bridge: Bridge, crews: Crews) -> None:
    crews.write(one="A", two="B", three="C")
    await bridge.sync()
    before = await names(bridge)
    crews.write(one="D", two="A", four="B", five="C")
    run = await bridge.sync()
    assert (run.errors, run.counts["conflict"], run.counts["rename"], run.counts["remove"]) == (0, 0, 2, 1)
    after = await names(bridge)
    assert (after["D"], after["A"]) == (before["A"], before["B"])
    assert set(after) == {"A", "B", "C", "D"}


@pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
async def test_groups_that_hand_their_names_round_all_get_them(bridge: Bridge, crews: Crews) -> None:
    crews.write(one="A", two="B", three="C", four="D", five="E")
    await bridge.sync()
    before = await names(bridge)
    crews.write(one="B", two="A", three="D", four="E", five="C")
    run = await bridge.sync()
    assert (run.is_clean, run.counts["rename"]) == (True, 5)
    after = await names(bridge)
    assert [after[name] for name in "BADEC"] == [before[name] for name in "ABCDE"]
    assert not any((await bridge.sync()).counts.values())


async def test_two_groups_of_one_read_with_the_same_name_are_a_conflict(bridge: Bridge, crews: Crews) -> None:
    crews.write(one="A", two="a", three="C")
    run = await bridge.sync()
    assert (run.errors, run.counts["conflict"], set(await names(bridge))) == (0, 1, {"A", "C"})
    crews.write(one="C", two="C", three="A")
    run = await bridge.sync()
    assert (run.errors, run.counts["conflict"], run.counts["rename"]) == (0, 1, 2)
    assert "is also that of 'cn=C+ou=one," in (await the_one(bridge)).conflict.reason


async def test_a_circle_that_somebody_from_elsewhere_is_in_is_a_conflict(bridge: Bridge, crews: Crews) -> None:
    crews.write(one="A", two="B")
    await bridge.sync()
    own = await bridge.directory.group("Local")
    crews.write(one="B", two="Local")
    run = await bridge.sync()
    assert (run.errors, run.counts["conflict"], run.counts["rename"]) == (0, 2, 0)
    holders = {found.conflict.holder for found in await bridge.service.resolving.conflicts(SYSTEM)}
    assert holders == {own.id, (await names(bridge))["B"]}


async def test_where_names_are_not_unique_there_is_no_conflict(tmp_path: Path, clock: FakeClock, crews: Crews) -> None:
    store = await open_store(f"sqlite:{tmp_path / 'other.sqlite'}", collections(), clock)
    try:
        bridge = bridge_over(store, clock, f"ldif:{crews.path}")
        await bridge.directory.group("Sales")
        crews.write(one="Sales", two="Sales")
        assert (await bridge.sync()).is_clean
    finally:
        await store.close()
