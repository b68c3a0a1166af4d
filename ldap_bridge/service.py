"""What commands, console and schedule do with directories: test, plan, sync, and look back."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from idp.access import SYSTEM_ACTOR, Actor, ActorKind
from idp.audit import Detail, Tag, event
from idp.clock import Clock, to_text
from idp.directory import Groups, Users
from idp.errors import IdpError, NotFound, RemoteError
from idp.store.contract import Store
from idp.store.leases import Leases
from ldap_bridge.apply import Applier
from ldap_bridge.directories import describe, open_directory, open_follow
from ldap_bridge.entries import Entry
from ldap_bridge.feeds import FeedBroken
from ldap_bridge.following import Approach, Following
from ldap_bridge.history import History
from ldap_bridge.lease import exclusive
from ldap_bridge.lines import LineLog, Lines
from ldap_bridge.links import Link, Links
from ldap_bridge.mapping import Mapped, Mapper
from ldap_bridge.plan import Plan
from ldap_bridge.planner import Planner
from ldap_bridge.progress import Watcher, unwatched
from ldap_bridge.report import PlanReport, report
from ldap_bridge.runs import Run, Runs, State
from ldap_bridge.settings import Source

HISTORY: Final = timedelta(days=400)
"""More than a year: what happened at the last turn of one can still be looked up at the next."""
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class TestReport:
    """What a source answers: `server` is what it says of itself; problems are the first ten entries not mapped."""

    __test__ = False  # pytest would take the name for a test

    source: str
    where: str
    server: dict[str, Any]
    feed: str
    why: str
    people: int
    groups: int
    complete: bool
    gaps: list[str]
    problems: list[dict[str, Any]]
    example: dict[str, Any] | None


class RunActor(Actor):
    """A run, which people know by its source: `ldap:corp run 4711`."""

    __slots__ = ()

    @property
    def label(self) -> str:
        """How records name the run."""
        return self.name


class LdapService:
    """All configured directories.

    Methods raise NotFound for a source that is not configured, and DirectoryError, LdifError or ConfigError for one
    that does not work; every message names the source.
    """

    def __init__(
        self,
        store: Store,
        users: Users,
        groups: Groups,
        clock: Clock,
        ids: Callable[[], str],
        sources: Mapping[str, Source],
        *,
        kept: timedelta = HISTORY,
    ) -> None:
        self._store = store
        self._users = users
        self._groups = groups
        self._clock = clock
        self._ids = ids
        self._sources = sources
        self._mappers = {name: Mapper(source) for name, source in sources.items()}
        self._leases = Leases(store, clock)
        self._runs = Runs(store, clock, kept)
        self._lines = Lines(store, clock, kept)
        self.history = History(store, users, self._runs, self._lines, sources)
        """What there was."""

    @property
    def sources(self) -> Mapping[str, Source]:
        """The configured sources by name."""
        return self._sources

    async def test(self, source: str) -> TestReport:
        """Connect, bind, read and map everything; change nothing."""
        chosen = self._source(source)
        return await asyncio.to_thread(_test, chosen, self._mappers[source], self._clock.now())

    async def plan(self, source: str, progress: Watcher = unwatched, *, whole: bool = False) -> PlanReport:
        """Say what a run would do; change nothing."""
        chosen = self._source(source)
        plan, approach = await self._make_plan(self._following(chosen), chosen, progress, whole=whole)
        return report(plan, chosen.where, approach)

    async def sync(
        self,
        source: str,
        *,
        force: bool = False,
        whole: bool = False,
        progress: Watcher = unwatched,
        by: str = "system",
    ) -> Run:
        """Make a plan and carry it out, unless it is held; `force` carries out what would be held.

        It looks at what has changed, where the directory can tell; with `whole` always at everything.
        The run is recorded however it ends. Raises Overloaded while another run of this source is under way.
        """
        chosen = self._source(source)
        run = Run(self._ids(), source, to_text(self._clock.now()), forced=force, by=by)
        async with exclusive(self._leases, source, run.id) as run.fence:
            await self._close_abandoned(source)
            await self._runs.start(run)
            try:
                return await self._run(chosen, run, progress, whole=whole)
            except IdpError as error:
                await self._finish(run, State.FAILED, str(error))
                raise
            except asyncio.CancelledError:
                await asyncio.shield(self._finish(run, State.FAILED, "interrupted"))
                raise

    async def runs(self, source: str, limit: int = 20) -> list[Run]:
        """Return the source's runs, the newest first."""
        return await self._runs.latest(self._source(source).name, limit)

    async def link(self, user_source: str, user_id: str) -> Link | None:
        """Return where an account of a source stands in its directory, and since when it is gone; for who explains."""
        return await Links(self._store, user_source.removeprefix("ldap:")).of_resource(user_id)

    def _following(self, source: Source) -> Following:
        mapper = self._mappers[source.name]
        directory, follow = open_directory(source), open_follow(source, mapper)
        return Following(source, directory, follow, mapper, self._store, self._clock)

    async def _make_plan(
        self, following: Following, source: Source, progress: Watcher, *, whole: bool
    ) -> tuple[Plan, Approach]:
        approach = await following.approach(whole=whole)
        try:
            return await self._plan(following, source, approach, progress), approach
        except FeedBroken as broken:
            approach = await following.instead(str(broken))
            return await self._plan(following, source, approach, progress), approach

    async def _plan(self, following: Following, source: Source, approach: Approach, progress: Watcher) -> Plan:
        scope, mapper = following.scope(approach), self._mappers[source.name]
        return await Planner(source, scope, mapper, self._store, self._ids, self._clock.now(), progress).make()

    async def _run(self, source: Source, run: Run, progress: Watcher, *, whole: bool) -> Run:
        following = self._following(source)
        plan, approach = await self._make_plan(following, source, progress, whole=whole)
        run.feed, run.whole, run.why = approach.choice.feed, approach.whole, approach.reason
        run.counts, run.by_subject = plan.counts(), plan.counts_by_subject()
        run.people, run.groups, run.gaps = plan.people, plan.groups, plan.gaps
        run.problems = [{"dn": problem.dn, "reason": problem.reason} for problem in plan.problems]
        log = LineLog(self._lines, run.id)
        if plan.held and not run.forced:
            await log.add(report(plan, source.where, approach).changes)
            await log.close()
            run.logged = log.count
            return await self._finish(run, State.HELD, plan.held)
        try:
            failed = await self._apply(source, run, plan, log, progress)
        finally:
            with suppress(RemoteError):  # then the history is the least that suffers
                await log.close()
            run.logged = log.count
        await following.remember(approach, plan, failed)
        return await self._finish(run, State.APPLIED if plan.complete else State.INCOMPLETE, "; ".join(plan.gaps))

    async def _apply(self, source: Source, run: Run, plan: Plan, log: LineLog, progress: Watcher) -> set[str]:
        actor = RunActor(ActorKind.SYSTEM, source.key, f"{source.key} run {run.id}")
        mapper = self._mappers[source.name]
        applier = Applier(source.key, mapper, self._store, self._users, self._groups, self._clock, actor)
        await applier.apply(plan, log.add, progress)
        run.errors = applier.errors
        return applier.failed

    async def _close_abandoned(self, source: str) -> None:
        """Nobody else holds the lease, so what still counts as running ended with its process."""
        for run in await self._runs.latest(source, 5):
            if run.state == State.RUNNING:
                await self._finish(run, State.FAILED, "the process ended before the run did")

    async def _finish(self, run: Run, state: State, reason: str) -> Run:
        tags = {State.HELD: Tag.LDAP_RUN_HELD, State.FAILED: Tag.LDAP_RUN_FAILED}
        details: dict[str, Detail] = {"run": run.id, "state": state.value, "errors": run.errors, **run.counts}
        if reason:
            details["reason"] = reason
        actor = SYSTEM_ACTOR(run.by)
        told = event(tags.get(state, Tag.LDAP_RUN_APPLIED), actor, f"ldap:{run.source}", self._clock, details)
        return await self._runs.finish(run, state, reason, told)

    def _source(self, name: str) -> Source:
        try:
            return self._sources[name]
        except KeyError:
            raise NotFound("directory", name) from None


