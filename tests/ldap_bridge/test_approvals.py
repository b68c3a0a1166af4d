"""A held plan is approved, rejected, or refused because it no longer fits; and nothing but the plan is done."""

from collections.abc import Callable
from contextlib import suppress
from itertools import count

import pytest

from idp.access import Actor, ActorKind
from idp.directory import manager_of
from idp.errors import IdpError, NotFound, Overloaded, PermissionDenied
from idp.schema.urns import GATEHOUSE_USER
from idp.store import Store
from idp.store.leases import Leases
from ldap_bridge.errors import DirectoryError, NotOpen, PlanOutdated
from ldap_bridge.runs import Run, State
from tests.ldap_bridge.conftest import Bridge, Folk, bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, person
from tests.support.faulty_store import Fault, FaultyStore
from tests.support.ldap_wire import CuttingProxy
from tests.support.ldif import write_entry
from tests.support.people import BASE, Company, Person
from tests.support.ports import HOST
from tests.support.slapd import Slapd

ROOT = Actor(ActorKind.USER, "root", "root", role="root")
GONE = {f"p{number}" for number in range(1, 8)}
ADA = Person("ada", "Ada", "Lovelace", "Engineering", 4711)


async def held(bridge: Bridge, folk: Folk) -> Run:
    """Bring everybody in, let seven go, and return the run that is held for it."""
    assert (await bridge.sync()).state == State.APPLIED
    folk.write(**dict.fromkeys(GONE))
    run = await bridge.sync()
    assert run.state == State.HELD
    return run


async def test_an_approved_plan_is_carried_out_and_both_runs_say_so(filed_anywhere: Bridge, folk: Folk) -> None:
    run = await held(filed_anywhere, folk)
    done = await filed_anywhere.service.approvals.approve(ROOT, run.id)
    assert (done.state, done.plan, done.by, done.counts["disable"]) == (State.APPLIED, run.id, "root", 7)
    assert await filed_anywhere.inactive() == GONE
    before = await filed_anywhere.service.history.run(SYSTEM, run.id)
    assert (before.state, before.next, before.decided_by) == (State.APPROVED, done.id, "root")
    tags = [(event["tag"], event["actorName"]) for event in await filed_anywhere.directory.events("ldap:corp")]
    assert tags[1:] == [("ldap:run:held", "test"), ("ldap:run:approved", "root"), ("ldap:run:applied", "root")]
    assert not any((await filed_anywhere.sync()).counts.values())
    with pytest.raises(NotOpen, match=f"is approved, and run {done.id}"):
        await filed_anywhere.service.approvals.approve(ROOT, run.id)


async def test_what_has_come_since_is_left_to_the_next_run(filed: Bridge, folk: Folk) -> None:
    run = await held(filed, folk)
    folk.write(p9={"title": "Chief"}, p13={"mail": "p13@example.org"})
    # The group has one member more than in the plan, which only takes seven away.
    with pytest.raises(PlanOutdated, match=r"members group 'all' is now: members group 'all' \(1 added, 7 removed\)"):
        await filed.service.approvals.approve(ROOT, run.id)
    folk.write(p13=None)
    done = await filed.service.approvals.approve(ROOT, run.id)
    assert (done.counts["disable"], done.counts["update"]) == (7, 0)
    assert "since then 1 change came, left to the next run" in done.reason
    assert "title" not in await filed.person("p9")
    assert (await filed.sync()).counts["update"] == 1


@pytest.mark.parametrize("change", ["back", "renamed", "changed here"])
async def test_a_plan_that_no_longer_fits_is_refused_and_says_what_differs(
    filed: Bridge, folk: Folk, change: str
) -> None:
    folk.write(p12={"title": "Clerk"})
    await filed.sync()
    folk.write(**dict.fromkeys(GONE), p12={"title": "Chief"})
    run = await filed.sync()
    if change == "back":
        folk.write(p1={"mail": "p1@example.org"})
    elif change == "renamed":
        folk.write(p12={"uid": "zoe"})
    else:
        user = await filed.person("p12")
        await filed.directory.users.update(SYSTEM, user["id"], lambda found: {**found, "title": "Head"})
    with pytest.raises(PlanOutdated) as caught:
        await filed.service.approvals.approve(ROOT, run.id)
    found = "disable user 'p1' is not to be done" if change == "back" else "update user 'p12' is now: "
    assert any(found in difference for difference in caught.value.differences)
    assert await filed.inactive() == set()
    assert (await filed.service.history.run(SYSTEM, run.id)).state == State.HELD, "it can still be decided upon"
    assert (await filed.service.history.runs(SYSTEM, "corp"))[0].id == run.id, "a refusal is no run"


