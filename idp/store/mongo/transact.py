"""Commits: one operation by itself where that is enough, else a transaction, of one commit or of many."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from functools import partial
from typing import Any, Final

from pymongo import DeleteMany, InsertOne, ReplaceOne, UpdateMany
from pymongo.errors import BulkWriteError, PyMongoError

from idp.clock import Clock
from idp.errors import DeadlineExceeded, NotUnique
from idp.query import microseconds, normalise
from idp.store.contract import DeleteWhere, Insert
from idp.store.mongo import ledger
from idp.store.mongo.client import domain_error
from idp.store.mongo.direct import Batch, Direct
from idp.store.mongo.joint import Commit, conditions, is_in_the_way, joined
from idp.store.mongo.layout import Layout
from idp.store.mongo.ledger import LEDGER, Entries
from idp.store.mongo.plan import Changes, Key, Outcome, Prepared, State, play, read_state
from idp.store.mongo.transaction import Transactions, was_passing

_STATE: Final = {"version": 1, "expires": 1, "claims": 1, "keys": 1}
_MANY_ENTRIES: Final = 16


class _ConditionFailed(Exception):
    """A direct write found its record otherwise than expected; nothing has been committed."""


class Transactor:
    """Makes commits over one client; `process` is a name that no other process uses."""

    def __init__(self, client: Any, database: Any, layouts: Mapping[str, Layout], clock: Clock, process: str) -> None:
        self._transactions = Transactions(client)
        self._database = database
        self._clock = clock
        self._counted = {name for name, layout in layouts.items() if layout.is_counted}
        self._stamped = {name for name, layout in layouts.items() if layout.collection.stamped}
        self._slots = ledger.Slots(process)

    async def commit(self, commit: Commit) -> None:
        """Apply all writes, or none. Raises NotUnique and VersionMismatch."""
        with self._slots.taken() as slot:
            if commit.direct is None or not await self._committed_directly(commit.direct, len(commit.writes), slot):
                await self._transactions.repeat(lambda session: self._read_and_write(commit.writes, slot, session))

    async def commit_together(self, commits: Sequence[Commit]) -> bool:
        """Apply the writes of all commits in one transaction; False when something is in the way and nothing is done.

        They are sociable and touch nothing in common.
        """
        found = joined([commit.direct for commit in commits if commit.direct])
        with self._slots.taken() as slot:
            try:
                return await self._transactions.attempt(lambda session: self._write_together(found, slot, session))
            except _ConditionFailed:
                return False

    async def blamed(self, commits: Sequence[Commit]) -> Set[Commit]:
        """Return those of the commits whose conditions do not hold by what anybody can see."""
        there: dict[str, set[str]] = {}
        for name, match in conditions(joined([commit.direct for commit in commits if commit.direct])).items():
            there[name] = {one["_id"] for one in await self._database[name].find(match, {"_id": 1}).to_list(None)}
        return {commit for commit in commits if commit.direct and is_in_the_way(commit.direct, there)}

    async def merge_entries(self, layout: Layout) -> None:
        """Make one entry of many that count a collection: every process that ever wrote has left some."""
        if layout.is_counted:
            await self._transactions.repeat(partial(self._merge, ledger.counts_of(layout.name)))
        if layout.collection.stamped:
            await self._transactions.repeat(partial(self._merge, ledger.changes_of(layout.name)))

    async def _merge(self, wanted: Mapping[str, Any], session: Any) -> None:
        entries = await self._database[LEDGER].find(wanted, session=session).to_list(None)
        if len(entries) > _MANY_ENTRIES:
            amount, ids = sum(entry["amount"] for entry in entries), [entry["_id"] for entry in entries]
            await self._database[LEDGER].delete_many({"_id": {"$in": ids[1:]}}, session=session)
            await self._database[LEDGER].update_one({"_id": ids[0]}, {"$set": {"amount": amount}}, session=session)

    # --- without reading ---

    async def _committed_directly(self, found: Direct, writes: int, slot: str) -> bool:
        """Make the writes by conditional operations; False when a condition did not hold."""
        try:
            if writes == 1 and not self._operations(self._entries(found), slot):
                await self._operate(found.batches, None)
            else:
                await self._transactions.repeat(lambda session: self._write_directly(found, slot, session))
        except _ConditionFailed:
            return False
        return True

    async def _write_together(self, found: Direct, slot: str, session: Any) -> None:
        """Write what several commits come to; whatever stands in the way of one of them is a condition that failed."""
        try:
            await self._write_directly(found, slot, session)
        except PyMongoError as error:
            if was_passing(error) or isinstance(domain_error(error), DeadlineExceeded):
                raise
            raise _ConditionFailed from error
        except Exception as error:
            raise _ConditionFailed from error

    async def _write_directly(self, found: Direct, slot: str, session: Any) -> None:
        await self._operate(found.batches, session)
        await self._keep_ledger(self._entries(found), slot, session)

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
        await self._keep_ledger(self._entries(outcome), slot, session)

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

    def _entries(self, found: Direct | Outcome) -> Entries:
        growth = {name: amount for name, amount in found.growth.items() if name in self._counted}
        changed = found.changed & self._stamped
        if isinstance(found, Direct):
            return Entries(fresh=found.claimed, growth=growth, changed=changed)
        return Entries(claimed=found.claimed, released=found.released, growth=growth, changed=changed)

    def _operations(self, entries: Entries, slot: str) -> list[Any]:
        return ledger.operations(entries, slot, microseconds(self._clock.now()))

    async def _keep_ledger(self, entries: Entries, slot: str, session: Any) -> None:
        operations = self._operations(entries, slot)
        if not operations:
            return
        try:
            await self._database[LEDGER].bulk_write(operations, session=session)
        except BulkWriteError as error:
            if refusal := ledger.refused(error, entries):
                raise refusal from error
            raise


def _operations(changes: Changes) -> list[Any]:
    operations: list[Any] = [InsertOne(record) for record in changes.inserted]
    operations += [ReplaceOne({"_id": record["_id"]}, record) for record in changes.replaced]
    if changes.checked:
        # A write, so that it meets a deletion; one that changed nothing would be none to MongoDB.
        operations.append(UpdateMany({"_id": {"$in": changes.checked}}, {"$inc": {"checks": 1}}))
    if changes.deleted:
        operations.append(DeleteMany({"_id": {"$in": changes.deleted}}))
    return operations
