"""Deciding about plans that were kept: approved, applied or rejected, and refused when they no longer fit."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from idp.access import Actor, Area, Verb, demand
from idp.audit import Tag, event
from idp.clock import Clock, to_text
from idp.store.contract import Store, Write
from ldap_bridge.errors import NotOpen, PlanOutdated
from ldap_bridge.fitting import fitted
from ldap_bridge.health import Healths
from ldap_bridge.lines import Lines
from ldap_bridge.progress import Watcher, unwatched
from ldap_bridge.running import Made, Running
from ldap_bridge.runs import Run, Runs, State

_OTHERWISE: Final[Mapping[str, str]] = {
    State.PLANNED: "a dry run is applied, not approved or rejected",
    State.HELD: "a held run is approved or rejected, not applied",
    State.REJECTED: "a rejected run can be approved, and nothing else",
}
_ENDED: Final = "there is nothing to decide about it"


class Approvals:
    """Decides about kept plans. Methods raise PermissionDenied first, then NotFound for a run that is none.

    Further NotOpen for a run that is not to be decided upon (any more), and Overloaded while another one is under way.
    """

    def __init__(self, store: Store, clock: Clock, runs: Runs, lines: Lines, running: Running) -> None:
        self._store = store
        self._clock = clock
        self._runs = runs
        self._lines = lines
        self._running = running
        self._healths = Healths(store)

    async def approve(self, actor: Actor, run: str, progress: Watcher = unwatched) -> Run:
        """Carry out a held plan; returns the run that does. One that was rejected can still be approved.

        Nothing else is done: what has come since is left to the next run. Raises PlanOutdated when something of the
        plan is not as it was, and what reading the directory raises.
        """
        return await self._carry_out(actor, run, (State.HELD, State.REJECTED), progress)

    async def apply(self, actor: Actor, run: str, progress: Watcher = unwatched) -> Run:
        """Carry out the plan of a dry run. As `approve`."""
        return await self._carry_out(actor, run, (State.PLANNED,), progress)

    async def reject(self, actor: Actor, run: str, why: str = "") -> Run:
        """Say that a held plan is not to be carried out; runs that come to the same plan change nothing, silently."""
        demand(actor, Verb.UPDATE, Area.DIRECTORIES)
        held = await self._open(run, (State.HELD,))
        async with self._running.alone(self._running.new(held.source, actor)):
            held = await self._open(run, (State.HELD,))
            reason = f"{held.reason}; rejected: {why}" if why else held.reason
            rejected, writes = await self._decided(
                held, actor, Tag.LDAP_RUN_REJECTED, state=State.REJECTED, reason=reason
            )
            standing = await self._healths.of(held.source)
            if standing.held == held.id:
                writes.append(self._healths.write(replace(standing, decided=True, reason=reason)))
            await self._store.commit(writes)
            return rejected

    async def _carry_out(self, actor: Actor, run: str, states: tuple[State, ...], progress: Watcher) -> Run:
        demand(actor, Verb.UPDATE, Area.DIRECTORIES)
        kept = await self._open(run, states)
        new = self._running.new(kept.source, actor)
        new.plan = kept.id
        async with self._running.alone(new):
            kept = await self._open(run, states)
            made, left = await self._fitting(kept, progress)
            made.describe(new)
            _, writes = await self._decided(kept, actor, Tag.LDAP_RUN_APPROVED, state=State.APPROVED, next=new.id)
            await self._runs.start(new, *writes)
            return await self._running.recorded(
                new, actor, lambda: self._running.carry_out(new, made, actor, progress, left=left)
            )

    async def _fitting(self, kept: Run, progress: Watcher) -> tuple[Made, int]:
        """Make the plan anew and return what of it is in the kept one; how much is not, is counted."""
        made = await self._running.make_plan(kept.source, progress, whole=kept.whole)
        # Of a hundred thousand changes this takes a second, which requests must not wait for.
        fit = await asyncio.to_thread(fitted, made.plan, await self._lines.all(kept.id))
        if fit.differences:
            gaps = [f"it could not be read whole ({gap})" for gap in made.plan.gaps]
            raise PlanOutdated(kept.id, [*gaps, *fit.differences])
        return replace(made, plan=fit.plan), fit.left

    async def _open(self, run: str, states: tuple[State, ...]) -> Run:
        found = await self._runs.get(run)
        if found.state not in states:
            after = f", and run {found.next} came after it" if found.next else ""
            raise NotOpen(f"run {run} is {found.state}{after}; {_OTHERWISE.get(found.state, _ENDED)}")
        return found

    async def _decided(self, run: Run, actor: Actor, tag: Tag, **changes: str) -> tuple[Run, list[Write]]:
        changes |= {"decided": to_text(self._clock.now()), "decided_by": actor.name}
        decided, write = await self._runs.amended(run.id, **changes)
        details = {"run": run.id, **({"next": decided.next} if decided.next else {})}
        return decided, [write, event(tag, actor, f"ldap:{run.source}", self._clock, details)]