async def test_a_plan_that_is_held_is_held_once(filed_anywhere: Bridge, folk: Folk, clock: FakeClock) -> None:
    run = await held(filed_anywhere, folk)
    for _ in range(3):
        clock.advance(900)
        assert (await filed_anywhere.sync()).id == run.id
    assert len(await filed_anywhere.service.history.runs(SYSTEM, "corp")) == 2
    assert (await filed_anywhere.service.history.run(SYSTEM, run.id)).confirmed > run.finished
    assert [event["tag"] for event in await filed_anywhere.directory.events("ldap:corp")].count("ldap:run:held") == 1
    folk.write(p9={"title": "Chief"})
    other = await filed_anywhere.sync()
    assert (other.state, other.counts["update"]) == (State.HELD, 1)
    old = await filed_anywhere.service.history.run(SYSTEM, run.id)
    assert (old.state, old.next) == (State.SUPERSEDED, other.id)
    with pytest.raises(NotOpen, match="is superseded, and run"):
        await filed_anywhere.service.approvals.approve(ROOT, run.id)


async def test_a_rejected_plan_changes_nothing_and_is_not_held_again(filed: Bridge, folk: Folk) -> None:
    run = await held(filed, folk)
    rejected = await filed.service.approvals.reject(ROOT, run.id, "the export was broken")
    assert (rejected.state, rejected.decided_by) == (State.REJECTED, "root")
    assert "rejected: the export was broken" in rejected.reason
    again = await filed.sync()
    assert (again.id, again.state) == (run.id, State.REJECTED)
    assert await filed.inactive() == set()
    people = {name: {"mail": f"{name}@example.org"} for name in GONE}
    folk.write(**people)
    assert (await filed.sync()).state == State.APPLIED, "the directory was repaired"
    folk.write(**dict.fromkeys(GONE))
    anew = await filed.sync()
    assert (anew.state, anew.id == run.id) == (State.HELD, False), "the same again is another question"


async def test_who_changes_her_mind_approves_what_was_rejected(filed: Bridge, folk: Folk) -> None:
    run = await held(filed, folk)
    await filed.service.approvals.reject(ROOT, run.id)
    with pytest.raises(NotOpen, match="is rejected"):
        await filed.service.approvals.reject(ROOT, run.id)
    await filed.service.approvals.approve(ROOT, run.id)
    assert await filed.inactive() == GONE


async def test_a_dry_run_is_applied_later_as_it_was_shown(filed: Bridge, folk: Folk) -> None:
    plan = await filed.service.plan(SYSTEM, "corp")
    assert (plan.counts["create"], await filed.people()) == (13, {})
    with pytest.raises(NotOpen, match="is planned"):
        await filed.service.approvals.approve(ROOT, plan.run)
    done = await filed.service.approvals.apply(ROOT, plan.run)
    assert (done.state, done.errors, done.counts["create"]) == (State.APPLIED, 0, 13)
    assert await filed.members("all") == set(await filed.people())
    with pytest.raises(NotOpen):
        await filed.service.approvals.apply(ROOT, plan.run)
    plan = await filed.service.plan(SYSTEM, "corp")
    assert [plan.counts["create"], *plan.changes] == [0]


async def test_roles_that_a_group_gives_are_part_of_a_plan(store: Store, clock: FakeClock, folk: Folk) -> None:
    roles, limits = {"developer": f"cn=all,{BASE}"}, {"create": {"count": 1}}
    bridge = bridge_over(store, clock, f"ldif:{folk.path}", roles=roles, limits=limits)
    run = await bridge.sync()
    assert (run.state, run.counts["role"]) == (State.HELD, 12)
    assert (await bridge.sync()).id == run.id, "new ids make no other plan"
    done = await bridge.service.approvals.approve(ROOT, run.id)
    assert (done.errors, done.counts["role"], done.reason) == (0, 12, "")
    assert {user[GATEHOUSE_USER]["role"] for user in (await bridge.people()).values()} == {"developer"}


