"""Plans of dry runs, which nobody has to apply: the newest of each source are kept, so that they do not pile up."""

from typing import Final

from idp.errors import NotUnique, VersionMismatch
from idp.query import Field
from idp.store.contract import Delete, DeleteWhere, Insert, Record, Replace, Store, Write
from ldap_bridge.lines import CHANGES
from ldap_bridge.runs import RUNS, Run, Runs, State

COLLECTION: Final = "ldap_drafts"
KEPT: Final = 20
"""More than anybody compares, and of the largest directories some hundred megabytes at most."""
_RUN: Final = Field(("run",))
# Dry runs of one source that end at the same moment; each lost race is one that another has won.
_TRIES: Final = 20


class Drafts:
    """Records dry runs, and drops the oldest of a source once there are too many; one that was applied stays."""

    def __init__(self, store: Store, runs: Runs) -> None:
        self._store = store
        self._runs = runs

    async def keep(self, run: Run, reason: str, *beside: Write) -> None:
        """Record a dry run, and what goes into the same commit."""
        planned = self._runs.ended(run, State.PLANNED, reason)
        for _ in range(_TRIES):
            try:
                await self._store.commit([planned, *await self._listed(run), *beside])
            except (NotUnique, VersionMismatch):
                continue
            return
        raise VersionMismatch(COLLECTION, run.source)

    async def _listed(self, run: Run) -> list[Write]:
        """Return the writes that put a run at the head of its source's list, and drop what falls off the end."""
        record = await self._store.get(COLLECTION, run.source)
        runs = [run.id, *(record.document["runs"] if record else [])]
        document = {"id": run.source, "runs": runs[:KEPT]}
        listed: Write = Replace(COLLECTION, document, record.version) if record else Insert(COLLECTION, document)
        dropped = await self._store.get_many(RUNS, runs[KEPT:])
        return [listed, *(write for old in dropped.values() for write in _dropped(old))]


def _dropped(old: Record) -> list[Write]:
    if old.document["state"] != State.PLANNED:
        return []
    return [Delete(RUNS, old.id, old.version), DeleteWhere(CHANGES, _RUN, old.id)]
