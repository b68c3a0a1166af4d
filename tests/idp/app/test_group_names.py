"""Group names made unique after the fact: the server does not start while two groups share one, and names them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from idp.access import SYSTEM_ACTOR
from idp.app.key_check import check_key
from idp.app.services import Services, open_services
from idp.config import load
from idp.errors import ConfigError, NotUnique
from tests.support.stores import new_url_of

SYSTEM = SYSTEM_ACTOR("test")


class Server:
    """A server's settings, under which it is begun and ended."""

    def __init__(self, data: Path, store: str) -> None:
        self._settings = {"server.data": str(data), "password.hash_memory": "8", "store.url": store}

    @asynccontextmanager
    async def started(self, *, unique: bool) -> AsyncIterator[Services]:
        """Do what a start does, up to where it would refuse to serve."""
        config = load(None, {}, {**self._settings, "directory.unique_group_names": str(unique).lower()})
        async with open_services(config) as services:
            await check_key(services)
            yield services


@pytest.fixture(params=["sqlite", "pymongo"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    return Server(tmp_path / "data", new_url_of(request.param, request, tmp_path))


async def test_a_start_names_the_groups_that_share_a_name(server: Server) -> None:
    async with server.started(unique=False) as services:
        named = [{"displayName": name} for name in ("Crew", "crew", "Staff")]
        groups = [await services.groups.create(SYSTEM, document) for document in named]
    with pytest.raises(ConfigError) as refused:
        async with server.started(unique=True):
            pass
    ids = ", ".join(sorted(group.id for group in groups[:2]))
    assert f"displayName cannot be made unique, because records share a value: 'crew' ({ids})" in str(refused.value)
    async with server.started(unique=False) as services:
        await services.groups.delete(SYSTEM, groups[1].id)
    async with server.started(unique=True) as services:
        with pytest.raises(NotUnique):
            await services.groups.create(SYSTEM, {"displayName": "STAFF"})
    async with server.started(unique=False) as services:
        await services.groups.create(SYSTEM, {"displayName": "STAFF"})
