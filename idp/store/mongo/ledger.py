"""The ledger: which record holds a unique value, how many records a collection has, and how often it was changed."""

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, Final

from pymongo import DeleteMany, InsertOne, UpdateOne
from pymongo.errors import BulkWriteError

from idp.errors import NotUnique
from idp.store.keys import NEVER

LEDGER: Final = "_ledger"

# Who holds a value, and until when.
Claimed = tuple[str, int]

_DUPLICATE: Final = 11000


@dataclass(frozen=True, slots=True)
class Entries:
    """What a commit has to do in the ledger: the growth and the change of collections that are counted and stamped.

    `fresh` are claims of records that are new, in collections where none expires: only somebody else can hold them.
    """

    fresh: Mapping[str, Claimed] = field(default_factory=dict)
    claimed: Mapping[str, Claimed] = field(default_factory=dict)
    released: Set[str] = frozenset()
    growth: Mapping[str, int] = field(default_factory=dict)
    changed: Set[str] = frozenset()


def claim_of(collection: str, attribute: str, value: str) -> str:
    """Return the id of the entry for a unique value, given as text that also tells its type."""
    return f"{collection}|{attribute}|{value}"


def count_id(collection: str, slot: str) -> str:
    """Return the id of one of the entries that together count a collection's records."""
    return f"count|{collection}|{slot}"


def counts_of(collection: str) -> dict[str, Any]:
    """Return the filter for all entries that count a collection's records."""
    return _below(f"count|{collection}")


def change_id(collection: str, slot: str) -> str:
    """Return the id of one of the entries that together count a collection's changes."""
    return f"changes|{collection}|{slot}"


def changes_of(collection: str | None = None) -> dict[str, Any]:
    """Return the filter for all entries that count changes, of one collection or of all."""
    return _below("changes" if collection is None else f"changes|{collection}")


def counted(entry_id: str) -> tuple[str, bool]:
    """Return the collection of which an entry counts something, and whether that is changes: else it is records."""
    kind, _, rest = entry_id.partition("|")
    return rest.rpartition("|")[0], kind == "changes"


def _below(prefix: str) -> dict[str, Any]:
    return {"_id": {"$gte": f"{prefix}|", "$lt": f"{prefix}}}"}}


def operations(entries: Entries, slot: str, now: int) -> list[Any]:
    """Return the operations that a commit makes, claims first; a value both claimed and released changes its owner."""
    gone = entries.released
    found: list[Any] = [InsertOne({"_id": claim, "owner": owner}) for claim, (owner, _) in entries.fresh.items()]
    found += [
        _claim(claim, owner, expires, now, moves=claim in gone) for claim, (owner, expires) in entries.claimed.items()
    ]
    if dropped := sorted(gone - entries.claimed.keys()):
        found.append(DeleteMany({"_id": {"$in": dropped}}))
    found += [_add(count_id(name, slot), amount) for name, amount in entries.growth.items() if amount]
    found += [_add(change_id(name, slot), 1) for name in sorted(entries.changed)]
    return found


def _add(entry_id: str, amount: int) -> UpdateOne:
    return UpdateOne({"_id": entry_id}, {"$inc": {"amount": amount}}, upsert=True)


def _claim(claim: str, owner: str, expires: int, now: int, *, moves: bool) -> UpdateOne:
    free: dict[str, Any] = {} if moves else {"$or": [{"expires": {"$lte": now}}, {"owner": owner}]}
    change: dict[str, Any] = {"$set": {"owner": owner, "expires": expires}}
    if expires == NEVER:
        change = {"$set": {"owner": owner}, "$unset": {"expires": ""}}
    # Where somebody else holds it, nothing is found, and the insertion of a second one is refused.
    return UpdateOne({"_id": claim} | free, change, upsert=True)


def refused(error: BulkWriteError, entries: Entries) -> NotUnique | None:
    """Return what a refused operation means, if it was a claim; claims come first among the operations."""
    place = duplicate(error)
    if place is None:
        return None
    collection, attribute, _ = [*entries.fresh, *entries.claimed][place].split("|", 2)
    return NotUnique(collection, attribute)


def duplicate(error: BulkWriteError) -> int | None:
    """Return the place of the operation that met an existing id; None when that is not what happened."""
    return next((int(failure["index"]) for failure in duplicates(error)), None)


def duplicates(error: BulkWriteError) -> list[Mapping[str, Any]]:
    """Return the failures, as the driver tells them, of the operations that met existing ids."""
    details: Any = error.details
    return [failure for failure in details.get("writeErrors", ()) if failure["code"] == _DUPLICATE]


class Slots:
    """Names under which commits count, so that two at the same time never meet in one entry."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._free: list[int] = []
        self._made = 0

    @contextmanager
    def taken(self) -> Iterator[str]:
        """Give a name that no other process uses, and in this one nobody else inside of a block: of those the least."""
        if not self._free:
            heappush(self._free, self._made)
            self._made += 1
        slot = heappop(self._free)
        try:
            yield f"{self._process}.{slot}"
        finally:
            heappush(self._free, slot)
