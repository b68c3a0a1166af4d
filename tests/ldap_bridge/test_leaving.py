"""Who leaves a directory keeps the account for a while, gives up the login when it is needed, and goes in time."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Insert
from ldap_bridge.links import Links
from ldap_bridge.runs import Run, State
from tests.ldap_bridge.conftest import Bridge
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, everything
from tests.support.domain import AD, domain, person
from tests.support.ldap_wire import CuttingProxy, Request, encode_done, responder
from tests.support.ldif import write_entry
from tests.support.people import Company, make_person
from tests.support.ports import HOST
from tests.support.slapd import Slapd

ONE = make_person(1)
DAY = 86_400
# timeLimitExceeded (RFC 4511 appendix A)
TIME_LIMIT = 3
PURGED = {"purge_after": 30}


def done(run: Run) -> dict[str, int]:
    """What a run did, but for members."""
    assert (run.state, run.errors, run.problems) == (State.APPLIED, 0, [])
    return {name: count for name, count in run.counts.items() if count and not name.startswith("members")}


def put_back(slapd: Slapd, entry: dict[str, list[bytes]]) -> None:
    """Put an entry back with the id it had, as from a backup; only offline can it be done."""
    slapd.stop()
    kept = ("entryUUID", "structuralObjectClass")
    slapd.load(write_entry(ONE.dn, {**ONE.attributes(), **{name: entry[name] for name in kept}}))
    slapd.start()


async def factors_of(bridge: Bridge, user: str) -> list[str]:
    return [factor["id"] for factor in await everything(bridge.store, "factors") if factor["user"] == user]


async def give_factor(bridge: Bridge, user: str) -> None:
    """Let somebody have a second factor, as far as the store knows."""
    await bridge.store.commit([Insert("factors", {"id": f"totp-{user}", "user": user})])


# --- another person of the same login ---


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("settings", [{}, {"feed": "full"}, {"feed": "timestamp"}])
async def test_a_new_person_gets_the_login_of_one_who_is_gone_and_nothing_else_of_hers(
    slapd: Slapd, bridge_to: Callable[..., Bridge], settings: dict[str, Any], at_once: bool
) -> None:
    bridge = bridge_to(slapd.url, **settings)
    await bridge.sync()
    before = await bridge.person(ONE.uid)
    await give_factor(bridge, before["id"])
    slapd.delete(ONE.dn)
    if not at_once:
        assert done(await bridge.sync()) == {"disable": 1}
    slapd.modify(write_entry(ONE.dn, ONE.attributes()))
    run = await bridge.sync()
    assert done(run) == {"create": 1, "disable" if at_once else "rename": 1}
    after = await bridge.person(ONE.uid)
    assert (after["id"] != before["id"], after["active"]) == (True, True)
    assert await factors_of(bridge, after["id"]) == []
    (old,) = [user for user in (await bridge.people()).values() if user["id"] == before["id"]]
    assert (old["active"], old["userName"].startswith("gone-"), "emails" in old) == (False, True, False)
    assert await factors_of(bridge, old["id"]) == [f"totp-{old['id']}"]
    assert (await bridge.directory.users.by_login(ONE.mail)).id == after["id"]  # type: ignore[union-attr] # found
    assert done(await bridge.sync(whole=True)) == {}


async def test_who_comes_back_while_somebody_else_has_the_login_is_a_conflict_until_that_one_has_another(
    bridge: Bridge, slapd: Slapd
) -> None:
    (entry,) = slapd.search(f"(uid={ONE.uid})").values()
    await bridge.sync()
    account = (await bridge.person(ONE.uid))["id"]
    slapd.delete(ONE.dn)
    slapd.modify(write_entry(ONE.dn, ONE.attributes()))
    await bridge.sync()
    slapd.rename(ONE.dn, "uid=heir")
    put_back(slapd, entry)
    run = await bridge.sync(whole=True)
    assert done(run) == {"rename": 1, "enable": 1}
    back = await bridge.person(ONE.uid)
    assert (back["id"], back["active"], back["emails"][0]["value"]) == (account, True, ONE.mail.lower())


async def test_the_login_of_a_local_person_is_never_handed_on(bridge: Bridge, slapd: Slapd) -> None:
    await bridge.sync()
    local = await bridge.directory.user("heir")
    slapd.rename(ONE.dn, "uid=heir")
    slapd.rename(make_person(2).dn, f"uid={ONE.uid}")
    run = await bridge.sync()
    assert done(run) == {"conflict": 2}, "she keeps the login that she has, so nobody else gets it"
    assert (await bridge.person("heir"))["id"] == local.id
    assert {ONE.uid, make_person(2).uid} <= (await bridge.people()).keys()
    await bridge.directory.users.delete(SYSTEM, local.id)
    assert done(await bridge.sync()) == {"rename": 2}


async def test_when_groups_cannot_be_read_whole_nobody_loses_a_login(bridge_to: Callable[..., Bridge]) -> None:
    directory, breaks_off = domain(), False

    def answer(request: Request) -> Iterable[bytes]:
        if breaks_off and "member" in request.attributes:
            return [encode_done(TIME_LIMIT, message_id=request.message_id)]
        return directory.answer(request)

    with responder(answer) as port:
        bridge = bridge_to(f"ldap://{HOST}:{port}", base=AD, preset="active-directory", feed="full")
        await bridge.sync()
        before = (await bridge.person("p1"))["id"]
        directory.delete(person("p1"))
        directory.add(person("p1"), ["user"], sAMAccountName="p1", sn="Last")
        directory.modify(person("p2"), sAMAccountName="p3")
        directory.modify(person("p3"), sAMAccountName="p2")
        breaks_off = True
        run = await bridge.sync()
        assert run.state == State.INCOMPLETE
        assert {name: count for name, count in run.counts.items() if count} == {"conflict": 1, "rename": 2}
        assert (await bridge.person("p1"))["id"] == before
        assert await bridge.inactive() == set()
        breaks_off = False
        assert done(await bridge.sync()) == {"create": 1, "disable": 1}
        assert await bridge.members("Team") == {"p0"}


# --- for good ---


async def test_who_is_gone_long_enough_goes_for_good_and_the_plan_says_so(
    slapd: Slapd, bridge_to: Callable[..., Bridge], clock: FakeClock
) -> None:
    bridge = bridge_to(slapd.url, **PURGED)
    await bridge.sync()
    account = (await bridge.person(ONE.uid))["id"]
    await give_factor(bridge, account)
    slapd.delete(ONE.dn)
    assert done(await bridge.sync()) == {"disable": 1}
    clock.advance(30 * DAY - 60)
    assert done(await bridge.sync(whole=True)) == {}
    clock.advance(60)
    plan = await bridge.service.plan(SYSTEM, "corp")
    assert [(change.kind, change.name) for change in plan.changes] == [("purge", ONE.uid)]
    assert "gone from directory corp since 2026-" in plan.changes[0].reason
    run = await bridge.sync()
    assert (run.whole, done(run)) == (False, {"purge": 1})
    assert ONE.uid not in await bridge.people()
    assert await factors_of(bridge, account) == []
    told = (await bridge.directory.events(account))[-1]
    assert (told["tag"], told["actorName"]) == ("directory:user:deleted", f"ldap:corp run {run.id}")
    assert await Links(bridge.store, "corp").of_resource(account) is None
    assert done(await bridge.sync(whole=True)) == {}


async def test_without_the_setting_nobody_goes_for_good(bridge: Bridge, slapd: Slapd, clock: FakeClock) -> None:
    await bridge.sync()
    slapd.delete(ONE.dn)
    await bridge.sync()
    clock.advance(1000 * DAY)
    assert done(await bridge.sync()) == {}
    assert await bridge.inactive() == {ONE.uid}


async def test_who_is_back_in_between_is_the_same_with_the_same_factors(
    slapd: Slapd, bridge_to: Callable[..., Bridge], clock: FakeClock
) -> None:
    bridge = bridge_to(slapd.url, **PURGED)
    (entry,) = slapd.search(f"(uid={ONE.uid})").values()
    await bridge.sync()
    account = (await bridge.person(ONE.uid))["id"]
    await give_factor(bridge, account)
    slapd.delete(ONE.dn)
    await bridge.sync()
    clock.advance(31 * DAY)
    put_back(slapd, entry)
    assert done(await bridge.sync(whole=True)) == {"enable": 1}
    back = await bridge.person(ONE.uid)
    assert (back["id"], await factors_of(bridge, account)) == (account, [f"totp-{account}"])
    clock.advance(31 * DAY)
    assert done(await bridge.sync()) == {}


async def test_who_was_put_back_without_a_word_is_looked_for_before_she_would_go_for_good(
    bridge_to: Callable[..., Bridge], clock: FakeClock
) -> None:
    directory = domain(sees_deleted=False)
    with responder(directory.answer) as port:
        ad = {"base": AD, "preset": "active-directory", "feed": "usn", "users": {"not_classes": []}}
        bridge = bridge_to(f"ldap://{HOST}:{port}", purge_after=1, **ad)
        await bridge.sync()
        entry = {**directory.entries[person("p1")]}
        directory.delete(person("p1"))
        directory.delete(person("p2"))
        assert done(await bridge.sync()) == {"disable": 2}
        directory.entries[person("p1")] = entry
        clock.advance(2 * DAY)
        run = await bridge.sync()
        assert (run.whole, done(run)) == (False, {"enable": 1, "purge": 1})
        assert (await bridge.person("p1"))["active"]


async def test_who_was_switched_on_here_although_gone_is_kept(
    slapd: Slapd, bridge_to: Callable[..., Bridge], clock: FakeClock
) -> None:
    bridge = bridge_to(slapd.url, **PURGED)
    await bridge.sync()
    slapd.delete(ONE.dn)
    await bridge.sync()
    await bridge.directory.users.set_active(SYSTEM, (await bridge.person(ONE.uid))["id"], True, "still needed")
    clock.advance(31 * DAY)
    assert done(await bridge.sync()) == {}


async def test_an_incomplete_read_purges_nobody_and_many_are_held(
    slapd: Slapd, bridge_to: Callable[..., Bridge], company: Company, clock: FakeClock
) -> None:
    bridge = bridge_to(slapd.url, **PURGED)
    await bridge.sync()
    slapd.delete(*(person.dn for person in company.people[:7]))
    await bridge.sync(force=True)
    clock.advance(31 * DAY)
    with CuttingProxy(slapd.port, 20_000).running() as port:
        run = await bridge_to(f"ldap://{HOST}:{port}", page_size=20, **PURGED).sync(whole=True)
    assert (run.state, run.counts["purge"]) == (State.INCOMPLETE, 0)
    run = await bridge.sync()
    assert (run.state, run.counts["purge"]) == (State.HELD, 7)
    assert len(await bridge.inactive()) == 7
    assert done(await bridge.sync(force=True)) == {"purge": 7}


async def test_why_an_account_is_off_says_where_it_went(bridge: Bridge, slapd: Slapd) -> None:
    await bridge.sync()
    slapd.delete(ONE.dn)
    slapd.modify(write_entry(ONE.dn, ONE.attributes()))
    await bridge.sync()
    (old,) = [user for login, user in (await bridge.people()).items() if login.startswith("gone-")]
    assert old[GATEHOUSE_USER]["status"]["reason"] == "gone from directory corp; the login is somebody else's now"
