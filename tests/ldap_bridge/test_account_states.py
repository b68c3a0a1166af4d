"""What a real directory says about accounts takes effect, by the hour if need be, and says itself why."""

import pytest

from idp.schema.urns import GATEHOUSE_USER
from idp.store import Store
from ldap_bridge.runs import Run, State
from tests.ldap_bridge.conftest import Bridge, bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM
from tests.support.ldif import write_change, write_entry
from tests.support.people import Person, make_person
from tests.support.slapd import Slapd

ONE, TWO = make_person(1), make_person(2)
EVA = Person("eva", "Eva", "Ast", "Sales", 4712)


def expire(person: Person, day: int) -> str:
    """Let somebody's account expire at the beginning of a day, counted from 1970."""
    return write_change(person.dn, [("add", "objectClass", ["shadowAccount"]), ("replace", "shadowExpire", [str(day)])])


def today(clock: FakeClock) -> int:
    return int(clock.now().timestamp()) // 86_400


def done(run: Run, *, whole: bool = False) -> dict[str, int]:
    """What a run did."""
    assert (run.state, run.whole, run.errors, run.problems) == (State.APPLIED, whole, 0, [])
    return {name: count for name, count in run.counts.items() if count}


@pytest.fixture
def followed(store: Store, clock: FakeClock, slapd: Slapd) -> Bridge:
    """A bridge by RFC 4533, not run yet."""
    return bridge_over(store, clock, slapd.url, users={"inactive": {"employeeType": "is:left"}})


async def why(bridge: Bridge, login: str) -> str:
    """Return what an account's status says."""
    return str((await bridge.person(login))[GATEHOUSE_USER]["status"]["reason"])


async def test_an_account_expires_when_its_time_comes_though_nothing_changes_in_the_directory(
    followed: Bridge, slapd: Slapd, clock: FakeClock
) -> None:
    slapd.modify(expire(ONE, today(clock) + 2))
    await followed.sync()
    clock.advance(86_400)
    assert done(await followed.sync()) == {}
    clock.advance(86_400)
    plan = await followed.service.plan(SYSTEM, "corp")
    assert [(change.kind, change.reason) for change in plan.changes] == [
        ("disable", "expired in the directory (shadowExpire)")
    ]
    run = await followed.sync()
    assert done(run) == {"disable": 1}
    assert await followed.inactive() == {ONE.uid}
    status = (await followed.person(ONE.uid))[GATEHOUSE_USER]["status"]
    assert status["reason"] == "expired in the directory (shadowExpire)"
    assert status["by"] == f"ldap:corp run {run.id}"
    assert done(await followed.sync()) == {}
    slapd.modify(write_change(ONE.dn, [("replace", "shadowExpire", [str(today(clock) + 30)])]))
    assert done(await followed.sync()) == {"enable": 1}
    assert await followed.inactive() == set()


async def test_who_is_asked_for_because_of_the_time_and_is_gone_is_gone(
    followed: Bridge, slapd: Slapd, clock: FakeClock
) -> None:
    slapd.modify(expire(ONE, today(clock) + 1))
    await followed.sync()
    slapd.delete(ONE.dn)
    assert done(await followed.sync())["disable"] == 1
    clock.advance(86_400)
    assert done(await followed.sync()) == {}
    assert await why(followed, ONE.uid) == "gone from directory corp"


async def test_a_full_compare_sees_the_time_too(store: Store, clock: FakeClock, slapd: Slapd) -> None:
    bridge = bridge_over(store, clock, slapd.url, feed="full")
    slapd.modify(expire(ONE, today(clock) + 1))
    await bridge.sync()
    clock.advance(86_400)
    assert done(await bridge.sync(), whole=True) == {"disable": 1}
    assert done(await bridge.sync(), whole=True) == {}


async def test_a_lock_ends_by_itself_and_one_for_good_does_not(
    followed: Bridge, slapd: Slapd, clock: FakeClock
) -> None:
    await followed.sync()
    now = f"{clock.now():%Y%m%d%H%M%SZ}"
    slapd.modify(
        write_change(ONE.dn, [("replace", "pwdAccountLockedTime", [now])])
        + write_change(TWO.dn, [("replace", "pwdAccountLockedTime", ["000001010000Z"])])
    )
    assert done(await followed.sync()) == {"disable": 2}
    assert await why(followed, TWO.uid) == "locked in the directory (pwdAccountLockedTime)"
    clock.advance(1800)
    assert done(await followed.sync()) == {"enable": 1}
    assert await followed.inactive() == {TWO.uid}


