"""Sources with an interval are kept in step, each by one worker at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from idp.store import Record, Replace, Write
from idp.store.leases import COLLECTION as LEASES
from idp.store.leases import Leases
from ldap_bridge.health import Standing
from ldap_bridge.runs import Run, State
from ldap_bridge.schedule import run_forever, seconds_to_wait, take_turn
from tests.ldap_bridge.conftest import Bridge, bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM
from tests.support.faulty_store import FaultyStore
from tests.support.people import make_person
from tests.support.process import PATIENCE
from tests.support.slapd import Slapd


class Enough(Exception):
    """The test has seen what it wanted."""


class Sleeper:
    """Moves the clock instead of waiting, and stops after so many naps."""

    def __init__(self, clock: FakeClock, naps: int) -> None:
        self.slept: list[float] = []
        self._clock = clock
        self._naps = naps

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) >= self._naps:
            raise Enough
        self._clock.advance(seconds)


@pytest.fixture
def hourly(slapd: Slapd, bridge_to: Callable[..., Bridge]) -> Bridge:
    """A bridge whose source is to run every hour."""
    return bridge_to(slapd.url, interval=60)


async def keep(bridge: Bridge, clock: FakeClock, naps: int) -> list[float]:
    """Run the schedule for so many naps; returns how long each was to be."""
    sleeper = Sleeper(clock, naps)
    with pytest.raises(ExceptionGroup) as caught:
        await run_forever(bridge.service, clock, partial(take_turn, bridge.service, clock=clock), sleeper)
    assert caught.group_contains(Enough)
    return sleeper.slept


async def test_it_runs_at_once_and_then_at_every_interval(hourly: Bridge, clock: FakeClock) -> None:
    assert await keep(hourly, clock, 3) == [3600, 3600, 3600]
    runs = await hourly.service.history.runs(SYSTEM, "corp")
    assert [run.by for run in runs] == ["schedule"] * 3
    assert len(await hourly.people()) == 50


async def test_a_run_by_hand_counts(hourly: Bridge, clock: FakeClock) -> None:
    await hourly.sync()
    clock.advance(600)
    assert await keep(hourly, clock, 2) == [3000, 3600]


async def test_a_failure_is_tried_again_after_a_minute(hourly: Bridge, clock: FakeClock, slapd: Slapd) -> None:
    slapd.stop()
    assert await keep(hourly, clock, 2) == [60, 60]
    assert {run.state for run in await hourly.service.history.runs(SYSTEM, "corp")} == {State.FAILED}
    slapd.start()
    clock.advance(60)
    assert await keep(hourly, clock, 1) == [3600]


class Jammed:
    """Letters that nobody gets, by an error of ours."""

    async def about(self, run: Run, standing: Standing) -> Sequence[Write]:
        """Fail."""
        raise RuntimeError("jammed")


async def test_an_error_of_ours_is_tried_again_too_and_ends_no_schedule(
    clock: FakeClock, tmp_path: Path, bridge_to: Callable[..., Bridge]
) -> None:
    bridge = bridge_to(f"ldif:{tmp_path / 'missing.ldif'}", interval=60, letters=Jammed())
    assert await keep(bridge, clock, 2) == [60, 60]


async def test_while_another_worker_runs_this_one_waits(hourly: Bridge, clock: FakeClock) -> None:
    await Leases(hourly.store, clock).acquire("ldap:corp", "another worker", 3000)
    assert await keep(hourly, clock, 1) == [60]
    assert await hourly.service.history.runs(SYSTEM, "corp") == []


async def test_a_turn_that_another_worker_has_taken_meanwhile_is_none(hourly: Bridge, clock: FakeClock) -> None:
    assert await take_turn(hourly.service, "corp", clock)
    assert not await take_turn(hourly.service, "corp", clock)
    assert len(await hourly.service.history.runs(SYSTEM, "corp")) == 1
    clock.advance(3600)
    assert await take_turn(hourly.service, "corp", clock)


@dataclass
class Overtaken(FaultyStore):
    """A store through which somebody looks for the lease only after another worker has run."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def get(self, collection: str, id: str) -> Record | None:
        """Let the other one run before the first look for a lease."""
        other = self.meanwhile
        if other is not None and collection == LEASES:
            self.meanwhile = None
            await other()
        return await super().get(collection, id)


async def test_a_run_between_the_look_at_the_clock_and_the_lease_counts(
    hourly: Bridge, clock: FakeClock, slapd: Slapd
) -> None:
    store = Overtaken(hourly.store, meanwhile=partial(take_turn, hourly.service, "corp", clock))
    late = bridge_over(store, clock, slapd.url, interval=60)
    assert not await take_turn(late.service, "corp", clock)
    assert len(await hourly.service.history.runs(SYSTEM, "corp")) == 1


async def test_without_an_interval_nothing_runs(bridge: Bridge, clock: FakeClock) -> None:
    async with asyncio.timeout(PATIENCE):
        await run_forever(bridge.service, clock, partial(take_turn, bridge.service, clock=clock))
    assert await bridge.service.history.runs(SYSTEM, "corp") == []


async def test_a_run_that_died_with_its_process_is_closed_by_the_next(hourly: Bridge, clock: FakeClock) -> None:
    first = await hourly.sync()
    record = await hourly.store.get("ldap_runs", first.id)
    assert record is not None
    abandoned = {**record.document, "state": "running", "finished": ""}
    await hourly.store.commit([Replace("ldap_runs", abandoned, record.version)])
    assert await seconds_to_wait(hourly.service, "corp", 3600, clock) == 0
    await hourly.sync()
    states = {run.id: run.state for run in await hourly.service.history.runs(SYSTEM, "corp")}
    assert states.pop(first.id) == State.FAILED
    assert list(states.values()) == [State.APPLIED]


async def test_waits_are_spread(hourly: Bridge, clock: FakeClock) -> None:
    sleeper = Sleeper(clock, 2)
    with pytest.raises(ExceptionGroup):
        await run_forever(hourly.service, clock, partial(take_turn, hourly.service, clock=clock), sleeper, lambda: 0.5)
    assert sleeper.slept == [3780, 3780]


async def test_a_plan_that_is_held_still_puts_off_the_next_run(hourly: Bridge, clock: FakeClock, slapd: Slapd) -> None:
    await hourly.sync()
    slapd.delete(*(make_person(number).dn for number in range(1, 8)))
    clock.advance(3600)
    await hourly.sync()
    clock.advance(3600)
    assert await keep(hourly, clock, 2) == [3600, 3600]
    assert [run.state for run in await hourly.service.history.runs(SYSTEM, "corp")] == [State.HELD, State.APPLIED]
