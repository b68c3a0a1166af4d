"""Records indexed anew after a changed declaration: beside the verbs, by one process of all, and each but once.

How far it has come stands beside the layout in the store, so whoever takes over goes on from there.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from pymongo import ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from idp.clock import Clock
from idp.errors import Contradicted, IdpError, InvalidValue
from idp.query import microseconds
from idp.store.bodies import decode_body
from idp.store.keys import NEVER, newly_unique
from idp.store.mongo.client import WHAT, settled, translated
from idp.store.mongo.layout import ABSENT, LAYOUTS, Layout, body_of
from idp.store.mongo.ledger import LEDGER, count_id, counts_of, duplicates
from idp.store.mongo.setup import make_indexes
from idp.store.shared import NAMED, SharedValues, unfit

LEASE: Final = timedelta(seconds=30)
UNDER_WAY: Final = ""
"""The layout of a collection that has parts of two; no process takes it for its own."""
_BATCH: Final = 500
_HEARTBEAT: Final = LEASE.total_seconds() / 3
_PAUSE: Final = 1.0

log = logging.getLogger(__name__)


class _LeaseLost(Exception):
    """Another process goes on with it."""


class Reindexing:
    """Brings records to the layouts; `process` is a name that no other process uses."""

    def __init__(self, database: Any, clock: Clock, process: str) -> None:
        self._database = database
        self._layouts = database[LAYOUTS]
        self._clock = clock
        self._process = process
        self.progress = "its records are being indexed anew"
        """What to tell those who have to wait for it."""
        self.is_contradicted = False
        """Whether they wait in vain, unless somebody changes the records or the declaration."""

    async def run(self, changed: Sequence[Layout]) -> None:
        """Return when all records are as the layouts say, whoever did it; what fails is logged and tried again."""
        for layout in changed:
            while True:
                if await self._is_done(layout):
                    break
                await asyncio.sleep(_PAUSE)

    async def _is_done(self, layout: Layout) -> bool:
        try:
            with translated():
                found = await self._layouts.find_one({"_id": layout.name})
                if found is not None and found["text"] == layout.text:
                    return True
                if found is not None:
                    await self._look_for_shared(layout, found["text"])
                work = await self._take(layout)
                if work is None:
                    self.progress = _progress(layout, found, "by another process")
                    return False
                async with self._kept(layout):
                    await self._index(layout, work["after"], work["done"])
        except _LeaseLost:
            return False
        except IdpError as error:
            self.is_contradicted = isinstance(error, Contradicted)
            self._tell(f"{layout.name} cannot be indexed anew: {error}")
            return False
        self.is_contradicted = False
        return True

    def _tell(self, trouble: str) -> None:
        if trouble != self.progress:
            log.warning("%s", trouble)
        self.progress = trouble

    async def _look_for_shared(self, layout: Layout, before: str) -> None:
        """Look, before anything is changed, whether records share a value that is to be unique from now on.

        Only where it was indexed already; of the others it comes out on the way. Raises Contradicted.
        """
        shared = SharedValues()
        for field in newly_unique(layout.collection, before):
            path = f"${layout.key_path(field)}"
            values = self._database[layout.name].aggregate(
                [
                    {"$unwind": path},
                    {"$group": {"_id": path, "least": {"$min": "$_id"}, "greatest": {"$max": "$_id"}}},
                    {"$match": {"_id": {"$ne": ABSENT}, "$expr": {"$ne": ["$least", "$greatest"]}}},
                    {"$sort": {"_id": 1}},
                    {"$limit": NAMED + 1},
                ],
                allowDiskUse=True,
            )
            for one in await (await settled(values)).to_list(None):
                shared.add(field.name, one["_id"], (one["least"], one["greatest"]))
        if shared.reason is not None:
            raise Contradicted(WHAT, shared.reason)

    # --- whose turn it is ---

    async def _take(self, layout: Layout) -> Mapping[str, Any] | None:
        """Take the lease; returns how far the work has come, or None while another process is at it."""
        now = self._clock.now()
        free = [{"work": None}, {"work.until": {"$lte": microseconds(now)}}, {"work.process": self._process}]
        lease = {"work.process": self._process, "work.until": microseconds(now + LEASE), "text": UNDER_WAY}
        found = await self._layouts.find_one_and_update(
            {"_id": layout.name, "text": {"$ne": layout.text}, "$or": free},
            {"$set": lease},
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            return None
        if found["work"].get("text") != layout.text:
            await self._note(layout, text=layout.text, after="", done=0)
            return {"after": "", "done": 0}
        work: dict[str, Any] = found["work"]
        return work

    async def _note(self, layout: Layout, **work: Any) -> None:
        """Write down how far the work has come, and hold on to the lease. Raises _LeaseLost."""
        work["until"] = microseconds(self._clock.now() + LEASE)
        if not await self._change(layout, {"$set": {f"work.{name}": value for name, value in work.items()}}):
            raise _LeaseLost

    async def _change(self, layout: Layout, change: Mapping[str, Any]) -> bool:
        """Change what is written down, if the lease is still held."""
        changed = await self._layouts.update_one({"_id": layout.name, "work.process": self._process}, change)
        return bool(changed.matched_count)

    @asynccontextmanager
    async def _kept(self, layout: Layout) -> AsyncIterator[None]:
        """Hold on to the lease while one step takes long: to build an index, say."""

        async def beat() -> None:
            while True:
                await asyncio.sleep(_HEARTBEAT)
                await self._note(layout)

        beating = asyncio.create_task(beat())
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            with suppress(PyMongoError):
                await self._change(layout, {"$set": {"work.until": 0}})

    # --- the work ---

    async def _index(self, layout: Layout, after: str, done: int) -> None:
        collection = self._database[layout.name]
        log.info("%s is indexed anew, from record %d on", layout.name, done)
        await make_indexes(self._database, layout)
        while batch := await collection.find({"_id": {"$gt": after}}).sort("_id", 1).limit(_BATCH).to_list(None):
            await self._rewrite(layout, batch)
            after, done = batch[-1]["_id"], done + len(batch)
            await self._note(layout, after=after, done=done)
            self.progress = f"{layout.name} is being indexed anew, {done} records so far"
        await self._forget_old_claims(layout)
        await self._count(layout)
        for name in (await collection.index_information()).keys() - layout.indexes() - {"_id_"}:
            await collection.drop_index(name)
        if not await self._change(layout, {"$set": {"text": layout.text}, "$unset": {"work": ""}}):
            raise _LeaseLost
        log.info("%s has been indexed anew", layout.name)

    async def _rewrite(self, layout: Layout, batch: Sequence[Mapping[str, Any]]) -> None:
        records = await asyncio.to_thread(lambda: [_laid_out(layout, found) for found in batch])
        if claims := [_claim(claim, record) for record, claims in records for claim in claims]:
            try:
                await self._database[LEDGER].bulk_write(claims, ordered=False)
            except BulkWriteError as error:
                reason = await self._shared(error)
                if reason is None:
                    raise
                raise Contradicted(WHAT, reason) from error
        # Whoever replaces a record meanwhile knows its keys.
        replacements = [ReplaceOne({"_id": one["_id"], "version": one["version"]}, one) for one, _ in records]
        await self._database[layout.name].bulk_write(replacements, ordered=False)

    async def _shared(self, error: BulkWriteError) -> str | None:
        """Return what is to be told of claims that others have; None when something else was in the way."""
        wanted = [failure["op"]["q"] for failure in duplicates(error)]
        refused = {claim["_id"]: claim["owner"] for claim in wanted}
        shared = SharedValues()
        async for entry in self._database[LEDGER].find({"_id": {"$in": sorted(refused)}}).sort("_id", 1):
            _, field, value = entry["_id"].split("|", 2)
            shared.add(field, value.partition(":")[2], (entry["owner"], refused[entry["_id"]]))
        return shared.reason

    async def _forget_old_claims(self, layout: Layout) -> None:
        unique = "|".join(re.escape(field.name) for field in layout.collection.unique)
        stale = rf"^{re.escape(layout.name)}\|(?!({unique})\|)" if unique else rf"^{re.escape(layout.name)}\|"
        await self._database[LEDGER].delete_many({"_id": {"$regex": stale}})

    async def _count(self, layout: Layout) -> None:
        if not layout.is_counted or await self._database[LEDGER].find_one(counts_of(layout.name)):
            return
        amount = await self._database[layout.name].count_documents({})
        await self._database[LEDGER].insert_one({"_id": count_id(layout.name, "found"), "amount": amount})


def _laid_out(layout: Layout, found: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the record as the layout has it, and its claims. Raises Contradicted when a value does not fit."""
    try:
        return layout.record(decode_body(body_of(found)), found["version"])
    except InvalidValue as error:
        raise Contradicted(WHAT, unfit(found["_id"], error)) from error


def _claim(claim: str, record: Mapping[str, Any]) -> UpdateOne:
    entry = {"owner": record["_id"]}
    if record.get("expires", NEVER) != NEVER:
        entry["expires"] = record["expires"]
    return UpdateOne({"_id": claim, "owner": record["_id"]}, {"$set": entry}, upsert=True)


def _progress(layout: Layout, found: Mapping[str, Any] | None, who: str) -> str:
    done = (found or {}).get("work", {}).get("done", 0)
    return f"{layout.name} is being indexed anew {who}, {done} records so far"
