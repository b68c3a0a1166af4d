"""Collections and indexes as they should be, made when the server is first reached."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pymongo import IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from idp.errors import Contradicted, Unavailable
from idp.store.mongo.client import WHAT
from idp.store.mongo.layout import LAYOUTS, Layout
from idp.store.mongo.ledger import LEDGER

FORMAT: Final = 2
"""Of records, told with the ledger. Those of format 1, which have documents in BSON, are read as they are."""
_EXISTS: Final = 48


async def set_up(database: Any, layouts: Mapping[str, Layout]) -> Sequence[Layout]:
    """Make what is missing; returns the layouts that records have yet to be brought to (see `reindex`).

    Raises Unavailable when the server cannot be used, Contradicted when a newer version has written to it.
    """
    hello = await database.command("hello")
    if not hello.get("setName") and hello.get("msg") != "isdbgrid":
        raise Unavailable(WHAT, "MongoDB has to be a replica set, if of one node: there are no transactions otherwise")
    known = await _known(database)
    if LEDGER not in known:
        await _make(database, LEDGER)
        await database[LEDGER].create_index("expires", sparse=True)
    elif (found := _format(known)) > FORMAT:
        raise Contradicted(WHAT, f"it has format {found}, this version reads format {FORMAT}")
    if known.get(LEDGER) != str(FORMAT):
        await _remember(database, LEDGER, str(FORMAT))
    await asyncio.gather(*(_lay_out(database, layout) for layout in layouts.values() if layout.name not in known))
    return [layout for layout in layouts.values() if known.get(layout.name, layout.text) != layout.text]


async def is_current(database: Any, layouts: Mapping[str, Layout]) -> bool:
    """Tell whether the database is still laid out as this process believes."""
    known = await _known(database)
    return _format(known) == FORMAT and all(known.get(layout.name) == layout.text for layout in layouts.values())


async def make_indexes(database: Any, layout: Layout) -> None:
    """Make those indexes of a collection that are missing."""
    if wanted := sorted(layout.indexes()):
        await database[layout.name].create_indexes([IndexModel([(path, 1), ("_id", 1)], name=path) for path in wanted])


async def _known(database: Any) -> dict[str, str]:
    return {one["_id"]: one["text"] for one in await database[LAYOUTS].find().to_list(None)}


def _format(known: Mapping[str, str]) -> int:
    return int(known.get(LEDGER) or 1)


async def _lay_out(database: Any, layout: Layout) -> None:
    await _make(database, layout.name)
    await make_indexes(database, layout)
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