async def test_a_manager_who_is_new_makes_no_other_plan_but_another_manager_does(
    store: Store, clock: FakeClock, folk: Folk
) -> None:
    bridge = bridge_over(store, clock, f"ldif:{folk.path}", limits={"create": {}})
    await bridge.sync(force=True)
    folk.write(p13={}, p1={"manager": f"uid=p13,{BASE}"})
    run = await bridge.sync()
    assert (run.state, (await bridge.sync()).id) == (State.HELD, run.id)
    assert (await bridge.service.approvals.approve(ROOT, run.id)).reason == ""
    assert manager_of(await bridge.person("p1")) == (await bridge.person("p13"))["id"]
    folk.write(p14={}, p15={}, p2={"manager": f"uid=p14,{BASE}"})
    run = await bridge.sync()
    folk.write(p2={"manager": f"uid=p15,{BASE}"})
    with pytest.raises(PlanOutdated, match="update user 'p2' is now"):
        await bridge.service.approvals.approve(ROOT, run.id)


async def test_a_dry_run_of_what_a_run_has_done_since_is_refused(filed: Bridge, folk: Folk) -> None:
    plan = await filed.service.plan(SYSTEM, "corp")
    await filed.sync()
    with pytest.raises(PlanOutdated, match="and 4 more"):
        await filed.service.approvals.apply(ROOT, plan.run)


async def test_only_who_may_change_directories_decides(filed: Bridge, folk: Folk, clock: FakeClock) -> None:
    run = await held(filed, folk)
    admin, nobody = person("adm", "admin"), person("eve")
    for decide in (filed.service.approvals.approve, filed.service.approvals.apply, filed.service.approvals.reject):
        for actor in (admin, nobody):
            with pytest.raises(PermissionDenied):
                await decide(actor, run.id)
        with pytest.raises(NotFound):
            await decide(ROOT, "nope")
    assert (await filed.service.history.runs(admin))[0].id == run.id
    for look in (filed.service.history.runs(nobody), filed.service.history.lines(nobody, run.id)):
        with pytest.raises(PermissionDenied):
            await look
    await Leases(filed.store, clock).acquire("ldap:corp", "another worker", 60)
    with pytest.raises(Overloaded):
        await filed.service.approvals.approve(ROOT, run.id)
    assert await filed.inactive() == set()


# --- a real server ---


async def test_changes_that_a_feed_names_are_approved_and_the_feed_goes_on(
    bridge: Bridge, slapd: Slapd, company: Company
) -> None:
    await bridge.sync()
    slapd.delete(*(one.dn for one in company.people[:7]))
    run = await bridge.sync()
    assert (run.state, run.whole) == (State.HELD, False)
    slapd.modify(write_entry(ADA.dn, ADA.attributes()))
    done = await bridge.service.approvals.approve(ROOT, run.id)
    assert (done.whole, done.counts["disable"], done.counts["create"]) == (False, 7, 0)
    after = await bridge.sync()
    assert (after.whole, after.counts["create"], after.counts["disable"]) == (False, 1, 0)


async def test_a_read_that_breaks_off_approves_nothing(
    bridge: Bridge, slapd: Slapd, company: Company, bridge_to: Callable[..., Bridge]
) -> None:
    await bridge.sync()
    slapd.delete(*(one.dn for one in company.people[:7]))
    run = await bridge.sync(whole=True)
    with CuttingProxy(slapd.port, 9_000).running() as port:
        cut = bridge_to(f"ldap://{HOST}:{port}", bind_dn=slapd.admin_dn, bind_password=slapd.admin_password)
        with pytest.raises((PlanOutdated, DirectoryError)):
            await cut.service.approvals.approve(ROOT, run.id)
    assert await bridge.inactive() == set()


# --- a store that fails ---


@pytest.mark.parametrize("fault", Fault)
async def test_whatever_fails_while_a_plan_is_carried_out_is_finished_later(
    store: Store, clock: FakeClock, folk: Folk, fault: Fault
) -> None:
    bridge = bridge_over(store, clock, f"ldif:{folk.path}")
    for at in count(1, 3):
        run = await held(bridge, folk)
        faulty = FaultyStore(store, at, fault)
        with suppress(IdpError):
            await bridge_over(faulty, clock, f"ldif:{folk.path}").service.approvals.approve(ROOT, run.id)
        # What a dead process leaves, the lease above all, is over after a while.
        clock.advance(3600)
        after = await bridge.sync()
        if after.state == State.HELD:
            await bridge.service.approvals.approve(ROOT, after.id)
        assert await bridge.inactive() == GONE, at
        assert await bridge.members("all") == set(folk.people), at
        if not faulty.has_failed:
            assert at > 10
            break
        folk.write(**{name: {"mail": f"{name}@example.org"} for name in GONE})
