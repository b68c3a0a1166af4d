"""What commands, console and schedule do with directories: test, plan, sync, and look back."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Final

from idp.access import Actor, Area, Verb, demand
from idp.audit import Tag, event
from idp.clock import Clock
from idp.directory import Groups, Users
from idp.processes import Processes
from idp.store.contract import Store
from idp.store.leases import Leases
from ldap_bridge.approvals import Approvals
from ldap_bridge.conflicts import Conflicts
from ldap_bridge.drafts import Drafts
from ldap_bridge.endings import Endings, Letters, NoLetters
from ldap_bridge.entries import Entry
from ldap_bridge.explain import Explainer
from ldap_bridge.health import Healths, Standing
from ldap_bridge.history import History
from ldap_bridge.lines import Lines
from ldap_bridge.links import Link, Links
from ldap_bridge.plan import USER
from ldap_bridge.progress import Watcher, unwatched
from ldap_bridge.report import PlanReport
from ldap_bridge.resolving import Resolving
from ldap_bridge.running import First, Running, nothing_first
from ldap_bridge.runs import Run, Runs
from ldap_bridge.settings import Source
from ldap_bridge.trial import Trial, try_out
from ldap_bridge.unfinished import Unfinished

HISTORY: Final = timedelta(days=400)
"""More than a year: what happened at the last turn of one can still be looked up at the next."""


class LdapService:
    """All configured directories, and the services that look back and decide.

    Methods raise PermissionDenied first, NotFound for a source that is not configured, and DirectoryError, LdifError
    or ConfigError for one that does not work; every message names the source.
    """

    def __init__(  # noqa: PLR0913 - what the services are wired from
        self,
        store: Store,
        users: Users,
        groups: Groups,
        clock: Clock,
        ids: Callable[[], str],
        sources: Mapping[str, Source],
        *,
        kept: timedelta = HISTORY,
        letters: Letters | None = None,
        processes: Processes | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        leases = Leases(store, clock, processes)
        self._runs = Runs(store, clock, kept, leases)
        lines = Lines(store, clock, kept)
        endings = Endings(store, clock, self._runs, letters or NoLetters())
        self._drafts = Drafts(store, self._runs)
        self._healths = Healths(store)
        self._running = Running(store, users, groups, clock, ids, sources, self._runs, lines, endings, leases)
        self._unfinished = Unfinished(leases, self._runs)
        self.history = History(store, users, self._runs, lines, sources, self._unfinished)
        """What there was."""
        self.approvals = Approvals(store, clock, self._runs, lines, self._running)
        """Decisions about plans that wait for one."""
        self.explainer = Explainer(store, users, clock, sources)
        """Why people are as they are."""
        self.resolving = Resolving(store, users, groups, Conflicts(store, clock), self._running)
        """Conflicts, and decisions about them."""

    @property
    def sources(self) -> Mapping[str, Source]:
        """The configured sources by name."""
        return self._running.sources

    async def test(self, by: Actor, source: str) -> Trial:
        """Connect, bind, read and map everything; change nothing."""
        demand(by, Verb.READ, Area.DIRECTORIES)
        chosen = self._running.source(source)
        return await asyncio.to_thread(try_out, chosen, self._running.mapper(source), self._clock.now())

    async def plan(self, by: Actor, source: str, progress: Watcher = unwatched, *, whole: bool = False) -> PlanReport:
        """Say what a run would do, and keep that, to be applied later or not; change nothing.

        Of the plans of a source that were made so and not applied, the newest are kept.
        """
        demand(by, Verb.READ, Area.DIRECTORIES)
        made = await self._running.make_plan(source, progress, whole=whole)
        run = self._running.new(source, by)
        made.describe(run)
        await self._running.keep(run, made)
        told = event(Tag.LDAP_RUN_PLANNED, by, f"ldap:{source}", self._clock, {"run": run.id, **run.counts})
        await self._drafts.keep(run, made.plan.held, told)
        return replace(made.report(), run=run.id)

    async def sync(
        self,
        by: Actor,
        source: str,
        *,
        force: bool = False,
        whole: bool = False,
        progress: Watcher = unwatched,
        first: First = nothing_first,
    ) -> Run:
        """Make a plan and carry it out, unless it is held; `force` carries out what would be held.

        It looks at what has changed, where the directory can tell; with `whole` always at everything.
        The run is recorded however it ends; one that would be held with the very plan that is held already is that
        earlier run. Raises Overloaded while another run of this source is under way, and what `first` raises when it is
        the run's turn: then there is no run.
        """
        demand(by, Verb.UPDATE, Area.DIRECTORIES)
        self._running.source(source)
        run = self._running.new(source, by)
        run.forced = force

        async def work() -> Run:
            made = await self._running.make_plan(source, progress, whole=whole)
            made.describe(run)
            if made.plan.held and not force:
                return await self._running.hold(run, made, by)
            await self._runs.described(run)
            return await self._running.carry_out(run, made, by, progress)

        async with self._running.alone(run, first):
            await self._runs.start(run)
            return await self._running.recorded(run, by, work)

    async def bring_in(self, by: Actor, source: str, people: Mapping[str, Entry]) -> list[Link]:
        """Bring people in, or in step, as a run would, without being one; `people` are entries by stable id.

        Returns the links that they have then: none if something holds them back. Raises Overloaded during a run.
        """
        demand(by, Verb.UPDATE, Area.DIRECTORIES)
        await self._running.bring_in(source, [*people.values()], by)
        return await Links(self._store, source).of_stables(USER, people)

    async def standing(self, by: Actor, source: str) -> Standing:
        """Return how a source stands by its last run."""
        demand(by, Verb.READ, Area.DIRECTORIES)
        return await self._unfinished.stands(await self._healths.of(self._running.source(source).name))

    async def standings(self, by: Actor) -> list[Standing]:
        """Return how every source stands, by name."""
        demand(by, Verb.READ, Area.DIRECTORIES)
        return [await self._unfinished.stands(one) for one in await self._healths.all(sorted(self.sources))]

    def turn_of(self, source: str) -> AbstractAsyncContextManager[int]:
        """Keep runs of a source from beginning for the body. Raises Overloaded while one is under way."""
        return self._running.turn_of(source)
