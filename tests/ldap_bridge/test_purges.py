"""An account that is to go for good is deleted only as the plan saw it, and its link with it."""

from typing import Any

from idp.store.leases import Leases
from ldap_bridge.endings import Endings, NoLetters
from ldap_bridge.lines import Lines
from ldap_bridge.links import Links
from ldap_bridge.progress import unwatched
from ldap_bridge.running import Running
from ldap_bridge.runs import Run, Runs
from ldap_bridge.service import HISTORY
from tests.ldap_bridge.conftest import Bridge, Folk, bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM

DAY = 86_400.0


def running_of(bridge: Bridge, clock: FakeClock) -> Running:
    """What makes plans and carries them out, so that something can happen in between."""
    leases, lines, ids = Leases(bridge.store, clock), Lines(bridge.store, clock, HISTORY), iter(range(99))
    runs = Runs(bridge.store, clock, HISTORY, leases)
    endings = Endings(bridge.store, clock, runs, NoLetters())
    users, groups = bridge.directory.users, bridge.directory.groups
    sources = {"corp": bridge.source}
    return Running(bridge.store, users, groups, clock, lambda: f"r{next(ids)}", sources, runs, lines, endings, leases)


async def purged(bridge: Bridge, clock: FakeClock, running: Running, change: dict[str, Any] | None) -> Run:
    """Plan that p1 goes for good, let somebody change her, and carry the plan out."""
    made = await running.make_plan("corp", unwatched, whole=True)
    account = (await bridge.person("p1"))["id"]
    assert [(one.kind, one.resource) for one in made.plan.changes] == [("purge", account)]
    if change:
        await bridge.directory.users.update(SYSTEM, account, lambda document: {**document, **change})
    run = running.new("corp", SYSTEM)
    async with running.alone(run):
        return await running.carry_out(run, made, SYSTEM, unwatched)


async def test_who_was_changed_since_the_plan_is_kept(filed_anywhere: Bridge, clock: FakeClock, folk: Folk) -> None:
    bridge = bridge_over(filed_anywhere.store, clock, f"ldif:{folk.path}", purge_after=30)
    running = running_of(bridge, clock)
    await bridge.sync()
    account = (await bridge.person("p1"))["id"]
    folk.write(p1=None)
    await bridge.sync()
    clock.advance(31 * DAY)
    changes: list[dict[str, Any]] = [{"title": "Emerita"}, {"active": True}]
    for change in changes:
        run = await purged(bridge, clock, running, change)
        assert run.errors == 1
        assert (await bridge.person("p1"))["id"] == account
        assert await Links(bridge.store, "corp").of_resource(account) is not None
    await bridge.directory.users.set_active(SYSTEM, account, False, "after all")
    assert (await purged(bridge, clock, running, None)).errors == 0
    assert "p1" not in await bridge.people()
    assert await Links(bridge.store, "corp").of_resource(account) is None


async def test_people_go_together_with_their_managers(filed: Bridge, clock: FakeClock, folk: Folk) -> None:
    bridge = bridge_over(filed.store, clock, f"ldif:{folk.path}", purge_after=30)
    boss = {f"p{number}": {"manager": f"uid=p{number % 3 + 1},dc=example,dc=org"} for number in range(1, 4)}
    folk.write(**boss)
    await bridge.sync()
    folk.write(p1=None, p2=None, p3=None)
    await bridge.sync()
    clock.advance(31 * DAY)
    run = await bridge.sync()
    assert (run.counts["purge"], run.errors) == (3, 0)
