"""Whoever is in the directory's scope gets in before a run has come by, as the run would have brought them in."""

from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from idp.auth import Step
from idp.auth.entry import DISABLED, HELD, WRONG
from idp.errors import Overloaded, Unavailable
from idp.store.leases import Leases
from ldap_bridge.arrivals import Arrivals
from ldap_bridge.bind import open_verifier
from ldap_bridge.lease import exclusive
from tests.ldap_bridge.conftest import Bridge, bridge_over
from tests.support.authentication import SYSTEM, House
from tests.support.clock import FakeClock
from tests.support.ldif import write_change
from tests.support.people import Company, make_person
from tests.support.slapd import Slapd

PERSON = make_person(1)


@dataclass
class Door:
    """A house whose newcomers come from the directory, and the bridge to that."""

    house: House
    bridge: Bridge

    async def knock(self, login: str, password: str) -> str:
        """Try to log in; returns the error or the step after it."""
        view = await self.house.try_password(login, password)
        return view.error or str(view.step)

    async def logins(self) -> set[str]:
        return set(await self.bridge.people())


@pytest.fixture
async def door(bridge: Bridge, clock: FakeClock) -> AsyncIterator[Door]:
    """Nobody has been synchronised yet."""
    async with opened(bridge, clock) as made:
        yield made


def opened(bridge: Bridge, clock: FakeClock) -> "Opened":
    return Opened(bridge, clock)


class Opened:
    """Opens and closes the connections behind a door."""

    def __init__(self, bridge: Bridge, clock: FakeClock) -> None:
        bind = open_verifier(bridge.source, bridge.store)
        newcomers = Arrivals(bridge.source, bridge.service, bridge.directory.users, bind, clock)
        house = House(bridge.store, clock, directories={"ldap:corp": bind}, newcomers=[newcomers])
        self._closing, self._door = closing(bind), Door(house, bridge)

    async def __aenter__(self) -> Door:
        self._closing.__enter__()
        return self._door

    async def __aexit__(self, *_: object) -> None:
        self._closing.__exit__()


async def test_the_first_login_makes_the_account_that_a_run_would_make(door: Door, clock: FakeClock) -> None:
    assert await door.knock(PERSON.uid.upper(), PERSON.password) == Step.ENROL
    assert await door.logins() == {PERSON.uid}
    made = await door.bridge.person(PERSON.uid)
    # Which would put off the next run that looks at everybody.
    assert await door.bridge.service.history.runs(SYSTEM, "corp") == []
    (created,) = await door.house.events("directory:user:created")
    assert (created["target"], created["actorName"]) == (made["id"], "ldap:corp first login")
    await door.bridge.sync()
    assert (await door.bridge.person(PERSON.uid))["id"] == made["id"]
    assert await door.bridge.person(PERSON.uid) == made
    assert await door.knock(PERSON.uid, PERSON.password) == Step.ENROL


async def test_memberships_come_along(door: Door, company: Company) -> None:
    group = next(group for group in company.groups if group.members and "ou=people" in group.members[0])
    member = next(person for person in company.people if person.dn in group.members)
    assert await door.knock(member.uid, member.password) == Step.ENROL
    assert await door.bridge.members(group.name) == {member.uid}
    await door.bridge.sync()
    everybody = {person.uid for person in company.people if person.dn in group.members}
    assert everybody <= await door.bridge.members(group.name)


@pytest.mark.parametrize(
    ("login", "password"),
    [
        (PERSON.uid, "wrong"),
        (PERSON.uid, ""),
        (PERSON.uid, "\u00ad"),
        ("nobody", PERSON.password),
        ("*", PERSON.password),
        ("person0*", PERSON.password),
        ("x)(uid=*", PERSON.password),
        ("\0", PERSON.password),
        ("", PERSON.password),
    ],
)
async def test_without_the_right_password_of_one_person_nothing_is_made(door: Door, login: str, password: str) -> None:
    assert await door.knock(login, password) == WRONG
    assert await door.logins() == set()


async def test_who_is_not_in_the_scope_is_a_stranger(bridge: Bridge, slapd: Slapd, clock: FakeClock) -> None:
    other = make_person(2)
    narrow = bridge_over(bridge.store, clock, slapd.url, users={"filter": f"(uid={other.uid})"})
    async with opened(narrow, clock) as door:
        assert await door.knock(PERSON.uid, PERSON.password) == WRONG
        assert await door.knock(other.uid, other.password) == Step.ENROL


async def test_who_was_renamed_keeps_the_account(door: Door, slapd: Slapd) -> None:
    await door.bridge.sync()
    before = await door.bridge.person(PERSON.uid)
    slapd.rename(PERSON.dn, "uid=renamed")
    assert await door.knock("renamed", PERSON.password) == Step.ENROL
    assert (await door.bridge.person("renamed"))["id"] == before["id"]


async def test_who_was_disabled_here_stays_out_under_a_new_name(door: Door, slapd: Slapd) -> None:
    await door.bridge.sync()
    before = await door.bridge.person(PERSON.uid)
    await door.bridge.directory.users.set_active(SYSTEM, before["id"], False, "left")
    slapd.rename(PERSON.dn, "uid=renamed")
    assert await door.knock("renamed", PERSON.password) == WRONG


async def test_who_is_disabled_there_is_not_made(bridge: Bridge, slapd: Slapd, clock: FakeClock) -> None:
    corp = bridge_over(bridge.store, clock, slapd.url, users={"inactive": {"employeeType": "is:retired"}})
    slapd.modify(write_change(PERSON.dn, [("replace", "employeeType", ["retired"])]))
    async with opened(corp, clock) as door:
        assert await door.knock(PERSON.uid, PERSON.password) == DISABLED
        assert await door.logins() == set()


async def test_a_limit_on_new_people_holds_for_first_logins(bridge: Bridge, slapd: Slapd, clock: FakeClock) -> None:
    strict = bridge_over(bridge.store, clock, slapd.url, limits={"create": {"count": 0}})
    async with opened(strict, clock) as door:
        assert await door.knock(PERSON.uid, PERSON.password) == HELD
        assert await door.logins() == set()


async def test_who_has_the_name_as_a_second_one_is_not_meant(door: Door, slapd: Slapd) -> None:
    slapd.modify(write_change(make_person(2).dn, [("add", "uid", [PERSON.uid])]))
    assert await door.knock(PERSON.uid, PERSON.password) == Step.ENROL


async def test_while_a_run_is_under_way_one_has_to_try_again(door: Door, clock: FakeClock) -> None:
    async with exclusive(Leases(door.bridge.store, clock), "corp", "another"):
        with pytest.raises(Overloaded):
            await door.knock(PERSON.uid, PERSON.password)
    assert await door.knock(PERSON.uid, PERSON.password) == Step.ENROL


async def test_while_the_directory_is_down_nobody_can_tell_who_is_new(door: Door, slapd: Slapd) -> None:
    slapd.stop()
    with pytest.raises(Unavailable):
        await door.knock(PERSON.uid, PERSON.password)


async def test_nobody_else_goes_for_good_because_somebody_logs_in(
    bridge: Bridge, slapd: Slapd, clock: FakeClock
) -> None:
    corp = bridge_over(bridge.store, clock, slapd.url, purge_after=1)
    gone = make_person(2)
    await corp.sync()
    slapd.delete(gone.dn)
    await corp.sync()
    slapd.rename(PERSON.dn, "uid=renamed")
    clock.advance(2 * 86_400)
    async with opened(corp, clock) as door:
        assert await door.knock("renamed", PERSON.password) == Step.ENROL
        assert gone.uid in await door.logins()
