"""Records indexed anew beside the verbs: by one process of all, from where the last one was, however long it takes."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection as Records

from idp.errors import Contradicted, Unavailable
from idp.query import Compare, Field, Op, Query
from idp.store import Collection, Insert, Settings, Store
from idp.store.mongo.layout import LAYOUTS, lay_out
from idp.store.mongo.ledger import LEDGER
from tests.support.clock import FakeClock
from tests.support.process import PATIENCE
from tests.support.stores import Stores, opened, ready

TITLE: Final = Field(("title",))
BEFORE: Final = {"things": Collection("things")}
AFTER: Final = {"things": Collection("things", indexed=(TITLE,), unique=(TITLE,))}
TEXT: Final = lay_out(AFTER)["things"].text
# Soon enough to say that it takes longer.
BRISK: Final = Settings(timeout=1)

Documents = Records[dict[str, Any]]


@pytest.fixture(params=["pymongo", "motor"])
async def stores(request: pytest.FixtureRequest, mongo_database_uri: str, clock: FakeClock) -> AsyncIterator[Stores]:
    """What opens stores over an empty database, by each driver."""
    mark = "&" if "?" in mongo_database_uri else "?"
    async for one in opened(f"{mongo_database_uri}{mark}driver={request.param}", clock):
        yield one


@pytest.fixture
def behind(mongo_database_uri: str) -> Iterator[Mapping[str, Documents]]:
    """The database as an administrator sees it."""
    with MongoClient[dict[str, Any]](mongo_database_uri) as client:
        database = client.get_default_database()
        yield {name: database[name] for name in ("things", LAYOUTS)}


async def fill(stores: Stores, titles: list[str]) -> None:
    old = await stores.open(BEFORE)
    things = [Insert("things", {"id": f"{number:04}", "title": title}) for number, title in enumerate(titles)]
    for start in range(0, len(things), 200):
        await old.commit(things[start : start + 200])
    await old.close()


async def trouble_of(store: Store, words: str) -> None:
    """Return when the store says these words."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with pytest.raises(Unavailable) as caught:
                await store.check()
            if words in str(caught.value):
                return


async def test_the_next_process_goes_on_where_the_last_one_was(stores: Stores, behind: Mapping[str, Documents]) -> None:
    await fill(stores, [f"t{number}" for number in range(799)] + ["t5"])
    first = await stores.open(AFTER, BRISK)
    await trouble_of(first, "title cannot be made unique, because records share a value: 't5' (0005, 0799)")
    await first.close()
    [noted] = behind[LAYOUTS].find({"_id": "things"})
    assert (noted["work"]["after"], noted["work"]["done"]) == ("0499", 500)
    behind["things"].delete_one({"_id": "0799"})
    # What has been done is not done again: this stays away.
    behind["things"].update_one({"_id": "0000"}, {"$unset": {"keys": ""}})
    second = await stores.open(AFTER)
    await ready(second)
    assert (await second.find("things", Query(Compare(TITLE, Op.EQ, "t798")))).total == 1
    assert (await second.find("things", Query(Compare(TITLE, Op.EQ, "t0")))).total == 0
    assert behind[LAYOUTS].find_one({"_id": "things"}) == {"_id": "things", "text": TEXT}


async def test_another_declaration_begins_at_the_first_record(stores: Stores, behind: Mapping[str, Documents]) -> None:
    await fill(stores, [f"t{number}" for number in range(3)])
    work = {"process": "gone", "until": 0, "text": "of a third declaration", "after": "0002", "done": 3}
    behind[LAYOUTS].update_one({"_id": "things"}, {"$set": {"text": "", "work": work}})
    store = await stores.open(AFTER)
    await ready(store)
    assert (await store.find("things", Query(Compare(TITLE, Op.EQ, "t0")))).total == 1


async def test_claims_that_fail_for_another_reason_contradict_nothing(stores: Stores, mongo_database_uri: str) -> None:
    await fill(stores, ["t0"])
    with MongoClient[dict[str, Any]](mongo_database_uri) as client:
        database = client.get_default_database()
        database.command("collMod", LEDGER, validator={"owner": {"$exists": False}})
        store = await stores.open(AFTER, BRISK)
        await trouble_of(store, "things cannot be indexed anew")
        with pytest.raises(Unavailable) as caught:
            await store.check()
        assert not isinstance(caught.value, Contradicted)
        database.command("collMod", LEDGER, validator={})
    await ready(store)


async def test_while_one_process_is_at_it_the_others_wait_and_say_so_until_its_lease_ends(
    stores: Stores, behind: Mapping[str, Documents], clock: FakeClock
) -> None:
    await fill(stores, ["t0"])
    until = int(clock.now().timestamp() * 1_000_000) + 10_000_000
    work = {"process": "another", "until": until, "text": TEXT, "after": "", "done": 7}
    behind[LAYOUTS].update_one({"_id": "things"}, {"$set": {"text": "", "work": work}})
    waiting = [await stores.open(AFTER, BRISK) for _ in range(2)]
    for store in waiting:
        await trouble_of(store, "things is being indexed anew by another process, 7 records so far")
        with pytest.raises(Unavailable):
            await store.commit([Insert("things", {"id": "x", "title": "x"})])
    clock.advance(11)
    for store in waiting:
        await ready(store)
        assert (await store.find("things", Query(Compare(TITLE, Op.EQ, "t0")))).total == 1
