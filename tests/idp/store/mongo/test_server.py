"""What the MongoDB backend does while its server is away, not yet there, or not fit."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pymongo import MongoClient

from idp.errors import ConfigError, DeadlineExceeded, RemoteError, TooLarge, Unavailable
from idp.query import EVERYTHING, Query
from idp.store import Check, Delete, Insert, Replace, Settings, Store, Write, open_store
from idp.store.mongo.ledger import LEDGER
from tests.support.clock import FakeClock
from tests.support.mongod import Mongod, with_database
from tests.support.stores import SAMPLES, Stores, opened, ready


@pytest.fixture(params=["pymongo", "motor"])
async def stores(request: pytest.FixtureRequest, mongo_database_uri: str, clock: FakeClock) -> AsyncIterator[Stores]:
    """What opens stores over an empty database, by each driver."""
    mark = "&" if "?" in mongo_database_uri else "?"
    async for one in opened(f"{mongo_database_uri}{mark}driver={request.param}", clock):
        yield one


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_the_store_opens_without_its_server_and_works_when_it_comes(
    new_mongod: Callable[[], Mongod], clock: FakeClock, driver: str
) -> None:
    server = new_mongod()
    url = f"{with_database(server.uri, 'late')}&driver={driver}&serverSelectionTimeoutMS=1000"
    store = await open_store(url, SAMPLES, clock)
    with pytest.raises(Unavailable):
        await store.commit([Insert("plain", {"id": "1"})])
    started = time.monotonic()
    for _ in range(20):
        with pytest.raises(Unavailable):
            await store.get("plain", "1")
        with pytest.raises(Unavailable):
            await store.check()
    # Nobody waits for a server that is known to be away: to look for it takes a second each time.
    assert time.monotonic() - started < 25
    await asyncio.to_thread(server.start)
    await ready(store)
    await store.commit([Insert("plain", {"id": "1"})])
    await asyncio.to_thread(server.stop)
    with pytest.raises(RemoteError):
        await store.commit([Insert("plain", {"id": "2"})])
    await asyncio.to_thread(server.start)
    await ready(store)
    assert await store.get("plain", "1") is not None
    assert await store.count("plain", EVERYTHING) == 1
    await store.close()


async def test_what_a_dead_writer_has_locked_holds_up_nothing_else(stores: Stores, mongo_database_uri: str) -> None:
    await (await stores.open()).commit([Insert("plain", {"id": "1"}), Insert("plain", {"id": "2"})])
    # What is held up fails after this time; what is not held up would fail too if it had to wait.
    store = await stores.open(settings=Settings(timeout=3))
    with MongoClient[dict[str, Any]](mongo_database_uri) as client, client.start_session() as session:
        session.start_transaction()
        plain = client.get_default_database()["plain"]
        plain.update_one({"_id": "1"}, {"$inc": {"checks": 1}}, session=session)
        alone: list[Write] = [Replace("plain", {"id": "1"}, 1)]
        for writes in (alone, [*alone, Check("plain", "2")]):
            held_up = asyncio.create_task(store.commit(writes))
            await asyncio.gather(*(store.commit([Insert("people", {"id": f"{len(writes)}{n}"})]) for n in range(8)))
            assert await store.get("plain", "1") is not None
            assert not held_up.done()
            with pytest.raises(DeadlineExceeded):
                await held_up
            await store.commit([Check("plain", "2")])
        session.abort_transaction()
    await store.commit([Replace("plain", {"id": "1"}, 1)])


async def test_counts_and_stamps_stay_right_when_their_entries_are_merged(
    stores: Stores, mongo_database_uri: str
) -> None:
    store, other = await stores.open(), await stores.open()
    await store.commit([Insert("people", {"id": f"{number}"}) for number in range(70)])
    with MongoClient[dict[str, Any]](mongo_database_uri) as client:
        ledger = client.get_default_database()[LEDGER]
        # As 70 processes leave them.
        ledger.delete_many({"_id": {"$regex": "^(count|changes)"}})
        ledger.insert_many(
            {"_id": f"{kind}|people|{n}.0", "amount": 1} for n in range(70) for kind in ("count", "changes")
        )
        await store.commit([Delete("people", "0")])
        stamps = asyncio.create_task(stamps_of(other))
        await asyncio.gather(store.sweep(), *(other.commit([Insert("people", {"id": f"x{n}"})]) for n in range(10)))
        assert await store.count("people", EVERYTHING) == (await other.find("people", Query(limit=1000))).total == 79
        before = await other.stamp(("people",))
        await store.sweep()
        assert await store.stamp(("people",)) == before
        assert sorted(seen := await stamps) == seen
        assert await store.count("people", EVERYTHING) == 79
        assert ledger.count_documents({"_id": {"$regex": "people"}}) < 10


async def stamps_of(store: Store) -> list[Any]:
    """Look at the stamp many times; a stamp never goes back, also while entries go into each other."""
    return [await store.stamp(("people",)) for _ in range(30)]


async def test_a_document_over_16_mb_is_refused(stores: Stores) -> None:
    store = await stores.open()
    with pytest.raises(TooLarge):
        await store.commit([Insert("plain", {"id": "1", "n": "x" * 17 * 2**20})])
    assert await store.count("plain", EVERYTHING) == 0


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mongodb://127.0.0.1", "name a database"),
        ("mongodb://127.0.0.1/x?driver=mongoengine", "driver"),
        ("mongodb://user:secret@/x", None),
        ("mongodb://127.0.0.1:99999/x", None),
    ],
)
async def test_an_unusable_url_is_refused_without_its_password(clock: FakeClock, url: str, reason: str | None) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        await open_store(url, SAMPLES, clock)
    assert "secret" not in str(caught.value)
