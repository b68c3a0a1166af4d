"""Which commits may share a transaction, and what they come to as one: pure."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne

from idp.store.mongo.compile import Match
from idp.store.mongo.direct import Batch, Direct, direct
from idp.store.mongo.ledger import LEDGER
from idp.store.mongo.plan import Key, Prepared

MOST_TOGETHER: Final = 400
"""Writes: bounds how long a commit may be held up by those it shares its transaction with."""
_LARGE: Final = 100

# Runs of one kind are one command each, and shared transactions touch every record but once.
_KINDS: Final = (InsertOne, ReplaceOne, UpdateOne, DeleteOne)


@dataclass(frozen=True, slots=True, eq=False)
class Commit:
    """Writes that are made all or not at all, and what they do if nothing needs to be read first."""

    writes: Sequence[Prepared]
    direct: Direct | None
    touched: frozenset[Key]
    """The records and unique values that it names: of two transactions at a time that touch the same one fails."""
    is_sociable: bool
    """Whether it may share a transaction: it reads nothing, names every record once, and is no large one."""


def commit_of(writes: Sequence[Prepared], now: int) -> Commit:
    """Return the commit of these writes."""
    found = direct(writes, now)
    records = {(one.layout.name, one.id or "") for one in writes}
    if found is None or len(writes) > _LARGE or len(records) < len(writes):
        return Commit(writes, found, frozenset(), is_sociable=False)
    values = {("", claim) for one in writes for claim in one.claims}
    return Commit(writes, found, frozenset(records | values), is_sociable=True)


def choose(waiting: Iterable[Commit], busy: Set[Key]) -> list[Commit]:
    """Return those of the waiting that can be made as one now, the first ones first.

    None of them touches what is busy, or what another one before it touches: that one waits its turn.
    """
    chosen: list[Commit] = []
    blocked, room = set(busy), MOST_TOGETHER
    for commit in waiting:
        if len(commit.writes) <= room and blocked.isdisjoint(commit.touched):
            chosen.append(commit)
            room -= len(commit.writes)
        blocked |= commit.touched
    return chosen


def joined(commits: Iterable[Direct]) -> Direct:
    """Return what commits do that touch nothing in common, as one."""
    found = Direct()
    for commit in commits:
        for name, batch in commit.batches.items():
            found.batches.setdefault(name, Batch()).add(batch)
        found.claimed |= commit.claimed
        found.growth.update(commit.growth)
        found.changed |= commit.changed
    for batch in found.batches.values():
        batch.operations.sort(key=_kind)
    return found


def conditions(found: Direct) -> dict[str, Match]:
    """Return by collection the filter for the records and claims that the conditions of commits are about."""
    wanted = {name: _any_of([*batch.absent, *batch.present]) for name, batch in found.batches.items()}
    return wanted | ({LEDGER: {"_id": {"$in": sorted(found.claimed)}}} if found.claimed else {})


def is_in_the_way(found: Direct, there: Mapping[str, Set[str]]) -> bool:
    """Tell whether a commit's conditions do not hold, by the ids of what `conditions` has found."""
    if not found.claimed.keys().isdisjoint(there.get(LEDGER, ())):
        return True
    return any(
        any(one["_id"] in there[name] for one in batch.absent)
        or any(one["_id"] not in there[name] for one in batch.present)
        for name, batch in found.batches.items()
    )


def _any_of(filters: Sequence[Match]) -> Match:
    """Return one filter for all; those with nothing but an id go into one list, which takes no planning."""
    ids = [one["_id"] for one in filters if len(one) == 1]
    return {"$or": [{"_id": {"$in": ids}}, *(one for one in filters if len(one) > 1)]}


def _kind(operation: Any) -> int:
    return _KINDS.index(type(operation))
