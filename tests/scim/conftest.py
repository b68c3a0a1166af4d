"""SCIM over the real services and a real store, asked through a socket."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from pymongo.database import Database

from idp.access import SYSTEM_ACTOR
from idp.config import Config
from idp.http.runner import make_runner
from idp.schema import Registry
from idp.store import Store, open_store
from idp.store.collections import collections
from scim.endpoints import Limits
from tests.support.clock import FakeClock
from tests.support.declared import REGISTRY
from tests.support.mongod import kept_database
from tests.support.scim import Api, application, provisioning_over
from tests.support.stores import PATIENT, url_of

OpenApi = Callable[..., Awaitable[Api]]


@pytest.fixture
async def open_api(clock: FakeClock) -> AsyncIterator[OpenApi]:
    """Serve SCIM over a store, with a token for everything."""
    opened = AsyncExitStack()

    async def opener(
        store: Store,
        config: Config | None = None,
        limits: Limits | None = None,
        registry: Registry | None = None,
    ) -> Api:
        behind = provisioning_over(store, clock, registry)
        opened.callback(behind.pool.close)
        runner = make_runner(application(behind, config or Config(), limits))
        opened.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        session = await opened.enter_async_context(ClientSession(f"http://127.0.0.1:{port}"))
        api = Api(session, behind)
        api.port = port
        _, api.token = await behind.clients.create(SYSTEM_ACTOR("test"), "hr")
        return api

    yield opener
    await opened.aclose()


@pytest.fixture
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    """An empty store: SQLite, unless the test asks for another."""
    url = url_of(getattr(request, "param", "sqlite"), request, tmp_path)
    opened = await open_store(url, collections(), clock, PATIENT)
    yield opened
    await opened.close()


@pytest.fixture
async def api(open_api: OpenApi, store: Store) -> Api:
    """SCIM over an empty store."""
    return await open_api(store)


@pytest.fixture(scope="session")
def database_with_devices(mongo_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """A database with devices, for all tests of a run, emptied for each."""
    with kept_database(mongo_uri) as kept:
        yield kept


@pytest.fixture(params=["sqlite", "pymongo"])
async def api_with_devices(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, open_api: OpenApi
) -> AsyncIterator[Api]:
    """SCIM over an empty store of either kind, with a resource type that has an attribute of every type."""
    url = url_of(request.param, request, tmp_path, "database_with_devices")
    store = await open_store(url, collections(REGISTRY), clock, PATIENT)
    yield await open_api(store, registry=REGISTRY)
    await store.close()
