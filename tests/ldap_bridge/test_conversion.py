"""People are handed over whole, one by one: from a directory to this store and from here to a directory."""

import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from idp.access import ANONYMOUS
from idp.auth import Step
from idp.errors import DeadlineExceeded, NotFound, Overloaded, PermissionDenied
from idp.store import Store
from idp.store.leases import Leases
from ldap_bridge.bind import open_verifier
from ldap_bridge.conflicts import Choice
from ldap_bridge.conversion import Conversion
from ldap_bridge.lease import exclusive
from ldap_bridge.links import Links
from ldap_bridge.progress import Progress
from tests.ldap_bridge.conftest import Bridge, Folk
from tests.support.authentication import HOME, PASSWORD, SYSTEM, House
from tests.support.clock import FakeClock
from tests.support.directory import everything, person, record_of
from tests.support.faulty_store import Fault, FaultyStore
from tests.support.ldif import write_change
from tests.support.people import make_person
from tests.support.slapd import Slapd

ADA, BOB = make_person(1), make_person(2)
ON_BOTH_STORES = pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
NEW = "a mountain walks at night"


@pytest.fixture
async def house(bridge: Bridge, clock: FakeClock) -> AsyncIterator[House]:
    """Authentication over the bridge's store; nobody is in yet."""
    with closing(open_verifier(bridge.source, bridge.store)) as bind:
        yield House(bridge.store, clock, directories={"ldap:corp": bind})


@pytest.fixture
def conversion(house: House, bridge: Bridge, clock: FakeClock) -> Conversion:
    return Conversion(house.store, house.users, house.passwords, bridge.service, clock)


async def source_of(bridge: Bridge, login: str) -> str:
    own = (await bridge.person(login))["urn:gatehouse:params:scim:schemas:extension:2.0:User"]
    return str(own["source"])


@ON_BOTH_STORES
async def test_to_internal_and_back(house: House, bridge: Bridge, conversion: Conversion, slapd: Slapd) -> None:
    await bridge.sync()
    before = await bridge.person(ADA.uid)
    await house.users.assign_role(SYSTEM, before["id"], "developer")
    await house.factors.enrol_totp_now(SYSTEM, before["id"])
    (done,) = await conversion.convert(SYSTEM, [before["id"]], "internal")
    assert (done.user_name, done.old, done.new, done.mailed, done.problem) == (ADA.uid, "ldap:corp", "local", True, "")
    assert await Links(bridge.store, "corp").of_resource(before["id"]) is None
    assert (await house.try_password(ADA.uid, ADA.password)).error is not None
    assert any("the password of your directory" in letter.text for letter in await house.letters())
    await house.passwords.reset(await house.mailed_token(ADA.mail), NEW, HOME)
    assert (await house.try_password(ADA.uid, NEW)).step is Step.SECOND_FACTOR
    after = await bridge.person(ADA.uid)
    kept = ("id", "emails", "name", "displayName", "active")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}

    slapd.modify(write_change(ADA.dn, [("replace", "title", ["Countess"])]))
    (back,) = await conversion.convert(SYSTEM, [before["id"]], "corp")
    assert (back.dn, back.problem) == (ADA.dn, "")
    assert (await bridge.person(ADA.uid))["title"] == "Countess"
    assert (await house.try_password(ADA.uid, NEW)).error is not None
    assert (await house.try_password(ADA.uid, ADA.password)).step is Step.SECOND_FACTOR
    assert await everything(bridge.store, "credentials") == []
    tags = [event["details"]["to"] for event in await house.events("directory:user:converted")]
    assert sorted(tags) == ["ldap:corp", "local"]
    assert await bridge.lines(await bridge.sync(whole=True)) == []


async def test_a_preview_changes_nothing(house: House, bridge: Bridge, conversion: Conversion) -> None:
    await bridge.sync()
    people = await conversion.people_of(SYSTEM, "corp")
    done = await conversion.preview(SYSTEM, people, "internal")
    assert len(done) == len(people) == 50
    assert all(one.mailed and not one.problem for one in done)
    assert await house.letters() == []
    assert {await source_of(bridge, one.user_name) for one in done[:3]} == {"ldap:corp"}


