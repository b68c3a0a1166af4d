"""Commits: one write by itself where that is enough, else a transaction, tried again only when it certainly failed."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from heapq import heappop, heappush
from typing import Any, Final

from pymongo import DeleteMany, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError, ServerSelectionTimeoutError
from pymongo.read_concern import ReadConcern

from idp.clock import Clock
from idp.errors import NotUnique
from idp.query import microseconds, normalise
from idp.store.contract import DeleteWhere, Insert
from idp.store.mongo.client import settled
from idp.store.mongo.layout import LEDGER, Layout, attribute_of, collection_of, count_id, counts_of, live
from idp.store.mongo.plan import Changes, Key, Outcome, Prepared, State, play, read_state

_STATE: Final = {"version": 1, "expires": 1, "claims": 1, "keys": 1}
_CERTAINLY_FAILED: Final = "TransientTransactionError"
_NOBODY_KNOWS: Final = "UnknownTransactionCommitResult"
_DUPLICATE: Final = 11000
_MANY_COUNTS: Final = 64
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.2


class Transactor:
    """Makes commits over one client; `slots` are names that no other process uses."""

    def __init__(self, client: Any, database: Any, clock: Clock, process: str) -> None:
        self._client = client
        self._database = database
        self._clock = clock
        self._slots = _Slots(process)

    async def commit(self, writes: Sequence[Prepared]) -> None:
        """Apply all writes, or none."""
        slot = self._slots.take()

        async def write(session: Any) -> None:
            now = microseconds(self._clock.now())
            before = await self._read(writes, session)
            await self._write(play(writes, before, now), slot, now, session)

        try:
            await self._transact(write)
        finally:
            self._slots.put_back(slot)

    async def merge_counts(self, layout: Layout) -> None:
        """Make one entry of many that count a collection: every process that ever wrote has left some."""

        async def merge(session: Any) -> None:
            ledger = self._database[LEDGER]
            entries = await ledger.find(counts_of(layout.name), session=session).to_list(None)
            if len(entries) > _MANY_COUNTS:
                amount, ids = sum(entry["amount"] for entry in entries), [entry["_id"] for entry in entries]
                await ledger.delete_many({"_id": {"$in": ids[1:]}}, session=session)
                await ledger.update_one({"_id": ids[0]}, {"$set": {"amount": amount}}, session=session)

        await self._transact(merge)

    async def _transact(self, work: Callable[[Any], Awaitable[None]]) -> None:
        """Do the work in a transaction, again when it met somebody else's and was certainly undone."""
        pause = _FIRST_PAUSE
        while not await self._attempt(work):
            # Who waits longer lets the other pass.
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _attempt(self, work: Callable[[Any], Awaitable[None]]) -> bool:
        async with await settled(self._client.start_session()) as session:
            await settled(session.start_transaction(read_concern=ReadConcern("snapshot")))
            try:
                await work(session)
                await self._finish(session)
            except PyMongoError as error:
                await _abandon(session)
                if isinstance(error, ServerSelectionTimeoutError) or not error.has_error_label(_CERTAINLY_FAILED):
                    raise
                return False
            except BaseException:
                await _abandon(session)
                raise
        return True

    async def _finish(self, session: Any) -> None:
        while True:
            try:
                await session.commit_transaction()
            except PyMongoError as error:
                # The server knows the transaction by its number: asking again commits it once.
                if not error.has_error_label(_NOBODY_KNOWS):
                    raise
            else:
                return

    # --- reading ---

    async def _read(self, writes: Sequence[Prepared], session: Any) -> dict[Key, State]:
        layouts: dict[str, Layout] = {}
        wanted: dict[str, list[dict[str, Any]]] = defaultdict(list)
        ids: dict[str, set[str]] = defaultdict(set)
        for prepared in writes:
            layouts[prepared.layout.name] = prepared.layout
            match prepared.write:
                case DeleteWhere(name, field, value):
                    wanted[name].append({prepared.layout.key_path(field): normalise(field, value)})
                case Insert(name) if not prepared.layout.collection.expires:
                    pass  # the insertion itself finds out
                case _:
                    ids[prepared.layout.name].add(prepared.id or "")
        for name, some in ids.items():
            wanted[name].append({"_id": {"$in": sorted(some)}})
        states: dict[Key, State] = {}
        for name, filters in wanted.items():
            found = self._database[name].find({"$or": filters}, _STATE, session=session)
            states.update(((name, one["_id"]), read_state(layouts[name], one)) for one in await found.to_list(None))
        return states

    # --- writing ---

    async def _write(self, outcome: Outcome, slot: str, now: int, session: Any) -> None:
        for name, changes in outcome.changes.items():
            if operations := _operations(changes):
                await self._change(name, operations, session)
        claims = list(outcome.claimed)
        entries: list[Any] = [
            _claim(claim, *outcome.claimed[claim], now, moves=claim in outcome.released) for claim in claims
        ]
        entries += [
            UpdateOne({"_id": count_id(name, slot)}, {"$inc": {"amount": growth}}, upsert=True)
            for name, growth in outcome.growth.items()
            if growth and not outcome.changes[name].layout.collection.expires
        ]
        if dropped := sorted(outcome.released - outcome.claimed.keys()):
            entries.append(DeleteMany({"_id": {"$in": dropped}}))
        if entries:
            await self._keep_ledger(claims, entries, session)

    async def _change(self, name: str, operations: Sequence[Any], session: Any) -> None:
        try:
            await self._database[name].bulk_write(operations, session=session)
        except BulkWriteError as error:
            if _duplicate(error) is None:
                raise
            raise NotUnique(name, "id") from error

    async def _keep_ledger(self, claims: Sequence[str], entries: Sequence[Any], session: Any) -> None:
        try:
            await self._database[LEDGER].bulk_write(entries, session=session)
        except BulkWriteError as error:
            if (index := _duplicate(error)) is None:
                raise
            name, attribute = collection_of(claims[index]), attribute_of(claims[index])
            raise NotUnique(name, attribute) from error


