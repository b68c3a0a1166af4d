"""A store of every backend in turn."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from idp.store import Store
from tests.support.clock import FakeClock
from tests.support.mongod import with_database
from tests.support.stores import BACKENDS, Stores, opened


@pytest.fixture(scope="session")
def kept_database(mongo_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """A database whose collections and indexes stay from test to test: making them takes longer than most tests."""
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)
    name = f"store_{uuid4().hex}"
    with client:
        yield client[name]
        client.drop_database(name)


@pytest.fixture(params=BACKENDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store without records."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'store.sqlite'}"
    database: Database[dict[str, Any]] = request.getfixturevalue("kept_database")
    for name in database.list_collection_names():
        if name != "_layouts":
            database[name].delete_many({})
    uri = with_database(request.getfixturevalue("mongo_uri"), database.name)
    return f"{uri}{'&' if '?' in uri else '?'}driver={request.param}"


@pytest.fixture
async def stores(store_url: str, clock: FakeClock) -> AsyncIterator[Stores]:
    """What opens stores over the same empty data."""
    async for one in opened(store_url, clock):
        yield one


@pytest.fixture
async def store(stores: Stores) -> Store:
    """An empty store with the sample collections."""
    return await stores.open()
