"""Commits that need no reading first: every write carries its condition, and what matched tells whether all held."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne

from idp.store.contract import Check, Delete, Insert, Replace
from idp.store.keys import NEVER
from idp.store.mongo.compile import Match
from idp.store.mongo.ledger import Claimed
from idp.store.mongo.plan import Prepared


@dataclass(slots=True)
class Batch:
    """Operations on one collection, in order, and how many records they have to match and to delete.

    The same is told for one record after the other: filters, each with an id, for those that have to be there and for
    those that must not.
    """

    operations: list[Any] = field(default_factory=list)
    matched: int = 0
    deleted: int = 0
    present: list[Match] = field(default_factory=list)
    absent: list[Match] = field(default_factory=list)

    def held(self, result: Any) -> bool:
        """Tell from the driver's result whether every condition held."""
        return bool(
            result.matched_count + result.upserted_count == self.matched and result.deleted_count == self.deleted
        )

    def insert(self, operation: Any, absent: Match) -> None:
        """Add a record, of which nothing of the kind must be there."""
        self.operations.append(operation)
        self.absent.append(absent)

    def change(self, operation: Any, expected: Match) -> None:
        """Change the record that is as expected."""
        self.operations.append(operation)
        self.present.append(expected)
        self.matched += 1

    def delete(self, expected: Match) -> None:
        """Remove the record that is as expected."""
        self.operations.append(DeleteOne(expected))
        self.present.append(expected)
        self.deleted += 1

    def add(self, other: "Batch") -> None:
        """Take what another batch does into this one."""
        self.operations += other.operations
        self.matched += other.matched
        self.deleted += other.deleted
        self.present += other.present
        self.absent += other.absent


@dataclass(slots=True)
class Direct:
    """What to do in each collection, what to claim, by how much collections grow, and which ones come out changed."""

    batches: dict[str, Batch] = field(default_factory=dict)
    claimed: dict[str, Claimed] = field(default_factory=dict)
    growth: Counter[str] = field(default_factory=Counter)
    changed: set[str] = field(default_factory=set)


def direct(writes: Sequence[Prepared], now: int) -> Direct | None:
    """Return the operations that make the writes if every condition holds, or None when one needs reading first."""
    found = Direct()
    for prepared in writes:
        collection, batch = prepared.layout.collection, found.batches.setdefault(prepared.layout.name, Batch())
        alive = {"expires": {"$gt": now}} if collection.expires else {}
        if not isinstance(prepared.write, Check):
            found.changed.add(collection.name)
        match prepared.write:
            case Insert(name) if not collection.expires:
                if found.claimed.keys() & prepared.claims:
                    return None
                batch.insert(InsertOne(_record(prepared, 1)), {"_id": prepared.id})
                found.claimed |= dict.fromkeys(prepared.claims, (prepared.id or "", NEVER))
                found.growth[name] += 1
            case Insert() if not collection.unique:
                # One that has expired gives way; a live one is not found here, and its id is refused.
                gone = {"_id": prepared.id, "expires": {"$lte": now}}
                batch.insert(ReplaceOne(gone, _record(prepared, 1), upsert=True), {"_id": prepared.id} | alive)
                batch.matched += 1
            case Replace(_, _, version) if not (collection.unique and collection.expires):
                # Whoever gives up or takes a unique value, or moves the expiry of one, is read first.
                same = {"claims": sorted(prepared.claims) or {"$exists": False}} if collection.unique else {}
                expected = {"_id": prepared.id, "version": version} | alive | same
                batch.change(ReplaceOne(expected, _record(prepared, version + 1)), expected)
            case Delete(name, id, version) if not collection.unique:
                batch.delete(_expected(id, version, alive))
                found.growth[name] -= 1
            case Check(_, id, version):
                # A write, so that it meets a deletion; one that changed nothing would be none to MongoDB.
                expected = _expected(id, version, alive)
                batch.change(UpdateOne(expected, {"$inc": {"checks": 1}}), expected)
            case _:
                return None
    return found


def _record(prepared: Prepared, version: int) -> dict[str, Any]:
    return (prepared.record or {}) | {"version": version}


def _expected(id: str, version: int | None, alive: Mapping[str, Any]) -> dict[str, Any]:
    return {"_id": id, **alive} | ({} if version is None else {"version": version})