def _operations(changes: Changes) -> list[Any]:
    operations: list[Any] = [InsertOne(record) for record in changes.inserted]
    operations += [ReplaceOne({"_id": record["_id"]}, record) for record in changes.replaced]
    if changes.checked:
        # A write, so that it meets a deletion; one that changed nothing would be none to MongoDB.
        operations.append(UpdateMany({"_id": {"$in": changes.checked}}, {"$inc": {"checks": 1}}))
    if changes.deleted:
        operations.append(DeleteMany({"_id": {"$in": changes.deleted}}))
    return operations


def _claim(claim: str, owner: str, expires: int, now: int, *, moves: bool) -> UpdateOne:
    free: dict[str, Any] = {} if moves else {"$or": [{"expires": {"$lte": now}}, {"owner": owner}]}
    entry = {"owner": owner} | ({"expires": expires} if live(expires) else {})
    change = {"$set": entry} if live(expires) else {"$set": entry, "$unset": {"expires": ""}}
    # Where somebody else holds it, nothing is found, and the insertion of a second one is refused.
    return UpdateOne({"_id": claim} | free, change, upsert=True)


def _duplicate(error: BulkWriteError) -> int | None:
    """Return the place of the operation that met an existing id; None when that is not what happened."""
    details: Any = error.details
    for failure in details.get("writeErrors", ()):
        if failure["code"] == _DUPLICATE:
            return int(failure["index"])
    return None


async def _abandon(session: Any) -> None:
    if session.in_transaction:
        with suppress(PyMongoError):
            await session.abort_transaction()


class _Slots:
    """Names under which commits count, so that two at the same time never meet in one entry."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._free: list[int] = []
        self._made = 0

    def take(self) -> str:
        """Return a name that nobody uses now, the least ever used if there is one."""
        if not self._free:
            self._free.append(self._made)
            self._made += 1
        return f"{self._process}.{heappop(self._free)}"

    def put_back(self, slot: str) -> None:
        """Let others use the name."""
        heappush(self._free, int(slot.rpartition(".")[2]))
