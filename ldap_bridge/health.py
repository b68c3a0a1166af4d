"""How each directory stands: whether its accounts are in step, since when, and which plan waits for a decision."""

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

import msgspec

from idp.store.contract import Insert, Replace, Store, Write
from ldap_bridge.runs import Run, State

COLLECTION: Final = "ldap_health"
# Entries that are named wherever it is told how a directory stands; a run has more of them.
_NAMED: Final = 5


class Health(StrEnum):
    """In which state a directory is, by the last run that told."""

    NEW = "new"
    OK = "ok"
    INCOMPLETE = "incomplete"
    HELD = "held"
    FAILED = "failed"


_OF: Final = {
    State.APPLIED: Health.OK,
    State.INCOMPLETE: Health.INCOMPLETE,
    State.HELD: Health.HELD,
    State.FAILED: Health.FAILED,
}


@dataclass(slots=True)
class Standing:
    """One directory. `run` is the last one and `since` when the state began; `success` when all was last in step.

    `held` is the run whose plan waits for a decision, and `mark` stands for that plan; once it is rejected it counts as
    `decided`. The numbers are those of the last run that read the directory. Of the `problems`, entries that were
    left as they are, `left` has the first few, as `dn` and `reason`. `running` is a run under way, and never stored.
    """

    id: str
    health: str = Health.NEW
    since: str = ""
    run: str = ""
    reason: str = ""
    seen: str = ""
    success: str = ""
    held: str = ""
    mark: str = ""
    decided: bool = False
    people: int = 0
    groups: int = 0
    errors: int = 0
    conflicts: int = 0
    problems: int = 0
    left: list[dict[str, str]] = field(default_factory=list)
    running: str = ""
    version: int = 0

    @property
    def is_waiting(self) -> bool:
        """Whether a plan waits for somebody to decide."""
        return self.health == Health.HELD and not self.decided


def after(before: Standing, run: Run) -> Standing:
    """Return how a directory stands once a run has ended."""
    health = _OF[State(run.state)]
    found = replace(before, health=health, run=run.id, reason=run.reason, seen=run.finished)
    if health != before.health:
        found.since = run.finished
    if health is Health.OK:
        found.success, found.held, found.mark, found.decided = run.finished, "", "", False
    if health is Health.HELD:
        found.held, found.mark, found.decided = run.id, run.mark, False
    if health is not Health.FAILED and run.whole:
        found.people, found.groups = run.people, run.groups
    if health is not Health.FAILED:
        found.errors, found.conflicts = run.errors, run.counts.get("conflict", 0)
        found.problems, found.left = len(run.problems), run.problems[:_NAMED]
    return found


class Healths:
    """Keeps how the directories stand. Written by whoever holds the lease of the directory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, source: str) -> Standing:
        """Return how a directory stands."""
        record = await self._store.get(COLLECTION, source)
        return _standing(record.document, record.version) if record else Standing(source)

    async def all(self, sources: list[str]) -> list[Standing]:
        """Return how these directories stand, in their order."""
        records = await self._store.get_many(COLLECTION, sources)
        found = {name: _standing(record.document, record.version) for name, record in records.items()}
        return [found.get(source) or Standing(source) for source in sources]

    def write(self, standing: Standing) -> Write:
        """Return the write that keeps how a directory stands, as of the version that was read."""
        document = asdict(standing)
        version = document.pop("version")
        return Replace(COLLECTION, document, version) if version else Insert(COLLECTION, document)


def _standing(document: dict[str, Any], version: int) -> Standing:
    found = msgspec.convert(document, Standing)
    found.version = version
    return found
