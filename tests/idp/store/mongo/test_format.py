"""Records in the form that an older version gave them, and a database that a newer version has written to."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from idp.errors import Contradicted, RemoteError
from idp.query import EVERYTHING, Compare, Field, Op, Query
from idp.store import Collection, Insert, Record, Replace
from idp.store.mongo.layout import LAYOUTS
from idp.store.mongo.ledger import LEDGER
from idp.store.mongo.setup import FORMAT
from tests.support.clock import FakeClock
from tests.support.stores import AGE, USER_NAME, Stores, opened, ready

NOTE: Final = Field(("note",))
DOCUMENT: Final = {"id": "a", "userName": "Ada", "age": 7, "note": "née", "sizes": [2**40, 1, 0.5, None, {"$ref": "x"}]}


@pytest.fixture
async def stores(mongo_database_uri: str, clock: FakeClock) -> AsyncIterator[Stores]:
    """What opens stores over an empty database; the drivers read it with the same package."""
    async for one in opened(mongo_database_uri, clock):
        yield one


@pytest.fixture
def behind(mongo_database_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """The database as an administrator sees it."""
    with MongoClient[dict[str, Any]](mongo_database_uri) as client:
        yield client.get_default_database()


@pytest.fixture
async def old(stores: Stores, behind: Database[dict[str, Any]]) -> Stores:
    """Over a record with the document in BSON, where it was before there was text."""
    store = await stores.open()
    await store.commit([Insert("people", DOCUMENT)])
    await store.close()
    behind["people"].update_one({"_id": "a"}, {"$set": {"document": DOCUMENT}, "$unset": {"body": ""}})
    behind[LAYOUTS].update_one({"_id": LEDGER}, {"$set": {"text": ""}})
    return stores


async def test_a_record_of_the_first_format_is_read_in_every_way(old: Stores) -> None:
    store = await old.open()
    expected = Record("a", 1, DOCUMENT)
    assert await store.get("people", "a") == expected
    scanned = Compare(NOTE, Op.EQ, "née")
    for query in (Query(), Query(Compare(USER_NAME, Op.EQ, "ada")), Query(Compare(AGE, Op.GE, 7)), Query(scanned)):
        [found] = (await store.find("people", query)).records
        assert found == expected
        assert [type(size) for size in found.document["sizes"][:2]] == [int, int]


async def test_a_record_takes_the_present_format_when_it_is_written(
    old: Stores, behind: Database[dict[str, Any]]
) -> None:
    store = await old.open()
    await store.commit([Replace("people", {**DOCUMENT, "age": 8}, 1)])
    assert await store.get("people", "a") == Record("a", 2, {**DOCUMENT, "age": 8})
    [stored] = behind["people"].find()
    assert ("document" in stored, type(stored["body"])) == (False, bytes)


async def test_records_of_both_formats_are_indexed_anew(old: Stores, behind: Database[dict[str, Any]]) -> None:
    await (await old.open()).commit([Insert("people", {"id": "b", "note": "b"})])
    store = await old.open({"people": Collection("people", indexed=(NOTE,))})
    await ready(store)
    assert (await store.find("people", Query(Compare(NOTE, Op.EQ, "née")))).records == [Record("a", 1, DOCUMENT)]
    assert await store.count("people", Compare(NOTE, Op.EQ, "b")) == 1
    assert behind["people"].count_documents({"document": {"$exists": True}}) == 0


async def test_what_a_newer_version_has_written_to_is_left_alone(
    stores: Stores, behind: Database[dict[str, Any]]
) -> None:
    running = await stores.open()
    await running.commit([Insert("plain", {"id": "1"})])
    behind[LAYOUTS].update_one({"_id": LEDGER}, {"$set": {"text": str(FORMAT + 1)}})
    with pytest.raises(RemoteError, match="restart this process"):
        await running.check()
    started = await stores.open()
    for _ in range(2):
        with pytest.raises(Contradicted, match=f"it has format {FORMAT + 1}, this version reads format {FORMAT}"):
            await started.commit([Insert("plain", {"id": "2"})])
    behind[LAYOUTS].update_one({"_id": LEDGER}, {"$set": {"text": str(FORMAT)}})
    assert await started.count("plain", EVERYTHING) == 1
