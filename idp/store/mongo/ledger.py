"""The ledger: which record holds a unique value, and how many records a collection has."""

from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import Any, Final

from pymongo import DeleteMany, UpdateOne
from pymongo.errors import BulkWriteError

from idp.errors import NotUnique
from idp.store.keys import NEVER

LEDGER: Final = "_ledger"

# Who holds a value, and until when.
Claimed = tuple[str, int]

_DUPLICATE: Final = 11000


def claim_of(collection: str, attribute: str, value: str) -> str:
    """Return the id of the entry for a unique value, given as text that also tells its type."""
    return f"{collection}|{attribute}|{value}"


def count_id(collection: str, slot: str) -> str:
    """Return the id of one of the entries that together count a collection's records."""
    return f"count|{collection}|{slot}"


def counts_of(collection: str) -> dict[str, Any]:
    """Return the filter for all entries that count a collection."""
    return {"_id": {"$gte": f"count|{collection}|", "$lt": f"count|{collection}}}"}}


def claims(claimed: Mapping[str, Claimed], released: Iterable[str], now: int) -> list[Any]:
    """Return the operations that claim and release values; a value in both goes from one record to another."""
    gone = set(released)
    operations: list[Any] = [
        _claim(claim, owner, expires, now, moves=claim in gone) for claim, (owner, expires) in claimed.items()
    ]
    if dropped := sorted(gone - claimed.keys()):
        operations.append(DeleteMany({"_id": {"$in": dropped}}))
    return operations


def counts(growth: Mapping[str, int], slot: str) -> list[Any]:
    """Return the operations that count."""
    return [
        UpdateOne({"_id": count_id(name, slot)}, {"$inc": {"amount": amount}}, upsert=True)
        for name, amount in growth.items()
        if amount
    ]


def _claim(claim: str, owner: str, expires: int, now: int, *, moves: bool) -> UpdateOne:
    free: dict[str, Any] = {} if moves else {"$or": [{"expires": {"$lte": now}}, {"owner": owner}]}
    change: dict[str, Any] = {"$set": {"owner": owner, "expires": expires}}
    if expires == NEVER:
        change = {"$set": {"owner": owner}, "$unset": {"expires": ""}}
    # Where somebody else holds it, nothing is found, and the insertion of a second one is refused.
    return UpdateOne({"_id": claim} | free, change, upsert=True)


def refused(error: BulkWriteError, claimed: Iterable[str]) -> NotUnique | None:
    """Return what a refused operation means, if it was a claim; claims come first among the operations."""
    place = duplicate(error)
    if place is None:
        return None
    collection, attribute, _ = list(claimed)[place].split("|", 2)
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

    def take(self) -> int:
        """Return a number that nobody uses now, the least there is."""
        if not self._free:
            heappush(self._free, self._made)
            self._made += 1
        return heappop(self._free)

    def name(self, slot: int) -> str:
        """Return the slot's name, which no other process uses."""
        return f"{self._process}.{slot}"

    def put_back(self, slot: int) -> None:
        """Let others use the slot."""
        heappush(self._free, slot)
