"""How often each collection was changed and how many records it has, as the ledger counts it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo.read_concern import ReadConcern

from idp.memory import Moment, Stamp
from idp.store.mongo.gather import Gathered
from idp.store.mongo.layout import Layout
from idp.store.mongo.ledger import LEDGER, changes_of, counted, counts_of


@dataclass(frozen=True, slots=True)
class Tally:
    """Changes and records by collection, as of one instant."""

    changes: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)


Read = Callable[[Mapping[str, Any]], Awaitable[Tally]]


class Tallies:
    """Reads what is counted, by one command for all who ask; `read` reads the entries of a filter (see `read_tally`).

    How many records the collections have whose stamps are asked for is told along with them.
    """

    def __init__(self, layouts: Mapping[str, Layout], read: Read, timeout: float) -> None:
        self._along = {name for name, one in layouts.items() if one.is_counted and one.collection.stamped}
        self._wanted = {"$or": [changes_of(), *map(counts_of, sorted(self._along))]}
        self._read = read
        self._gathered = Gathered[None, Tally](self._read_for, timeout, at_once=1)

    async def stamp(self, collections: Sequence[str], moment: Moment | None) -> Stamp:
        """Return the stamp of these collections, as of the moment or later."""
        tally: Tally | None = moment.seen if moment else None
        if tally is None:
            tally = await self._gathered.ask(None)
            if moment:
                moment.seen = tally
        return tuple([tally.changes[name] for name in collections])

    async def records(self, collection: str) -> int:
        """Return how many records a collection has, whose records are counted."""
        is_along = collection in self._along
        tally = await (self._gathered.ask(None) if is_along else self._read(counts_of(collection)))
        return tally.records[collection]

    async def _read_for(self, asking: Sequence[None]) -> Sequence[Tally]:
        return [await self._read(self._wanted)] * len(asking)


async def read_tally(database: Any, wanted: Mapping[str, Any]) -> Tally:
    """Return what some of the ledger's entries come to."""
    # As of one instant: entries are merged into each other, and none may be seen twice.
    entries = database[LEDGER].with_options(read_concern=ReadConcern("snapshot"))
    tally = Tally()
    for entry in await entries.find(wanted).to_list(None):
        collection, is_change = counted(entry["_id"])
        (tally.changes if is_change else tally.records)[collection] += entry["amount"]
    return tally
