"""One run of a directory, from the lease to the last record: planned, held, or carried out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from idp.access import SYSTEM_ACTOR, Actor, ActorKind
from idp.clock import Clock, to_text
from idp.directory import Groups, Users
from idp.errors import IdpError, NotFound, RemoteError
from idp.store.contract import Store
from idp.store.leases import Leases
from idp.words import counted
from ldap_bridge.apply import Applier
from ldap_bridge.conflicts import Commit, Conflicts
from ldap_bridge.delta_scope import Changed
from ldap_bridge.directories import open_followed
from ldap_bridge.endings import Endings
from ldap_bridge.entries import Entry
from ldap_bridge.errors import DirectoryBusy, DirectoryError, Overtaken
from ldap_bridge.feeds import Changes, Delta, FeedBroken
from ldap_bridge.fitting import mark_of
from ldap_bridge.following import Approach, Follow, Following
from ldap_bridge.lease import commit, exclusive
from ldap_bridge.lines import LineLog, Lines, Logged
from ldap_bridge.mapping import Mapper
from ldap_bridge.plan import Plan
from ldap_bridge.planner import Planner
from ldap_bridge.progress import Watcher, unwatched
from ldap_bridge.report import PlanReport, lines_of, report
from ldap_bridge.runs import Run, Runs, State
from ldap_bridge.scope import Scope
from ldap_bridge.settings import Source
from ldap_bridge.unfinished import ENDED, NEWEST

T = TypeVar("T")
First = Callable[[], Awaitable[None]]
"""Looks whether a run is to begin, once it is its turn, and raises what keeps it from that."""


async def nothing_first() -> None:
    """Let a run begin."""


class RunActor(Actor):
    """A run, which people know by its source: `ldap:corp run 4711`."""

    __slots__ = ()

    @property
    def label(self) -> str:
        """How records name the run."""
        return self.name


@dataclass(frozen=True, slots=True)
class Made:
    """A plan, and how it came about."""

    source: Source
    plan: Plan
    approach: Approach
    following: Following

    def report(self) -> PlanReport:
        """Return the plan as it is shown."""
        return report(self.plan, self.source.where, self.approach)

    def describe(self, run: Run) -> None:
        """Put what there is to say of the plan into a run."""
        plan, approach = self.plan, self.approach
        run.feed, run.whole, run.why = approach.choice.feed, approach.whole, approach.reason
        run.counts, run.by_subject = plan.counts(), plan.counts_by_subject()
        run.people, run.groups, run.gaps = plan.people, plan.groups, plan.gaps
        run.problems = [{"dn": problem.dn, "reason": problem.reason} for problem in plan.problems]


class Running:
    """Makes plans and carries them out.

    Methods that take the name of a source raise NotFound for one that is not configured, and DirectoryError,
    LdifError or ConfigError for one that does not work; every message names the source.
    """

    def __init__(  # noqa: PLR0913 - what runs are wired from
        self,
        store: Store,
        users: Users,
        groups: Groups,
        clock: Clock,
        ids: Callable[[], str],
        sources: Mapping[str, Source],
        runs: Runs,
        lines: Lines,
        endings: Endings,
        leases: Leases,
    ) -> None:
        self._store = store
        self._users = users
        self._groups = groups
        self._clock = clock
        self._ids = ids
        self._mappers = {name: Mapper(source, users.check_name) for name, source in sources.items()}
        self._leases = leases
        self._runs = runs
        self._lines = lines
        self._endings = endings
        self._conflicts = Conflicts(store, clock)
        self.sources = sources
        """The configured sources by name."""

    def source(self, name: str) -> Source:
        """Return a source by name. Raises NotFound."""
        try:
            return self.sources[name]
        except KeyError:
            raise NotFound("directory", name) from None

    def mapper(self, source: str) -> Mapper:
        """Return the mapping of a source."""
        return self._mappers[source]

    def new(self, source: str, by: Actor) -> Run:
        """Return a run that begins now; it is not recorded yet."""
        return Run(self._ids(), source, to_text(self._clock.now()), by=by.name)

    @asynccontextmanager
    async def alone(self, run: Run, first: First = nothing_first) -> AsyncIterator[None]:
        """Hold the lease of the run's source. Raises Overloaded while another run of it is under way.

        What `first` raises lets go of it again, with everything as it was found.
        """
        async with exclusive(self._leases, run.source, run.id) as run.fence:
            await first()
            await self._close_abandoned(run)
            yield

    def turn_of(self, source: str) -> AbstractAsyncContextManager[int]:
        """Hold the lease of a source for something that is no run. Raises Overloaded while a run is under way."""
        return exclusive(self._leases, source, self._ids())

    async def recorded(self, run: Run, by: Actor, work: Callable[[], Awaitable[Run]]) -> Run:
        """Do the work of a run; it is recorded however it ends, be it by whoever has overtaken it."""
        try:
            return await work()
        except IdpError as error:
            await self._fail(run, str(error), by)
            raise
        except asyncio.CancelledError:
            await asyncio.shield(self._fail(run, "interrupted", by))
            raise
        except Exception as error:
            # Without its text, which may hold anything; whoever called logs it.
            await self._fail(run, f"ended by an error of the program ({type(error).__name__})", by)
            raise

    async def _fail(self, run: Run, reason: str, by: Actor) -> None:
        with suppress(Overtaken):
            await self._endings.end(run, State.FAILED, reason, by)

    async def make_plan(self, source: str, progress: Watcher, *, whole: bool) -> Made:
        """Read what there is to look at and make the plan; change nothing."""
        chosen, mapper = self.source(source), self._mappers[source]
        directory, follow = open_followed(chosen, mapper)

        async def made() -> Made:
            following = Following(chosen, directory, follow, mapper, self._store, self._clock)
            approach = await following.approach(whole=whole)
            try:
                plan = await self._plan(following, chosen, approach, progress)
            except FeedBroken as broken:
                approach = await following.instead(str(broken))
                plan = await self._plan(following, chosen, approach, progress)
            return Made(chosen, plan, approach, following)

        return await _at_any_server(follow, made)

    async def keep(self, run: Run, made: Made) -> None:
        """Keep the whole plan as the lines of a run that does not carry it out."""
        log = LineLog(self._lines, run.id)
        await log.add(lines_of(made.plan))
        await log.close()
        run.logged = log.count

    async def hold(self, run: Run, made: Made, by: Actor) -> Run:
        """Hold a plan for a decision, unless it is held already; returns the run that does."""
        # Of a hundred thousand changes this takes a second, which requests must not wait for.
        run.mark = await asyncio.to_thread(mark_of, partial(lines_of, made.plan))
        if earlier := await self._endings.again(run):
            return earlier
        await self.keep(run, made)
        await self._conflicts.note(made.plan, self._commit_of(run), carried_out=False)
        return await self._endings.end(run, State.HELD, made.plan.held, by)

    async def carry_out(self, run: Run, made: Made, by: Actor, progress: Watcher, *, left: int = 0) -> Run:
        """Carry a plan out; `left` counts changes that are not part of it and are to be found again."""
        plan, log = made.plan, LineLog(self._lines, run.id)
        actor = RunActor(ActorKind.SYSTEM, made.source.key, f"{made.source.key} run {run.id}")
        mapper = self._mappers[made.source.name]
        applier = Applier(made.source.key, mapper, self._store, self._users, self._groups, self._clock, actor)
        try:
            await applier.apply(plan, log.add, progress)
        finally:
            with suppress(RemoteError):  # then the history is the least that suffers
                await log.close()
            run.errors, run.logged = applier.errors, log.count
        await self._conflicts.note(plan, self._commit_of(run), carried_out=not left)
        position = [] if left else await made.following.remembered(made.approach, plan, applier.failed)
        since = f"since then {counted(left, 'change')} came, left to the next run"
        reasons = [*plan.gaps, *([since] if left else [])]
        state = State.APPLIED if plan.complete else State.INCOMPLETE
        return await self._endings.end(run, state, "; ".join(reasons), by, *position)

    async def bring_in(self, source: str, entries: Sequence[Entry], by: Actor) -> None:
        """Plan and carry out what a few people's entries ask for, if nothing holds it back.

        No run is recorded: it would say nothing of the directory, but put off the next one that does.
        Raises Overloaded while a run is under way.
        """
        chosen, mapper = self.source(source), self._mappers[source]
        _, follow = open_followed(chosen, mapper)

        async def planned() -> Plan:
            delta = Delta(Changes([*entries]), Changes(), "")
            return await self._planned(chosen, Changed(delta, follow, mapper, self._store, chosen))

        async with self.turn_of(source):
            try:
                plan = await _at_any_server(follow, planned)
            except FeedBroken as broken:
                raise DirectoryError(source, str(broken)) from broken
            if not plan.held:
                applier = Applier(chosen.key, mapper, self._store, self._users, self._groups, self._clock, by)
                await applier.apply(plan, _unlogged, unwatched)

    async def _plan(self, following: Following, source: Source, approach: Approach, progress: Watcher) -> Plan:
        return await self._planned(source, following.scope(approach), progress)

    async def _planned(self, source: Source, scope: Scope, progress: Watcher = unwatched) -> Plan:
        mapper, now = self._mappers[source.name], self._clock.now()
        decisions = await self._conflicts.decisions(source.name)
        return await Planner(source, scope, mapper, self._store, self._ids, now, decisions, progress).make()

    def _commit_of(self, run: Run) -> Commit:
        """Return what commits as long as it is the run's turn, and raises Overtaken after that."""
        return partial(commit, self._leases, run.source, run.fence)

    async def _close_abandoned(self, by: Run) -> None:
        """Nobody else holds the lease, so what still counts as running ended with its process."""
        for run in await self._runs.latest(by.source, NEWEST):
            if run.state == State.RUNNING:
                await self._endings.end(run, State.FAILED, ENDED, SYSTEM_ACTOR(run.by), fence=by.fence)


async def _unlogged(_: Sequence[Logged]) -> None:
    """Keep no lines: the audit log has what was done to one person."""


async def _at_any_server(follow: Follow, look: Callable[[], Awaitable[T]]) -> T:
    """Return what is seen at the first server that is not busy. Raises what the look raises."""
    while True:
        try:
            return await look()
        except DirectoryBusy as busy:
            follow.next_server(busy)
