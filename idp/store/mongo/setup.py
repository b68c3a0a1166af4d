"""Collections and indexes as they should be, made when the server is first reached; records indexed anew if need be."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

from pymongo import IndexModel, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, CollectionInvalid, OperationFailure

from idp.errors import Unavailable
from idp.store.keys import NEVER
from idp.store.mongo.client import WHAT
from idp.store.mongo.layout import LAYOUTS, Layout
from idp.store.mongo.ledger import LEDGER, count_id, counts_of

_BATCH: Final = 500
_EXISTS: Final = 48


async def set_up(database: Any, layouts: Mapping[str, Layout]) -> None:
    """Bring the database to what the layouts say. Raises Unavailable when it cannot serve."""
    hello = await database.command("hello")
    if not hello.get("setName") and hello.get("msg") != "isdbgrid":
        raise Unavailable(WHAT, "MongoDB has to be a replica set, if of one node: there are no transactions otherwise")
    known = {one["_id"]: one["text"] for one in await database[LAYOUTS].find().to_list(None)}
    if LEDGER not in known:
        await _make(database, LEDGER)
        await database[LEDGER].create_index("expires", sparse=True)
        await _remember(database, LEDGER, "")
    changed = [layout for layout in layouts.values() if known.get(layout.name) != layout.text]
    await asyncio.gather(*(_lay_out(database, layout, is_new=layout.name not in known) for layout in changed))


async def is_current(database: Any, layouts: Mapping[str, Layout]) -> bool:
    """Tell whether the database is still laid out as this process believes."""
    known = {one["_id"]: one["text"] for one in await database[LAYOUTS].find().to_list(None)}
    return all(known.get(layout.name) == layout.text for layout in layouts.values())


async def _lay_out(database: Any, layout: Layout, *, is_new: bool) -> None:
    await _make(database, layout.name)
    collection = database[layout.name]
    wanted = layout.indexes()
    if wanted:
        await collection.create_indexes([IndexModel([(path, 1), ("_id", 1)], name=path) for path in sorted(wanted)])
    if not is_new:
        await _index_anew(database, layout)
        for name in (await collection.index_information()).keys() - wanted - {"_id_"}:
            await collection.drop_index(name)
    await _remember(database, layout.name, layout.text)


async def _make(database: Any, name: str) -> None:
    try:
        await database.create_collection(name)
    except CollectionInvalid:
        return
    except OperationFailure as error:
        if error.code != _EXISTS:
            raise


async def _remember(database: Any, name: str, text: str) -> None:
    await database[LAYOUTS].replace_one({"_id": name}, {"_id": name, "text": text}, upsert=True)


async def _index_anew(database: Any, layout: Layout) -> None:
    last = ""
    while batch := await database[layout.name].find({"_id": {"$gt": last}}).sort([("_id", 1)]).to_list(_BATCH):
        records = [layout.record(found["document"], found["version"]) for found in batch]
        claims = [(claim, record) for record, claims in records for claim in claims]
        if claims:
            await _claim_anew(database, layout, [_claim(claim, record) for claim, record in claims])
        # Whoever replaces a record meanwhile knows its keys.
        replacements = [ReplaceOne({"_id": one["_id"], "version": one["version"]}, one) for one, _ in records]
        await database[layout.name].bulk_write(replacements, ordered=False)
        last = batch[-1]["_id"]
    unique = "|".join(re.escape(field.name) for field in layout.collection.unique)
    stale = rf"^{re.escape(layout.name)}\|(?!({unique})\|)" if unique else rf"^{re.escape(layout.name)}\|"
    await database[LEDGER].delete_many({"_id": {"$regex": stale}})
    await _count_anew(database, layout)


def _claim(claim: str, record: Mapping[str, Any]) -> UpdateOne:
    entry = {"owner": record["_id"]}
    if record.get("expires", NEVER) != NEVER:
        entry["expires"] = record["expires"]
    return UpdateOne({"_id": claim, "owner": record["_id"]}, {"$set": entry}, upsert=True)


async def _claim_anew(database: Any, layout: Layout, claims: list[UpdateOne]) -> None:
    try:
        await database[LEDGER].bulk_write(claims)
    except BulkWriteError as error:
        raise Unavailable(WHAT, f"in {layout.name}, records share a value that is declared unique") from error


async def _count_anew(database: Any, layout: Layout) -> None:
    if not layout.is_counted or await database[LEDGER].find_one(counts_of(layout.name)):
        return
    amount = await database[layout.name].count_documents({})
    await database[LEDGER].insert_one({"_id": count_id(layout.name, "found"), "amount": amount})