def _test(source: Source, mapper: Mapper, now: datetime) -> TestReport:
    """Blocking: read everything once, as a run would."""
    server, (choice, *_) = describe(source), open_follow(source, mapper).choose()
    directory = open_directory(source)
    gaps, problems, counts = [], [], []
    example: dict[str, Any] | None = None
    people: Callable[[Sequence[Entry]], Mapped] = partial(mapper.people, now)
    kinds = [("people", mapper.people_selection, people)]
    if source.groups.enabled:
        kinds.append(("groups", mapper.group_selection, mapper.group_entries))
    for what, selection, work in kinds:
        reading, count = directory.read(selection), 0
        with closing(reading.batches()) as batches:
            for batch in batches:
                mapped = work(batch)
                count += len(mapped.found)
                problems += [{"dn": problem.dn, "reason": problem.reason} for problem in mapped.problems]
                if example is None and mapped.found:
                    example = {"dn": mapped.found[0].dn, **mapped.found[0].document()}
        counts.append(count)
        if not reading.outcome.complete:
            gaps.append(f"{what}: {reading.outcome.reason}")
    return TestReport(
        source=source.name,
        where=source.where,
        server=server,
        feed=choice.feed,
        why=choice.reason,
        people=counts[0],
        groups=sum(counts[1:]),
        complete=not gaps,
        gaps=gaps,
        problems=problems[:_SHOWN],
        example=example,
    )
