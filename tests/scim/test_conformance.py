"""The server as it is run, before a suite that nobody here wrote."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from tests.support.idp import Idp, LoadedIdp


@pytest.fixture
def idp(tmp_path: Path) -> Iterator[Idp]:
    """A running server."""
    installation = LoadedIdp(tmp_path)
    installation.start()
    yield installation
    installation.process.kill()


def test_scim2_tester_finds_no_error(idp: Idp) -> None:
    token = idp.command("token", "create", "tester")
    with Client(base_url=idp.scim, headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
        results = check_server(SyncSCIMClient(http))
    bad = [result for result in results if result.status not in (Status.SUCCESS, Status.SKIPPED)]
    assert not bad, "\n".join(f"{result.title}: {result.reason}" for result in bad)
    assert sum(result.status is Status.SUCCESS for result in results) > 100
