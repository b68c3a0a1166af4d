"""How often each collection was changed, as the ledger counts it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pymongo.read_concern import ReadConcern

from idp.memory import Moment, Stamp
from idp.store.mongo.gather import Gathered
from idp.store.mongo.ledger import LEDGER, changed_collection, changes_of


class Stamps:
    """Reads the counts of all collections for all who ask; `read` is what reads them (see `read_changes`)."""

    def __init__(self, read: Callable[[], Awaitable[Mapping[str, int]]], timeout: float) -> None:
        self._read = read
        self._gathered = Gathered[None, Mapping[str, int]](self._read_for, timeout, at_once=1)

    async def of(self, collections: Sequence[str], moment: Moment | None) -> Stamp:
        """Return the stamp of these collections, as of the moment or later."""
        changes: Mapping[str, int] | None = moment.seen if moment else None
        if changes is None:
            changes = await self._gathered.ask(None)
            if moment:
                moment.seen = changes
        return tuple([changes.get(name, 0) for name in collections])

    async def _read_for(self, asking: Sequence[None]) -> Sequence[Mapping[str, int]]:
        return [await self._read()] * len(asking)


async def read_changes(database: Any) -> Mapping[str, int]:
    """Return how often each collection was changed."""
    # As of one instant: entries are merged into each other, and none may be seen twice.
    entries = database[LEDGER].with_options(read_concern=ReadConcern("snapshot"))
    changes = Counter[str]()
    for entry in await entries.find(changes_of()).to_list(None):
        changes[changed_collection(entry["_id"])] += entry["amount"]
    return changes
