"""The history of runs: who began each, what it looked at, and how it ended. What each did stands in its lines."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from idp.clock import Clock, to_text
from idp.errors import NotFound
from idp.query import EVERYTHING, Compare, Field, Kind, Op, Query, Sort
from idp.store.contract import Delete, Insert, Record, Replace, Store, Write
from idp.store.leases import Leases
from ldap_bridge.lease import commit

RUNS: Final = "ldap_runs"
_SOURCE: Final = Field(("source",))
_STARTED: Final = Field(("started",), Kind.DATETIME)
_LISTED: Final = 100


class State(StrEnum):
    """How a run stands.

    A held plan waits to be approved or rejected, and a planned one, which was only a look, may be applied; approved is
    what another run carried out, and superseded what became of a held plan when another one came in its place.
    """

    RUNNING = "running"
    APPLIED = "applied"
    INCOMPLETE = "incomplete"
    HELD = "held"
    FAILED = "failed"
    PLANNED = "planned"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(slots=True)
class Run:
    """One run. `counts` is what was planned, by kind; `errors` counts what of it could not be made.

    `gaps` say why nobody was removed; of them and of `problems`, entries left as they are, the first hundred are kept.
    `feed` is the way by which the directory is followed; `whole` runs looked at everything, and `why` says the reason.
    `mark` stands for the plan of a held run, and `confirmed` is when a run last came to the same; `decided` is when and
    `decided_by` who approved, rejected or replaced it. `next` is the run that carried it out, whose `plan` it is.
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
    mark: str = ""
    confirmed: str = ""
    decided: str = ""
    decided_by: str = ""
    next: str = ""
    plan: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether everything was done that there was to do."""
        return self.state == State.APPLIED and not self.errors and not self.counts.get("conflict")


class Runs:
    """Keeps runs, for as long as `kept` says.

    What is written of one that has begun raises Overtaken when the lease, by the run's fencing number, is another's.
    """

    def __init__(self, store: Store, clock: Clock, kept: timedelta, leases: Leases) -> None:
        self._store = store
        self._clock = clock
        self._kept = kept
        self._leases = leases

    async def start(self, run: Run, *beside: Write) -> None:
        """Record that a run has begun, and what goes into the same commit."""
        run.expires = self._end()
        await self._store.commit([Insert(RUNS, _document(run)), *beside])

    def ended(self, run: Run, state: State, reason: str) -> Write:
        """Return the write that records a run only now that it has ended."""
        run.state, run.reason, run.finished, run.expires = state, reason, to_text(self._clock.now()), self._end()
        return Insert(RUNS, _document(run))

    async def described(self, run: Run) -> None:
        """Record what is known of a run before it does anything, for the case that it never ends."""
        await commit(self._leases, run.source, run.fence, [await self._written(run)])

    async def finish(self, run: Run, state: State, reason: str, *beside: Write, fence: int = 0) -> Run:
        """Record how a run ended, and what goes into the same commit.

        `fence` is the number of another one that ends it, in place of the run's own.
        """
        run.state, run.reason, run.finished = state, reason, run.finished or to_text(self._clock.now())
        run.expires = run.expires or self._end()
        await commit(self._leases, run.source, fence or run.fence, [await self._written(run), *beside])
        return _shortened(run)

    async def drop(self, run: Run, *beside: Write) -> None:
        """Forget a run that was none after all, and record what goes into the same commit."""
        await commit(self._leases, run.source, run.fence, [Delete(RUNS, run.id), *beside])

    async def amended(self, run: str, **changes: str) -> tuple[Run, Write]:
        """Return an ended run with something else to say of it, and the write. Raises NotFound."""
        record = await self._store.get(RUNS, run)
        if record is None:
            raise NotFound("run", run)
        document = {**record.document, **changes}
        return msgspec.convert(document, Run), Replace(RUNS, document, record.version)

    async def latest(self, source: str = "", limit: int = 20) -> list[Run]:
        """Return the runs of a source, or of all, the newest first."""
        wanted = Compare(_SOURCE, Op.EQ, source) if source else EVERYTHING
        query = Query(wanted, sort=Sort(_STARTED, descending=True), limit=limit, total=False)
        return [_run(record) for record in (await self._store.find(RUNS, query)).records]

    async def get(self, run: str) -> Run:
        """Return one run. Raises NotFound."""
        record = await self._store.get(RUNS, run)
        if record is None:
            raise NotFound("run", run)
        return _run(record)

    async def _written(self, run: Run) -> Write:
        record = await self._store.get(RUNS, run.id)
        return Replace(RUNS, _document(run), record.version) if record else Insert(RUNS, _document(run))

    def _end(self) -> str:
        return to_text(self._clock.now() + self._kept)


def _run(record: Record) -> Run:
    return msgspec.convert(record.document, Run)


def _shortened(run: Run) -> Run:
    return replace(run, problems=run.problems[:_LISTED], gaps=run.gaps[:_LISTED])


def _document(run: Run) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(_shortened(run))
    return document
