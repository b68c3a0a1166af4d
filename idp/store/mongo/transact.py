"""Commits: one operation by itself where that is enough, else a transaction, repeated only if it certainly failed."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Any, Final

import pymongo
from pymongo import DeleteMany, InsertOne, ReplaceOne, UpdateMany
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.read_concern import ReadConcern

from idp.clock import Clock
from idp.errors import NotUnique
from idp.query import microseconds, normalise
from idp.store.contract import DeleteWhere, Insert
from idp.store.mongo import ledger
from idp.store.mongo.client import settled
from idp.store.mongo.direct import Batch, Direct, direct
from idp.store.mongo.layout import Layout
from idp.store.mongo.ledger import LEDGER, Claimed
from idp.store.mongo.plan import Changes, Key, Prepared, State, play, read_state

_STATE: Final = {"version": 1, "expires": 1, "claims": 1, "keys": 1}
_CERTAINLY_FAILED: Final = "TransientTransactionError"
_NOBODY_KNOWS: Final = "UnknownTransactionCommitResult"
_TIME_TO_ABORT: Final = 1.0
_MANY_COUNTS: Final = 64
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.2


class _ConditionFailed(Exception):
    """A direct write found its record otherwise than expected; nothing has been committed."""


class Transactor:
    """Makes commits over one client; `process` is a name that no other process uses."""

    def __init__(self, client: Any, database: Any, layouts: Mapping[str, Layout], clock: Clock, process: str) -> None:
        self._client = client
        self._database = database
        self._clock = clock
        self._counted = {name for name, layout in layouts.items() if layout.is_counted}
        self._slots = ledger.Slots(process)

    async def commit(self, writes: Sequence[Prepared]) -> None:
        """Apply all writes, or none. Raises NotUnique and VersionMismatch."""
        slot = self._slots.take()
        name = self._slots.name(slot)
        try:
            if not await self._committed_directly(writes, name):
                await self._transact(lambda session: self._read_and_write(writes, name, session))
        finally:
            self._slots.put_back(slot)

    async def merge_counts(self, layout: Layout) -> None:
        """Make one entry of many that count a collection: every process that ever wrote has left some."""

        async def merge(session: Any) -> None:
            entries = await self._database[LEDGER].find(ledger.counts_of(layout.name), session=session).to_list(None)
            if len(entries) > _MANY_COUNTS:
                amount, ids = sum(entry["amount"] for entry in entries), [entry["_id"] for entry in entries]
                await self._database[LEDGER].delete_many({"_id": {"$in": ids[1:]}}, session=session)
                await self._database[LEDGER].update_one({"_id": ids[0]}, {"$set": {"amount": amount}}, session=session)

        await self._transact(merge)

    # --- without reading ---

    async def _committed_directly(self, writes: Sequence[Prepared], slot: str) -> bool:
        """Make the writes by conditional operations; False when that cannot be, or a condition did not hold."""
        found = direct(writes, microseconds(self._clock.now()))
        if found is None:
            return False
        try:
            if len(writes) == 1 and not found.claimed and not self._counts(found.growth, slot):
                await self._operate(found.batches, None)
            else:
                await self._transact(lambda session: self._write_directly(found, slot, session))
        except _ConditionFailed:
            return False
        return True

    async def _write_directly(self, found: Direct, slot: str, session: Any) -> None:
        await self._operate(found.batches, session)
        await self._keep_ledger(found.claimed, (), found.growth, slot, session)

    async def _operate(self, batches: Mapping[str, Batch], session: Any) -> None:
        for name, batch in batches.items():
            if not batch.held(await self._change(name, batch.operations, session)):
                raise _ConditionFailed

    # --- with reading first ---

    async def _read_and_write(self, writes: Sequence[Prepared], slot: str, session: Any) -> None:
        outcome = play(writes, await self._read(writes, session), microseconds(self._clock.now()))
        for name, changes in outcome.changes.items():
            if operations := _operations(changes):
                await self._change(name, operations, session)
        await self._keep_ledger(outcome.claimed, outcome.released, outcome.growth, slot, session)

    async def _read(self, writes: Sequence[Prepared], session: Any) -> dict[Key, State]:
        layouts: dict[str, Layout] = {}
        wanted: dict[str, list[dict[str, Any]]] = defaultdict(list)
        ids: dict[str, set[str]] = defaultdict(set)
        for prepared in writes:
            layouts[prepared.layout.name] = prepared.layout
            match prepared.write:
                case DeleteWhere(name, field, value):
                    wanted[name].append({prepared.layout.key_path(field): normalise(field, value)})
                case Insert() if not prepared.layout.collection.expires:
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

    # --- what both ways do ---

    async def _change(self, name: str, operations: Sequence[Any], session: Any) -> Any:
        try:
            return await self._database[name].bulk_write(operations, session=session)
        except BulkWriteError as error:
            if ledger.duplicate(error) is None:
                raise
            raise NotUnique(name, "id") from error

    def _counts(self, growth: Mapping[str, int], slot: str) -> list[Any]:
        return ledger.counts({name: amount for name, amount in growth.items() if name in self._counted}, slot)

    async def _keep_ledger(
        self,
        claimed: Mapping[str, Claimed],
        released: Sequence[str] | set[str],
        growth: Mapping[str, int],
        slot: str,
        session: Any,
    ) -> None:
        now = microseconds(self._clock.now())
        operations = ledger.claims(claimed, released, now) + self._counts(growth, slot)
        if not operations:
            return
        try:
            await self._database[LEDGER].bulk_write(operations, session=session)
        except BulkWriteError as error:
            if refusal := ledger.refused(error, claimed):
                raise refusal from error
            raise

    # --- transactions ---

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
                await _finish(session)
            except PyMongoError as error:
                await _abandon(session)
                if error.timeout or not error.has_error_label(_CERTAINLY_FAILED):
                    raise
                return False
            except BaseException:
                await _abandon(session)
                raise
        return True


def _operations(changes: Changes) -> list[Any]:
    operations: list[Any] = [InsertOne(record) for record in changes.inserted]
    operations += [ReplaceOne({"_id": record["_id"]}, record) for record in changes.replaced]
    if changes.checked:
        # A write, so that it meets a deletion; one that changed nothing would be none to MongoDB.
        operations.append(UpdateMany({"_id": {"$in": changes.checked}}, {"$inc": {"checks": 1}}))
    if changes.deleted:
        operations.append(DeleteMany({"_id": {"$in": changes.deleted}}))
    return operations


async def _finish(session: Any) -> None:
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            # The server knows the transaction by its number: asking again commits it once.
            if error.timeout or not error.has_error_label(_NOBODY_KNOWS):
                raise
        else:
            return


async def _abandon(session: Any) -> None:
    """Undo what was begun, or the server keeps its records locked for a minute."""
    if session.in_transaction:
        # In a context of its own: the time of the commit may be over.
        await asyncio.create_task(_abort(session), context=Context())


async def _abort(session: Any) -> None:
    with suppress(PyMongoError), pymongo.timeout(_TIME_TO_ABORT):
        await session.abort_transaction()