@ON_BOTH_STORES
async def test_everybody_of_this_store_whom_the_directory_has(
    house: House, bridge: Bridge, conversion: Conversion
) -> None:
    for login in (ADA.uid.upper(), BOB.uid, "admin"):
        await house.person(login)
    steps = list[Progress]()
    done = await conversion.convert(SYSTEM, await conversion.people_of(SYSTEM, "internal"), "corp", steps.append)
    last = {step.phase: (step.done, step.total) for step in steps}
    assert last == {"reading people": (50, None), "looking at people": (3, 3), "converting people": (3, 3)}
    assert {one.user_name: one.problem for one in done} == {
        ADA.uid.upper(): "",
        BOB.uid: "",
        "admin": "no single person of corp is called that",
    }
    assert await source_of(bridge, "admin") == "local"
    assert (await house.try_password("admin", PASSWORD)).error is None
    run = await bridge.sync()
    assert (run.counts["conflict"], run.by_subject["user.create"]) == (0, 48)


@ON_BOTH_STORES
async def test_who_cannot_be_converted_stops_nobody(
    house: House, bridge: Bridge, conversion: Conversion, slapd: Slapd
) -> None:
    slapd.modify(write_change(ADA.dn, [("delete", "mail", [])]))
    await bridge.sync()
    local = await house.person("local")
    ada, bob = (await bridge.person(ADA.uid))["id"], (await bridge.person(BOB.uid))["id"]
    done = await conversion.convert(SYSTEM, [local.id, ada, bob], "internal")
    assert [one.problem for one in done] == ["comes from no directory", "has no address to send a link to", ""]
    assert await source_of(bridge, ADA.uid) == "ldap:corp"


@pytest.mark.parametrize("to", ["internal", "corp"])
async def test_who_is_gone_by_then_stops_nobody(
    house: House, bridge: Bridge, conversion: Conversion, slapd: Slapd, to: str
) -> None:
    if to == "internal":
        await bridge.sync()
    else:
        await house.person(ADA.uid)
    ada = (await bridge.person(ADA.uid))["id"]
    gone, done = await conversion.convert(SYSTEM, ["gone", ada], to)
    assert (gone.id, gone.problem) == ("gone", "User 'gone' does not exist")
    assert (done.user_name, done.problem) == (ADA.uid, "")


async def test_whose_entry_is_still_there_is_a_conflict_at_the_next_run(
    bridge: Bridge, conversion: Conversion, slapd: Slapd
) -> None:
    await bridge.sync()
    ada = (await bridge.person(ADA.uid))["id"]
    await conversion.convert(SYSTEM, [ada], "internal")
    run = await bridge.sync()
    # Of the members of her groups the directory has one less to speak of; nobody comes or goes.
    assert (run.whole, [line.kind for line in await bridge.lines(run)]) == (False, ["conflict"])
    (found,) = await bridge.service.resolving.conflicts(SYSTEM, "corp")
    await bridge.service.resolving.resolve(SYSTEM, found.conflict.id, Choice.SKIP)
    assert (await bridge.sync()).is_clean


@ON_BOTH_STORES
async def test_whoever_was_linked_when_it_broke_off_is_brought_in_step_by_the_next_run(
    bridge: Bridge, clock: FakeClock, slapd: Slapd
) -> None:
    slapd.modify(write_change(ADA.dn, [("replace", "manager", [BOB.dn])]))
    await bridge.sync()
    faulty = FaultyStore(bridge.store, verbs=frozenset({"commit"}), fault=Fault.AFTER)
    house = House(faulty, clock)
    conversion = Conversion(faulty, house.users, house.passwords, bridge.service, clock)
    ada = (await bridge.person(ADA.uid))["id"]
    await conversion.convert(SYSTEM, [ada], "internal")
    await bridge.sync()
    slapd.modify(write_change(ADA.dn, [("replace", "title", ["Countess"])]))
    await bridge.sync()
    faulty.at = faulty.calls + 1
    with pytest.raises(DeadlineExceeded):
        await conversion.convert(SYSTEM, [ada], "corp")
    assert await source_of(bridge, ADA.uid) == "ldap:corp"
    run = await bridge.sync()
    (line,) = await bridge.lines(run)
    assert (run.whole, line.kind, [one["path"] for one in line.fields]) == (False, "update", ["title"])


async def test_of_several_roots_who_are_converted_together_one_stays(
    house: House, bridge: Bridge, conversion: Conversion
) -> None:
    roots = [await house.person(login, role="root") for login in (ADA.uid, BOB.uid)]
    done = await conversion.convert(SYSTEM, [root.id for root in roots], "corp")
    assert [bool(one.problem) for one in done] == [False, True]
    assert await source_of(bridge, BOB.uid) == "local"


