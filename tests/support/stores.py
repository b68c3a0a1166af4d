"""Stores of every backend, for test folders that run over all of them or over the embedded one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from idp.clock import Clock
from idp.store import Collection, Settings, Store, open_store
from tests.support.clock import FakeClock

OpenStore = Callable[..., Awaitable[Store]]
BACKENDS = ("sqlite", "pymongo", "motor")


@pytest.fixture(params=BACKENDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, of each backend in turn."""
    return url_of(request.param, request, tmp_path)


def url_of(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty store of this backend; MongoDB is started when it is the first to need it."""
    if backend == "sqlite":
        return f"sqlite:{tmp_path / 'store.sqlite'}"
    uri: str = request.getfixturevalue("mongo_database_uri")
    return f"{uri}{'&' if '?' in uri else '?'}driver={backend}"


@asynccontextmanager
async def stores(url: str, clock: Clock) -> AsyncIterator[OpenStore]:
    """Open stores at the URL as often as a test likes; all are closed at its end."""
    async with AsyncExitStack() as at_end:

        async def open_one(collections: Mapping[str, Collection], settings: Settings | None = None) -> Store:
            store = await open_store(url, collections, clock, settings or Settings())
            at_end.push_async_callback(store.close)
            return store

        yield open_one


@pytest.fixture
async def open_a_store(store_url: str, clock: FakeClock) -> AsyncIterator[OpenStore]:
    """Open a store with given collections, on each backend in turn."""
    async with stores(store_url, clock) as open_one:
        yield open_one
