"""The pages, and somebody who visits them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.pages import Visitor
from tests.support.site import Site, open_site


@pytest.fixture
def settings() -> dict[str, str]:
    """Settings of this test's own, by dotted key."""
    return {}


@pytest.fixture
async def site(tmp_path: Path, settings: dict[str, str]) -> AsyncIterator[Site]:
    """The pages, with an empty store."""
    async with open_site(tmp_path / "data", settings) as site:
        yield site


@pytest.fixture
async def visitor(site: Site) -> Visitor:
    """Somebody without cookies."""
    return site.visitor()