async def test_many_people_take_one_turn_of_their_directory(
    house: House, bridge: Bridge, conversion: Conversion
) -> None:
    await bridge.sync()
    turn = (await record_of(bridge.store, "leases", "ldap:corp")).document["number"]
    people = [(await bridge.person(one.uid))["id"] for one in (ADA, BOB)]
    assert not [one for one in await conversion.convert(SYSTEM, people, "internal") if one.problem]
    assert (await record_of(bridge.store, "leases", "ldap:corp")).document["number"] == turn + 1


async def test_an_entry_that_somebody_else_has_is_not_given_away(
    house: House, bridge: Bridge, conversion: Conversion, slapd: Slapd
) -> None:
    await bridge.sync()
    slapd.rename(ADA.dn, "uid=late")
    late = await house.person("late")
    (done,) = await conversion.convert(SYSTEM, [late.id], "corp")
    assert done.problem == "the entry belongs to another account"
    assert await source_of(bridge, "late") == "local"


async def test_of_a_large_directory_only_those_who_are_converted_are_held(
    folk: Folk, bridge_to: Callable[..., Bridge], store: Store, clock: FakeClock
) -> None:
    folk.write(**{f"u{n}": {"mail": f"u{n}@example.com"} for n in range(2_000)})
    bridge, house = bridge_to(f"ldif:{folk.path}"), House(store, clock)
    user = await house.person("u77")
    conversion = Conversion(store, house.users, house.passwords, bridge.service, clock)
    tracemalloc.start()
    try:
        (done,) = await conversion.preview(SYSTEM, [user.id], "corp")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert done.problem == ""
    # All of them together take more than twice as much.
    assert peak < 2_500_000


async def test_who_may_not_and_what_is_not_there(house: House, bridge: Bridge, conversion: Conversion) -> None:
    await bridge.sync()
    ada = (await bridge.person(ADA.uid))["id"]
    for stranger in (person("u"), ANONYMOUS(HOME)):
        with pytest.raises(PermissionDenied):
            await conversion.convert(stranger, [ada], "internal")
    with pytest.raises(NotFound):
        await conversion.convert(SYSTEM, [ada], "nowhere")
    with pytest.raises(NotFound):
        await conversion.people_of(SYSTEM, "nowhere")


@ON_BOTH_STORES
async def test_another_directory_takes_its_people_over_without_a_letter(
    folk: Folk, tmp_path: Path, bridge_to: Callable[..., Bridge], store: Store, clock: FakeClock
) -> None:
    old = bridge_to(f"ldif:{folk.path}")
    await old.sync()
    before = await old.people()
    await old.directory.users.set_active(SYSTEM, before["p2"]["id"], False, "left")
    there = Folk(tmp_path / "new.ldif", {f"p{number}": {"entryUUID": f"new-{number}"} for number in range(1, 12)})
    there.write(p1={"title": "Countess"})
    new, house = bridge_to(f"ldif:{there.path}", name="new"), House(store, clock)
    conversion = Conversion(store, house.users, house.passwords, new.service, clock)
    done = await conversion.convert(SYSTEM, await conversion.people_of(SYSTEM, "corp"), "new")
    assert {one.user_name: one.problem for one in done if one.problem} == {
        "p12": "no single person of new is called that"
    }
    assert await house.letters() == []
    run = await new.service.sync(SYSTEM, "new")
    assert (run.counts["create"], run.by_subject.get("user.conflict", 0)) == (1, 0)
    after = await new.people()
    assert {name: user["id"] for name, user in after.items()} == {name: user["id"] for name, user in before.items()}
    assert (after["p1"]["title"], await new.inactive()) == ("Countess", {"p2"})
    assert await source_of(new, "p12") == "ldap:corp"
    # To the old one everybody but p12 belongs to others now.
    assert (await old.sync()).counts["conflict"] == 11
    assert await Links(store, "corp").count() == 2


async def test_not_while_a_run_is_under_way(bridge: Bridge, conversion: Conversion, clock: FakeClock) -> None:
    await bridge.sync()
    ada = (await bridge.person(ADA.uid))["id"]
    async with exclusive(Leases(bridge.store, clock), "corp", "another"):
        with pytest.raises(Overloaded):
            await conversion.convert(SYSTEM, [ada], "internal")
    assert await source_of(bridge, ADA.uid) == "ldap:corp"
