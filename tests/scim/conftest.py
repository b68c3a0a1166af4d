"""SCIM over the real services and a real store, asked through a socket."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from idp.access import SYSTEM_ACTOR
from idp.auth import Clients
from idp.config import Config
from idp.store import Store, open_store
from idp.store.collections import collections
from tests.support.clock import FakeClock
from tests.support.directory import directory_over
from tests.support.scim import Api, application

OpenApi = Callable[..., Awaitable[Api]]


@pytest.fixture
async def open_api(clock: FakeClock) -> AsyncIterator[OpenApi]:
    """Serve SCIM over a store, with a token for everything."""
    opened: list[TestClient[web.Request, web.Application]] = []

    async def opener(store: Store, config: Config | None = None) -> Api:
        directory = directory_over(store, clock)
        clients = Clients(store, clock, lambda: uuid4().hex, os.urandom)
        client = TestClient(TestServer(application(directory, clients, config or Config())))
        await client.start_server()
        opened.append(client)
        api = Api(client, directory, clients)
        _, api.token = await clients.create(SYSTEM_ACTOR("test"), "hr")
        return api

    yield opener
    for client in opened:
        await client.close()


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    """An empty store on the disk."""
    opened = await open_store(f"sqlite:{tmp_path / 'idp.sqlite'}", collections(), clock)
    yield opened
    await opened.close()


@pytest.fixture
async def api(open_api: OpenApi, store: Store) -> Api:
    """SCIM over an empty store."""
    return await open_api(store)
