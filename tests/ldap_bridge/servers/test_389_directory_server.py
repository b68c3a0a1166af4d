"""A real 389 Directory Server is followed by its changelog, and otherwise, through everything that happens in it."""

from collections.abc import Iterator
from typing import Any

import pytest

from idp.store import Store
from tests.ldap_bridge.conftest import bridge_over
from tests.ldap_bridge.servers.dirsrv import DirSrv
from tests.ldap_bridge.steps import go_through
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM
from tests.support.people import Company


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirSrv]:
    """An empty server."""
    server = DirSrv(tmp_path_factory.mktemp("dirsrv"))
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def server(installed: DirSrv, company: Company) -> Iterator[DirSrv]:
    """A server with the company in it."""
    installed.load(company.ldif())
    yield installed
    installed.empty(installed.base)


def settings_of(server: DirSrv) -> dict[str, Any]:
    """Return the settings of a source that reads it."""
    return {"preset": "389ds", "bind_dn": server.admin_dn, "bind_password": server.admin_password}


@pytest.mark.parametrize("feed", ["changelog", "timestamp", "full"])
async def test_accounts_are_as_the_directory_has_them_after_every_change(
    store: Store, clock: FakeClock, server: DirSrv, feed: str
) -> None:
    await go_through(store, clock, server, feed, **settings_of(server))


async def test_the_changelog_is_chosen_where_it_may_be_read(store: Store, clock: FakeClock, server: DirSrv) -> None:
    told = await bridge_over(store, clock, server.url, **settings_of(server)).service.test(SYSTEM, "corp")
    assert (told.feed, told.why) == ("changelog", "the server keeps a changelog")
