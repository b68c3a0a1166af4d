"""A run whose process was killed: told at once, and its place is free at once where that can be known."""

import asyncio
import subprocess
import sys
from dataclasses import replace

import pytest

from idp.processes import processes
from idp.store.contract import Replace
from idp.store.leases import Held, Leases
from ldap_bridge.errors import RunUnderWay
from ldap_bridge.health import Health
from ldap_bridge.progress import Progress
from ldap_bridge.runs import Run, Runs, State
from ldap_bridge.service import HISTORY
from ldap_bridge.unfinished import ENDED, Unfinished
from tests.ldap_bridge.conftest import Bridge, Folk, bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM
from tests.support.processes import Others


async def killed(bridge: Bridge, clock: FakeClock, others: Others) -> Run:
    """Leave behind what a process leaves that is killed in the middle of a run."""
    run = await bridge.sync()
    run.fence = await Leases(bridge.store, clock, others).acquire("ldap:corp", run.id, 60) or 0
    record = await bridge.store.get("ldap_runs", run.id)
    assert record is not None
    running = {**record.document, "state": "running", "finished": "", "fence": run.fence}
    await bridge.store.commit([Replace("ldap_runs", running, record.version)])
    return run


async def test_one_of_this_machine_ended_without_finishing_and_the_next_begins_at_once(
    filed_anywhere: Bridge, clock: FakeClock, folk: Folk
) -> None:
    others = Others("killed")
    bridge = bridge_over(filed_anywhere.store, clock, f"ldif:{folk.path}", processes=others)
    run = await killed(bridge, clock, others)
    assert (await bridge.service.standing(SYSTEM, "corp")).running == run.id
    assert (await bridge.service.history.run(SYSTEM, run.id)).state == State.RUNNING
    others.ended.add("killed")
    (stands,) = await bridge.service.standings(SYSTEM)
    assert (stands.health, stands.run, stands.reason, stands.running) == (Health.FAILED, run.id, ENDED, "")
    (told,) = await bridge.service.history.runs(SYSTEM, "corp")
    assert (told.state, told.reason, told.finished) == (State.FAILED, ENDED, "")
    others.mark = "next"
    assert (await bridge.sync()).state == State.APPLIED
    assert (await bridge.service.history.run(SYSTEM, run.id)).finished
    assert (await bridge.service.standing(SYSTEM, "corp")).health == Health.OK


async def test_one_of_another_machine_has_its_time_which_is_told(filed: Bridge, clock: FakeClock) -> None:
    run = await killed(filed, clock, Others("elsewhere"))
    clock.advance(17)
    with pytest.raises(RunUnderWay, match="begin in 43 seconds") as caught:
        await filed.sync()
    assert caught.value.retry_after == 43
    clock.advance(43)
    assert (await filed.service.history.run(SYSTEM, run.id)).reason == ENDED
    assert (await filed.sync()).state == State.APPLIED


class Overtaken(Leases):
    """Leases that are looked at a moment too late: meanwhile the run has ended."""

    def __init__(self, bridge: Bridge, clock: FakeClock) -> None:
        super().__init__(bridge.store, clock)
        self.runs = Runs(bridge.store, clock, HISTORY, self)

    async def held(self, name: str) -> Held | None:
        """End the run, and say that nobody holds it."""
        (run,) = await self.runs.latest()
        await self.runs.finish(run, State.APPLIED, "")
        return None


async def test_one_that_ends_while_it_is_looked_at_has_not_died(filed: Bridge, clock: FakeClock) -> None:
    run = await killed(filed, clock, Others("under way"))
    leases = Overtaken(filed, clock)
    (told,) = await Unfinished(leases, leases.runs).told([replace(run, state=State.RUNNING, finished="")])
    assert (told.state, told.reason) == (State.APPLIED, "")


async def test_one_that_fails_by_an_error_of_ours_is_recorded_without_its_text(filed: Bridge) -> None:
    def stumble(step: Progress) -> None:
        raise RuntimeError("a secret")

    with pytest.raises(RuntimeError):
        await filed.sync(progress=stumble)
    (run,) = await filed.service.history.runs(SYSTEM, "corp")
    assert (run.state, run.reason) == (State.FAILED, "ended by an error of the program (RuntimeError)")
    assert run.finished
    assert (await filed.sync()).state == State.APPLIED


async def test_what_it_was_to_do_is_known(filed: Bridge, clock: FakeClock) -> None:
    seen: list[Run] = []

    def look(step: Progress) -> None:
        if step.phase == "writing groups" and not seen:
            running = asyncio.ensure_future(filed.service.history.runs(SYSTEM, "corp"))
            running.add_done_callback(lambda done: seen.extend(done.result()))

    await filed.sync(progress=look)
    assert [(run.state, run.counts["create"]) for run in seen] == [(State.RUNNING, 13)]


def test_a_process_is_known_by_machine_number_and_start() -> None:
    own = processes()
    if not own.mark:
        pytest.skip("this machine says nothing of its processes")
    show = "from idp.processes import processes; print(processes().mark, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", show], stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout is not None
        mark = other.stdout.readline().strip()
        assert (own.has_ended(mark), own.has_ended(own.mark)) == (False, False)
        assert own.has_ended(f"{mark}0"), "another one has its number by now"
        other.kill()
        other.wait()
    assert own.has_ended(mark)
    for unknown in ("", mark.replace(mark[0], "x", 1), "nonsense", "a/b/c"):
        assert not own.has_ended(unknown)
