"""A store of every backend in turn."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.store import Store
from tests.support.clock import FakeClock
from tests.support.stores import BACKENDS, Stores, opened, url_of


@pytest.fixture(params=BACKENDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    return url_of(request.param, request, tmp_path)


@pytest.fixture
async def stores(store_url: str, clock: FakeClock) -> AsyncIterator[Stores]:
    """What opens stores over the same empty data."""
    async for one in opened(store_url, clock):
        yield one


@pytest.fixture
async def store(stores: Stores) -> Store:
    """An empty store with the sample collections."""
    return await stores.open()
