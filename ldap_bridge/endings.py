"""How runs end: the run's record, the event, how the directory stands and a letter if need be, in one commit."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

from idp.access import Actor
from idp.audit import Detail, Tag, event
from idp.clock import Clock, to_text
from idp.errors import NotFound
from idp.store.contract import Store, Write
from ldap_bridge.health import Health, Healths, Standing, after
from ldap_bridge.runs import Run, Runs, State

_TAGS: Final = {State.HELD: Tag.LDAP_RUN_HELD, State.FAILED: Tag.LDAP_RUN_FAILED}


class Letters(Protocol):
    """Tells administrators that a directory needs them."""

    async def about(self, run: Run, standing: Standing) -> Sequence[Write]:
        """Return the writes that queue a letter about how a run has ended."""
        ...


class NoLetters:
    """Tells nobody."""

    async def about(self, run: Run, standing: Standing) -> Sequence[Write]:
        """Return nothing."""
        return []


class Endings:
    """Ends runs, by whoever holds the lease of the directory; raises Overtaken when that is somebody else by now."""

    def __init__(self, store: Store, clock: Clock, runs: Runs, letters: Letters) -> None:
        self._clock = clock
        self._runs = runs
        self._healths = Healths(store)
        self._letters = letters

    async def end(self, run: Run, state: State, reason: str, actor: Actor, *more: Write, fence: int = 0) -> Run:
        """End a run that has begun, and write what goes into the same commit.

        `fence` is the number of the run that ends one which its own process has left behind.
        """
        run.state, run.reason, run.finished = state, reason, to_text(self._clock.now())
        before = await self._healths.of(run.source)
        standing = after(before, run)
        beside = [self._event(run, actor), self._healths.write(standing), *more]
        if before.held and before.held != standing.held:
            beside += await self._superseded(before.held, run)
        if standing.health != before.health and standing.health in (Health.HELD, Health.FAILED):
            beside += await self._letters.about(run, standing)
        return await self._runs.finish(run, state, reason, *beside, fence=fence)

    async def again(self, run: Run) -> Run | None:
        """End a run that came to the very plan that waits already, or was rejected: what there is of it stays one run.

        Returns that earlier run, or None when the plan is another one.
        """
        before, now = await self._healths.of(run.source), to_text(self._clock.now())
        if before.mark != run.mark or not await self._is_open(before.held, State.HELD, State.REJECTED):
            return None
        earlier, write = await self._runs.amended(before.held, confirmed=now)
        since = before.since if before.health == Health.HELD else now
        standing = replace(before, health=Health.HELD, since=since, run=earlier.id, reason=earlier.reason, seen=now)
        await self._runs.drop(run, write, self._healths.write(standing))
        return earlier

    async def _superseded(self, held: str, by: Run) -> list[Write]:
        if not await self._is_open(held, State.HELD):
            return []
        changes = {"state": State.SUPERSEDED.value, "decided": by.finished, "decided_by": by.by, "next": by.id}
        return [(await self._runs.amended(held, **changes))[1]]

    async def _is_open(self, run: str, *states: State) -> bool:
        """Tell whether a run is in one of these states; one that is not kept any more is in none."""
        with suppress(NotFound):
            return (await self._runs.get(run)).state in states
        return False

    def _event(self, run: Run, actor: Actor) -> Write:
        details: dict[str, Detail] = {"run": run.id, "state": run.state, "errors": run.errors, **run.counts}
        if run.plan:
            details["plan"] = run.plan
        if run.reason:
            details["reason"] = run.reason
        tag = _TAGS.get(State(run.state), Tag.LDAP_RUN_APPLIED)
        return event(tag, actor, f"ldap:{run.source}", self._clock, details)
