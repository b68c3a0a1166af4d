"""Authentication over real stores."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from idp.store import Store
from idp.store.collections import collections
from tests.support.authentication import House
from tests.support.clock import FakeClock
from tests.support.stores import Stores, url_of


@pytest.fixture
async def stores(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Stores]:
    """What opens stores over the same data; SQLite, unless the test asks for each backend."""
    url = url_of(getattr(request, "param", "sqlite"), request, tmp_path)
    async with AsyncExitStack() as at_end:
        yield Stores(url, clock, at_end)


@pytest.fixture
async def store(stores: Stores) -> Store:
    """An empty store."""
    return await stores.open(collections())


@pytest.fixture
async def house(store: Store, clock: FakeClock) -> AsyncIterator[House]:
    """All of authentication over an empty store."""
    house = House(store, clock)
    yield house
    house.pool.close()
