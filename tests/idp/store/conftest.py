"""A store of every backend in turn."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from idp.store import Store
from tests.support.clock import FakeClock
from tests.support.mongod import kept_database
from tests.support.stores import BACKENDS, Stores, opened, url_of


@pytest.fixture(scope="session")
def database(mongo_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """A database for all tests of a run, emptied for each."""
    with kept_database(mongo_uri) as kept:
        yield kept


@pytest.fixture(params=BACKENDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store without records."""
    return url_of(request.param, request, tmp_path, "database")


@pytest.fixture
async def stores(store_url: str, clock: FakeClock) -> AsyncIterator[Stores]:
    """What opens stores over the same empty data."""
    async for one in opened(store_url, clock):
        yield one


@pytest.fixture
async def store(stores: Stores) -> Store:
    """An empty store with the sample collections."""
    return await stores.open()