async def test_who_was_locked_here_is_not_let_in_by_a_lock_that_ends_there(
    followed: Bridge, slapd: Slapd, clock: FakeClock
) -> None:
    await followed.sync()
    account = (await followed.person(ONE.uid))["id"]
    await followed.directory.users.set_active(SYSTEM, account, False, "stolen laptop")
    slapd.modify(write_change(ONE.dn, [("replace", "pwdAccountLockedTime", [f"{clock.now():%Y%m%d%H%M%SZ}"])]))
    await followed.sync()
    clock.advance(1800)
    await followed.sync()
    assert await followed.inactive() == {ONE.uid}
    assert await why(followed, ONE.uid) == "stolen laptop"


async def test_a_rule_of_ones_own_decides_and_who_comes_disabled_says_why(followed: Bridge, slapd: Slapd) -> None:
    slapd.modify(write_entry(EVA.dn, {**EVA.attributes(), "employeeType": ["left"]}))
    await followed.sync()
    assert await followed.inactive() == {"eva"}
    assert await why(followed, "eva") == "disabled in the directory (employeeType)"
    slapd.modify(write_change(EVA.dn, [("replace", "employeeType", ["active"])]))
    assert done(await followed.sync())["enable"] == 1
    slapd.modify(write_change(EVA.dn, [("replace", "employeeType", ["left"])]))
    assert done(await followed.sync())["disable"] == 1


async def test_a_time_that_cannot_be_read_leaves_the_account_as_it_is(
    store: Store, clock: FakeClock, slapd: Slapd
) -> None:
    bridge = bridge_over(store, clock, slapd.url, users={"inactive": {"description": "expires"}})
    await bridge.sync()
    slapd.modify(write_change(ONE.dn, [("replace", "description", ["soon"])]))
    run = await bridge.sync()
    reason = "description: not a time as LDAP writes it: 20260131235959Z"
    assert run.problems == [{"dn": ONE.dn, "reason": reason}]
    assert await bridge.inactive() == set()


async def test_who_is_disabled_there_is_disabled_here_though_another_value_does_not_fit(
    followed: Bridge, slapd: Slapd, clock: FakeClock
) -> None:
    await followed.sync()
    slapd.modify(expire(ONE, today(clock) - 1) + write_change(ONE.dn, [("replace", "title", ["T" * 5000])]))
    run = await followed.sync()
    assert (run.counts["disable"], run.counts["update"], run.errors) == (1, 0, 0)
    assert [problem["reason"] for problem in run.problems] == ["title: longer than 4096 characters"]
    assert await followed.inactive() == {ONE.uid}
    assert await why(followed, ONE.uid) == "expired in the directory (shadowExpire)"
    assert (await followed.sync()).counts["disable"] == 0
    slapd.modify(write_change(ONE.dn, [("replace", "title", ["Chief"])]))
    assert done(await followed.sync()) == {"update": 1}
    slapd.modify(write_change(ONE.dn, [("replace", "shadowExpire", [str(today(clock) + 2)])]))
    assert done(await followed.sync()) == {"enable": 1}
    assert (await followed.person(ONE.uid))["title"] == "Chief"


async def test_who_is_disabled_there_is_disabled_here_though_there_is_no_login_any_more(
    followed: Bridge, slapd: Slapd
) -> None:
    dn = f"cn={EVA.display_name},ou=people,{EVA.base}"
    slapd.modify(write_entry(dn, EVA.attributes()))
    await followed.sync()
    slapd.modify(write_change(dn, [("replace", "employeeType", ["left"]), ("delete", "uid", [])]))
    run = await followed.sync()
    assert (run.counts["disable"], run.errors) == (1, 0)
    assert [problem["reason"] for problem in run.problems] == ["userName: the entry has no value for it"]
    assert await followed.inactive() == {"eva"}
    assert await why(followed, "eva") == "disabled in the directory (employeeType)"
    assert (await followed.sync()).counts["disable"] == 0
    slapd.modify(write_change(dn, [("replace", "employeeType", ["active"]), ("add", "uid", ["eva"])]))
    assert done(await followed.sync()) == {"enable": 1}
