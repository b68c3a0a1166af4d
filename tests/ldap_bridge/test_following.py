"""Whatever happens in a real directory, the accounts are as ldapsearch shows them, by whichever feed it is followed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from idp.errors import IdpError
from idp.store import Store, open_store
from idp.store.collections import collections
from idp.store.contract import Replace
from ldap_bridge.errors import DirectoryError
from ldap_bridge.following import COLLECTION, ask_again
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge, bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM
from tests.support.faulty_store import Fault, FaultyStore
from tests.support.ldap_wire import CuttingProxy
from tests.support.ldif import write_change, write_entry
from tests.support.people import BASE, Company, Person, make_person
from tests.support.ports import HOST
from tests.support.slapd import Slapd
from tests.support.truth import differences

ADA = Person("ada", "Ada", "Lovelace", "Engineering", 4711)
NEW = Person("new", "Nina", "Neu", "Sales", 4713)
CREW = f"ou=Crew,{BASE}"
GROUPS = f"ou=groups,{BASE}"


def _members(action: str, group: str, *dns: str) -> str:
    return write_change(f"cn={group},{GROUPS}", [(action, "member", list(dns))])


def _unit(name: str) -> str:
    return write_entry(f"ou={name},{BASE}", {"objectClass": ["organizationalUnit"], "ou": [name]})


def _report(slapd: Slapd, managers: dict[int, int | str]) -> None:
    """Give people managers: others by their number, or DNs; "" for nobody."""
    changes = []
    for number, manager in managers.items():
        dn = make_person(manager).dn if isinstance(manager, int) else manager
        changes.append(write_change(f"{_dn(number)}", [("replace", "manager", [dn] if dn else [])]))
    slapd.modify("".join(changes))


def _dn(number: int) -> str:
    """Where somebody is after the first steps."""
    return f"uid=person000002,{CREW}" if number == 2 else make_person(number).dn


def _picture(slapd: Slapd, picture: bytes) -> None:
    slapd.modify(write_change(ADA.dn, [("replace", "jpegPhoto", [picture])]))


def _pass_on(slapd: Slapd, *numbers: int) -> None:
    """Give everybody the login of the next one, in a circle."""
    logins = [make_person(number).uid for number in numbers]
    for login in logins:
        slapd.rename(f"uid={login},ou=people,{BASE}", f"uid=was-{login}")
    for login, new in zip(logins, [*logins[1:], logins[0]], strict=True):
        slapd.rename(f"uid=was-{login},ou=people,{BASE}", f"uid={new}")


def _replace(slapd: Slapd, person: Person) -> None:
    """Delete somebody and make somebody else of the same name and login."""
    slapd.delete(person.dn)
    slapd.modify(write_entry(person.dn, person.attributes()))


def _hand_down(slapd: Slapd) -> None:
    """Rename somebody, and give the old login to somebody new."""
    slapd.rename(make_person(27).dn, "uid=elder")
    slapd.modify(write_entry(make_person(27).dn, make_person(27).attributes()))


def _many(slapd: Slapd) -> None:
    titles = (write_change(make_person(n).dn, [("replace", "title", [f"{n}"])]) for n in range(5, 20))
    slapd.modify("".join(titles))
    slapd.rename(make_person(6).dn, "uid=sechs")
    slapd.delete(make_person(7).dn)
    slapd.rename(f"cn=Everybody,{GROUPS}", "cn=All")


Step = Callable[[Slapd], None]
# What happens one after the other, and whether a feed that names changes must look at everything then.
STEPS: list[tuple[str, Step, bool]] = [
    ("nothing", lambda slapd: None, False),
    ("a person comes", lambda slapd: slapd.modify(write_entry(ADA.dn, ADA.attributes())), False),
    ("and into a group", lambda slapd: slapd.modify(_members("add", "Egg", ADA.dn)), False),
    (
        "values change, one is cleared",
        lambda slapd: slapd.modify(
            write_change(ADA.dn, [("replace", "sn", ["King, Countess of Lovelace"]), ("delete", "title", [])])
        ),
        False,
    ),
    ("she is renamed", lambda slapd: slapd.rename(ADA.dn, "uid=ada\\2C king"), False),
    ("a unit comes", lambda slapd: slapd.modify(_unit("Crew")), True),
    ("somebody moves", lambda slapd: slapd.rename(make_person(2).dn, "uid=person000002", CREW), False),
    ("the unit of all others is renamed", lambda slapd: slapd.rename(f"ou=people,{BASE}", "ou=folk"), True),
    ("and has its name again", lambda slapd: slapd.rename(f"ou=folk,{BASE}", "ou=people"), True),
    ("she goes", lambda slapd: slapd.delete(f"uid=ada\\2C king,ou=people,{BASE}"), False),
    (
        "members come and go",
        lambda slapd: slapd.modify(
            _members("add", "Everybody", make_person(3).dn) + _members("delete", "Chicken", make_person(1).dn)
        ),
        False,
    ),
    ("a group is renamed", lambda slapd: slapd.rename(f"cn=Egg,{GROUPS}", "cn=Egg \\+ Spoon"), False),
    ("a group goes", lambda slapd: slapd.delete(f"cn=Chicken,{GROUPS}"), False),
    (
        "a group comes",
        lambda slapd: slapd.modify(
            write_entry(
                f"cn=New,{GROUPS}",
                {
                    "objectClass": ["groupOfNames"],
                    "cn": ["New"],
                    "member": [make_person(4).dn, f"cn=Everybody,{GROUPS}"],
                },
            )
        ),
        False,
    ),
    (
        "a member who is not there yet",
        lambda slapd: slapd.modify(_members("add", "New", ADA.dn)),
        False,
    ),
    ("comes", lambda slapd: slapd.modify(write_entry(ADA.dn, ADA.attributes())), False),
    ("she has a picture", lambda slapd: _picture(slapd, b"\xff\xd8\xff\xe0" + bytes(range(256))), False),
    ("another one", lambda slapd: _picture(slapd, b"\x89PNG\r\n\x1a\n" + bytes(200)), False),
    ("and none", lambda slapd: slapd.modify(write_change(ADA.dn, [("delete", "jpegPhoto", [])])), False),
    (
        "one is locked, another has expired",
        lambda slapd: slapd.modify(
            write_change(make_person(31).dn, [("replace", "pwdAccountLockedTime", ["000001010000Z"])])
            + write_change(
                make_person(32).dn, [("add", "objectClass", ["shadowAccount"]), ("replace", "shadowExpire", ["19000"])]
            )
        ),
        False,
    ),
    (
        "both may come in again",
        lambda slapd: slapd.modify(
            write_change(make_person(31).dn, [("delete", "pwdAccountLockedTime", [])])
            + write_change(make_person(32).dn, [("replace", "shadowExpire", ["-1"])])
        ),
        False,
    ),
    ("people have managers", lambda slapd: _report(slapd, {1: 40, 2: 40, 40: 45, 3: 3, 4: "cn=out of it"}), False),
    ("a manager is renamed", lambda slapd: slapd.rename(make_person(40).dn, "uid=boss"), False),
    ("they follow", lambda slapd: _report(slapd, {1: f"uid=boss,ou=people,{BASE}", 2: 45}), False),
    ("a manager has an old name", lambda slapd: slapd.rename(f"uid=boss,ou=people,{BASE}", "uid=person000040"), False),
    ("they follow again", lambda slapd: _report(slapd, {1: 40, 45: 40}), False),
    ("a manager goes", lambda slapd: slapd.delete(make_person(45).dn), False),
    ("somebody new is already named", lambda slapd: _report(slapd, {5: f"uid=new,ou=people,{BASE}"}), False),
    ("and comes", lambda slapd: slapd.modify(write_entry(NEW.dn, NEW.attributes())), False),
    ("nobody is a manager", lambda slapd: _report(slapd, {1: "", 40: "", 5: ""}), False),
    ("two swap their logins", lambda slapd: _pass_on(slapd, 21, 22), False),
    ("three pass theirs on", lambda slapd: _pass_on(slapd, 23, 24, 25), False),
    ("somebody goes, and somebody new has her login", lambda slapd: _replace(slapd, make_person(26)), False),
    ("and once more", lambda slapd: _replace(slapd, make_person(26)), False),
    ("a login goes on to somebody new", _hand_down, False),
    (
        "many things at once",
        _many,
        False,
    ),
]


@asynccontextmanager
async def opened(url: str, clock: FakeClock) -> AsyncIterator[Store]:
    store = await open_store(url, collections(), clock)
    try:
        yield store
    finally:
        await store.close()


async def go_through(store: Store, clock: FakeClock, slapd: Slapd, feed: str) -> None:
    """Take every step, and compare after each."""
    photos = {"photos[photo]": {"from": "jpegPhoto", "transform": "photo"}}
    # A unit that is renamed leaves its people's old names in the groups, which empties them.
    limits = {"percent": 100}
    bridge = bridge_over(store, clock, slapd.url, feed=feed, users={"attributes": photos}, limits=limits)
    first = await bridge.sync()
    assert (first.whole, first.errors, await differences(store, slapd)) == (True, 0, [])
    for what, step, whole in STEPS:
        await asyncio.to_thread(step, slapd)
        run = await bridge.sync()
        assert (run.state, run.errors, run.problems) == (State.APPLIED, 0, []), what
        assert run.feed == feed
        assert run.whole == (whole or feed == "full"), (what, run.why)
        assert await differences(store, slapd) == [], what


@pytest.mark.parametrize("feed", ["full", "rfc4533", "timestamp"])
async def test_accounts_are_as_the_directory_has_them_after_every_change(
    store: Store, clock: FakeClock, slapd: Slapd, feed: str
) -> None:
    await go_through(store, clock, slapd, feed)


@pytest.mark.parametrize("feed", ["rfc4533", "timestamp"])
async def test_on_mongodb_just_the_same(mongo_database_uri: str, clock: FakeClock, slapd: Slapd, feed: str) -> None:
    async with opened(mongo_database_uri, clock) as store:
        await go_through(store, clock, slapd, feed)


# --- when the feed is not enough ---


async def followed(store: Store, clock: FakeClock, slapd: Slapd, **settings: Any) -> Bridge:
    """A bridge whose first run is done."""
    bridge = bridge_over(store, clock, slapd.url, **settings)
    assert (await bridge.sync()).whole
    return bridge


async def test_test_plan_and_run_tell_the_feed_and_its_reason(store: Store, clock: FakeClock, slapd: Slapd) -> None:
    bridge = bridge_over(store, clock, slapd.url)
    report = await bridge.service.test(SYSTEM, "corp")
    assert (report.feed, report.why) == ("rfc4533", "the server offers content synchronisation (RFC 4533)")
    first = await bridge.sync()
    assert (first.feed, first.whole, first.why) == ("rfc4533", True, "there is no earlier run to go on from")
    plan = await bridge.service.plan(SYSTEM, "corp")
    assert (plan.feed, plan.whole, plan.why) == (report.feed, False, report.why)
    await bridge.sync()
    kept = (await bridge.service.history.runs(SYSTEM, "corp"))[0]
    assert (kept.feed, kept.whole, kept.why) == (report.feed, False, report.why)


async def test_once_a_week_everything_is_compared(store: Store, clock: FakeClock, slapd: Slapd) -> None:
    bridge = await followed(store, clock, slapd)
    clock.advance(6 * 86_400)
    assert not (await bridge.sync()).whole
    clock.advance(86_400)
    run = await bridge.sync()
    assert (run.whole, run.why) == (True, "the last full compare is 7 days ago")
    assert not (await bridge.sync()).whole


async def test_other_settings_are_applied_to_everybody(store: Store, clock: FakeClock, slapd: Slapd) -> None:
    await followed(store, clock, slapd)
    run = await bridge_over(store, clock, slapd.url, users={"attributes": {"nickName": "sn"}}).sync()
    assert (run.whole, run.why, run.counts["update"]) == (True, "the settings have changed", 50)


async def test_a_restarted_server_that_forgot_the_deletions_names_who_is_there(
    store: Store, clock: FakeClock, slapd: Slapd
) -> None:
    bridge = await followed(store, clock, slapd)
    slapd.delete(make_person(5).dn)
    slapd.restart()
    run = await bridge.sync()
    assert (run.whole, run.counts["disable"]) == (False, 1)
    assert await differences(store, slapd) == []


@pytest.mark.parametrize("cookie", ["cmlkPTAwMCxjc249MjA5OTAxMDEwMDAwMDAuMDAwMDAwWiMwMDAwMDAjMDAwIzAwMDAwMA==", "%%%"])
async def test_a_cookie_that_the_server_refuses_or_that_is_lost_leads_to_a_full_compare(
    store: Store, clock: FakeClock, slapd: Slapd, cookie: str
) -> None:
    bridge = await followed(store, clock, slapd)
    record = await store.get(COLLECTION, "corp")
    assert record is not None
    position = json.loads(record.document["position"])
    inner = json.loads(position["inner"])
    inner["cookies"][BASE] = cookie
    position["inner"] = json.dumps(inner)
    await store.commit([Replace(COLLECTION, {**record.document, "position": json.dumps(position)}, record.version)])
    slapd.delete(make_person(5).dn)
    run = await bridge.sync()
    assert (run.state, run.whole, run.counts["disable"]) == (State.APPLIED, True, 1)
    assert "cookie" in run.why or "consumer state is newer" in run.why
    assert not (await bridge.sync()).whole


async def test_wherever_the_line_breaks_nobody_is_removed_and_the_next_run_goes_on(
    store: Store, clock: FakeClock, slapd: Slapd, company: Company
) -> None:
    bridge = await followed(store, clock, slapd)
    slapd.delete(*(person.dn for person in company.people[:3]))
    slapd.modify(write_entry(ADA.dn, ADA.attributes()))
    for limit in range(0, 1500, 150):
        with CuttingProxy(slapd.port, limit).running() as port:
            broken = bridge_over(store, clock, f"ldap://{HOST}:{port}")
            with suppress(DirectoryError):
                assert not (await broken.sync()).counts["disable"]
        assert await bridge.inactive() == set()
    run = await bridge.sync()
    assert (run.whole, run.counts["create"], run.counts["disable"]) == (False, 1, 3)
    assert await differences(store, slapd) == []


async def test_changes_that_were_held_come_again(
    store: Store, clock: FakeClock, slapd: Slapd, company: Company
) -> None:
    bridge = await followed(store, clock, slapd)
    slapd.delete(*(person.dn for person in company.people[:7]))
    for _ in range(2):
        run = await bridge.sync()
        assert (run.state, run.whole, run.counts["disable"]) == (State.HELD, False, 7)
    run = await bridge.sync(force=True)
    assert (run.state, run.whole, run.counts["disable"]) == (State.APPLIED, False, 7)
    assert await differences(store, slapd) == []


async def test_who_could_not_be_brought_in_step_is_looked_at_again(
    store: Store, clock: FakeClock, slapd: Slapd
) -> None:
    bridge = await followed(store, clock, slapd)
    local = await bridge.directory.user("ada")
    nameless = f"cn=nameless,ou=people,{BASE}"
    slapd.modify(
        write_entry(ADA.dn, ADA.attributes())
        + write_entry(nameless, {"objectClass": ["inetOrgPerson"], "cn": ["nameless"], "sn": ["x"]})
        + _members("add", "Egg", ADA.dn)
    )
    for _ in range(2):
        run = await bridge.sync()
        assert (run.whole, run.counts["conflict"], [problem["dn"] for problem in run.problems]) == (
            False,
            1,
            [nameless],
        )
    await bridge.directory.users.delete(SYSTEM, local.id)
    slapd.modify(write_change(nameless, [("add", "uid", ["named"])]))
    run = await bridge.sync()
    assert (run.whole, run.counts["create"], run.problems) == (False, 2, [])
    assert await differences(store, slapd) == []
    assert not any((await bridge.sync()).counts.values())


async def test_of_very_many_who_are_to_be_looked_at_again_everything_is(
    store: Store, clock: FakeClock, slapd: Slapd
) -> None:
    bridge = await followed(store, clock, slapd)
    for first in (0, 300):
        await ask_again(store, "corp", "user", [f"nobody-{number}" for number in range(first, first + 300)])
    run = await bridge.sync()
    assert (run.whole, run.why) == (True, "more than 500 entries are to be looked at again")
    assert not (await bridge.sync()).whole


async def test_a_position_is_kept_only_when_everything_before_it_is_durable(
    store: Store, clock: FakeClock, slapd: Slapd
) -> None:
    bridge = await followed(store, clock, slapd)
    slapd.modify(write_entry(ADA.dn, ADA.attributes()))
    at = 0
    while "ada" not in await bridge.people():
        at += 1
        faulty = FaultyStore(store, at, Fault.BEFORE)
        with suppress(IdpError):
            await bridge_over(faulty, clock, slapd.url).sync()
        clock.advance(3600)
    await bridge.sync()
    assert await differences(store, slapd) == []
