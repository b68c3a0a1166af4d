"""Whatever happens in a real directory, the accounts are as ldapsearch shows them, by whichever feed it is followed."""

import json
from contextlib import suppress
from typing import Any

import pytest

from idp.errors import IdpError
from idp.store import Store
from idp.store.contract import Replace
from ldap_bridge.errors import DirectoryError
from ldap_bridge.following import COLLECTION, ask_again
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge, bridge_over
from tests.ldap_bridge.steps import ADA, go_through, members_change
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM
from tests.support.faulty_store import Fault, FaultyStore
from tests.support.ldap_wire import CuttingProxy
from tests.support.ldif import write_change, write_entry
from tests.support.people import BASE, Company, make_person
from tests.support.ports import HOST
from tests.support.slapd import Slapd
from tests.support.truth import differences


@pytest.mark.parametrize("feed", ["full", "rfc4533", "timestamp"])
async def test_accounts_are_as_the_directory_has_them_after_every_change(
    store: Store, clock: FakeClock, slapd: Slapd, feed: str
) -> None:
    await go_through(store, clock, slapd, feed)


@pytest.mark.parametrize("feed", ["rfc4533", "timestamp"])
@pytest.mark.parametrize("store", ["pymongo"], indirect=True)
async def test_on_mongodb_just_the_same(store: Store, clock: FakeClock, slapd: Slapd, feed: str) -> None:
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
        + members_change("add", "Egg", ADA.dn)
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
