"""The history of runs: what each did, to whom, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from idp.clock import Clock, to_text
from idp.errors import NotFound
from idp.query import Compare, Field, Kind, Op, Query, Sort
from idp.store.contract import Insert, Record, Replace, Store, Write

RUNS: Final = "ldap_runs"
CHANGES: Final = "ldap_changes"
_SOURCE: Final = Field(("source",))
_STARTED: Final = Field(("started",), Kind.DATETIME)
_RUN: Final = Field(("run",))
# A record must stay well below the 16 MB that MongoDB takes.
_TOGETHER: Final = 500
_LISTED: Final = 100


class State(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    APPLIED = "applied"
    INCOMPLETE = "incomplete"
    HELD = "held"
    FAILED = "failed"


@dataclass(slots=True)
class Run:
    """One run. `counts` is what was planned, by kind; `errors` counts what of it could not be made.

    `gaps` say why nobody was removed; of them and of `problems`, entries left as they are, the first hundred are kept.
    `feed` is the way by which the directory is followed; `whole` runs looked at everything, and `why` says the reason.
    """

    id: str
    source: str
    started: str
    state: str = State.RUNNING
    finished: str = ""
    reason: str = ""
    forced: bool = False
    by: str = ""
    fence: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    by_subject: dict[str, int] = field(default_factory=dict)
    people: int = 0
    groups: int = 0
    errors: int = 0
    logged: int = 0
    feed: str = ""
    whole: bool = True
    why: str = ""
    gaps: list[str] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    expires: str = ""


@dataclass(frozen=True, slots=True)
class Logged:
    """One change as the history keeps it. `error` says why it could not be made."""

    kind: str
    subject: str
    name: str
    dn: str
    resource: str
    fields: Sequence[dict[str, Any]] = ()
    old_dn: str = ""
    reason: str = ""
    added: Sequence[str] = ()
    removed: Sequence[str] = ()
    error: str = ""


class Runs:
    """Keeps runs and their changes, for as long as `kept` says."""

    def __init__(self, store: Store, clock: Clock, kept: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._kept = kept

    async def start(self, run: Run) -> None:
        """Record that a run has begun."""
        run.expires = self._end()
        await self._store.commit([Insert(RUNS, msgspec.to_builtins(run))])

    async def finish(self, run: Run, state: State, reason: str, told: Write) -> Run:
        """Record how a run ended, with the event that tells of it."""
        run.state, run.reason, run.finished = state, reason, to_text(self._clock.now())
        run.expires = run.expires or self._end()
        run.problems, run.gaps = run.problems[:_LISTED], run.gaps[:_LISTED]
        record = await self._store.get(RUNS, run.id)
        if record is not None:
            await self._store.commit([Replace(RUNS, msgspec.to_builtins(run), record.version), told])
        return run

    async def latest(self, source: str, limit: int = 20) -> list[Run]:
        """Return the runs of a source, the newest first."""
        query = Query(Compare(_SOURCE, Op.EQ, source), sort=Sort(_STARTED, descending=True), limit=limit, total=False)
        return [_run(record) for record in (await self._store.find(RUNS, query)).records]

    async def get(self, source: str, run: str) -> Run:
        """Return one run of a source. Raises NotFound."""
        record = await self._store.get(RUNS, run)
        if record is None or record.document["source"] != source:
            raise NotFound(f"run of {source}", run)
        return _run(record)

    async def append(self, run: str, number: int, changes: Sequence[Logged]) -> None:
        """Add changes to a run's history; `number` is that of the first of them."""
        logged = [msgspec.to_builtins(one) for one in changes]
        document = {"id": f"{run}:{number:09d}", "run": run, "changes": logged, "expires": self._end()}
        await self._store.commit([Insert(CHANGES, document)])

    async def changes(self, run: str) -> list[Logged]:
        """Return every change of a run in its order."""
        found: list[Logged] = []
        after: str | None = None
        while True:
            query = Query(Compare(_RUN, Op.EQ, run), limit=100, after=after, total=False)
            records = (await self._store.find(CHANGES, query)).records
            for record in records:
                found += msgspec.convert(record.document["changes"], list[Logged])
            if len(records) < 100:
                return found
            after = records[-1].id

    def _end(self) -> str:
        return to_text(self._clock.now() + self._kept)


class RunLog:
    """Collects a run's changes and stores some hundred at a time; a process that dies loses the last of them.

    Nothing but the history hangs on them: each change has its audit event in its own commit.
    """

    def __init__(self, runs: Runs, run: Run) -> None:
        self._runs = runs
        self._run = run
        self._waiting: list[Logged] = []

    async def add(self, changes: Sequence[Logged]) -> None:
        """Take more changes."""
        self._waiting += changes
        while len(self._waiting) >= _TOGETHER:
            await self._store(_TOGETHER)

    async def close(self) -> None:
        """Store what waits."""
        while self._waiting:
            await self._store(_TOGETHER)

    async def _store(self, count: int) -> None:
        some, self._waiting = self._waiting[:count], self._waiting[count:]
        await self._runs.append(self._run.id, self._run.logged, some)
        self._run.logged += len(some)


def _run(record: Record) -> Run:
    return msgspec.convert(record.document, Run)
