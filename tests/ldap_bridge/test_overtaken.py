"""A run whose lease somebody else has taken writes nothing over what the newer run has written."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from idp.store.contract import Delete
from idp.store.leases import Leases
from ldap_bridge.endings import Endings, NoLetters
from ldap_bridge.errors import Overtaken
from ldap_bridge.following import COLLECTION as FEEDS
from ldap_bridge.health import COLLECTION as HEALTHS
from ldap_bridge.progress import unwatched
from ldap_bridge.runs import RUNS, Run, Runs, State
from ldap_bridge.service import HISTORY
from ldap_bridge.unfinished import ENDED
from tests.ldap_bridge.conftest import Bridge, Folk
from tests.ldap_bridge.test_purges import running_of
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM
from tests.support.ldif import write_change
from tests.support.people import make_person
from tests.support.slapd import Slapd


def promote(slapd: Slapd, number: int) -> None:
    """Change an entry, so that the feed goes on."""
    slapd.modify(write_change(make_person(number).dn, [("replace", "title", [f"Number {number}"])]))


async def kept(bridge: Bridge) -> tuple[Any, Any]:
    """How far the directory was followed, and how it stands."""
    feed, standing = await bridge.store.get(FEEDS, "corp"), await bridge.store.get(HEALTHS, "corp")
    assert feed is not None
    assert standing is not None
    return feed.document, standing.document


async def test_position_standing_and_end_are_those_of_the_newer_run(
    bridge: Bridge, slapd: Slapd, clock: FakeClock
) -> None:
    await bridge.sync()
    running = running_of(bridge, clock)
    promote(slapd, 3)
    slow = running.new("corp", SYSTEM)
    async with running.alone(slow):
        await Runs(bridge.store, clock, HISTORY, Leases(bridge.store, clock)).start(slow)
        made = await running.make_plan("corp", unwatched, whole=False)
        clock.advance(61)
        promote(slapd, 4)
        quick = await bridge.sync()
        before = await kept(bridge)
        with pytest.raises(Overtaken, match="'corp': the run was taken over by another worker"):
            await running.recorded(slow, SYSTEM, lambda: running.carry_out(slow, made, SYSTEM, unwatched))
    assert await kept(bridge) == before
    assert (before[1]["run"], before[1]["health"]) == (quick.id, "ok")
    told = await bridge.service.history.run(SYSTEM, slow.id)
    assert (told.state, told.reason) == (State.FAILED, ENDED)
    ends = [event["details"]["run"] for event in await bridge.directory.events("ldap:corp")]
    assert ends.count(slow.id) == ends.count(quick.id) == 1
    assert (await bridge.sync()).state == State.APPLIED


async def test_conflicts_are_those_that_the_newer_run_has_found(filed: Bridge, clock: FakeClock) -> None:
    local = await filed.directory.user("p1")
    running = running_of(filed, clock)
    slow = running.new("corp", SYSTEM)
    async with running.alone(slow):
        made = await running.make_plan("corp", unwatched, whole=True)
        clock.advance(61)
        await filed.directory.users.delete(SYSTEM, local.id)
        assert (await filed.sync()).is_clean
        with pytest.raises(Overtaken):
            await running.carry_out(slow, made, SYSTEM, unwatched)
    assert await filed.service.resolving.conflicts(SYSTEM) == []


@dataclass
class Desk:
    """What ends runs, over the store of a bridge, and a run that another worker overtakes."""

    bridge: Bridge
    clock: FakeClock
    run: Run = field(default_factory=lambda: Run("slow", "corp", "2026-03-11T09:26:53Z"))

    def __post_init__(self) -> None:
        self.leases = Leases(self.bridge.store, self.clock)
        self.runs = Runs(self.bridge.store, self.clock, HISTORY, self.leases)
        self.endings = Endings(self.bridge.store, self.clock, self.runs, NoLetters())

    async def begin(self) -> None:
        """Begin the run, as whoever has the lease."""
        self.run.fence = await self.leases.acquire("ldap:corp", self.run.id, 60) or 0
        await self.runs.start(self.run)

    async def stored(self) -> list[dict[str, Any]]:
        """Everything that is kept of runs, and how the directory stands."""
        found = [await self.bridge.store.get(*where) for where in ((RUNS, "slow"), (HEALTHS, "corp"))]
        return [record.document for record in found if record]


@pytest.fixture
def desk(filed: Bridge, clock: FakeClock) -> Desk:
    """A desk over an empty store."""
    return Desk(filed, clock)


@pytest.mark.parametrize(
    "late",
    [
        lambda desk: desk.runs.described(desk.run),
        lambda desk: desk.endings.end(desk.run, State.HELD, "too many", SYSTEM),
        lambda desk: desk.endings.again(desk.run),
    ],
)
async def test_nothing_of_a_run_is_written_late(desk: Desk, folk: Folk, late: Callable[[Desk], Awaitable[Any]]) -> None:
    await desk.bridge.sync()
    folk.write(**dict.fromkeys([f"p{number}" for number in range(1, 8)]))
    desk.run.mark = (await desk.bridge.sync()).mark
    await desk.begin()
    desk.clock.advance(61)
    await desk.bridge.sync()
    before = await desk.stored()
    with pytest.raises(Overtaken):
        await late(desk)
    assert await desk.stored() == before


async def test_the_end_of_a_run_is_told_though_its_record_is_gone(desk: Desk) -> None:
    await desk.begin()
    await desk.bridge.store.commit([Delete(RUNS, desk.run.id)])
    await desk.endings.end(desk.run, State.FAILED, "out of order", SYSTEM)
    (told,) = await desk.bridge.directory.events("ldap:corp")
    assert (told["tag"], told["details"]["reason"]) == ("ldap:run:failed", "out of order")
    assert (await desk.bridge.service.standing(SYSTEM, "corp")).run == desk.run.id
    assert (await desk.runs.get(desk.run.id)).state == State.FAILED
