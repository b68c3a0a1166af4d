"""A directory over a real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.store import Store, open_store
from idp.store.collections import collections
from tests.support.clock import FakeClock
from tests.support.directory import Directory, directory_over


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    """An empty store on the disk."""
    opened = await open_store(f"sqlite:{tmp_path / 'idp.sqlite'}", collections(), clock)
    yield opened
    await opened.close()


@pytest.fixture
def directory(store: Store, clock: FakeClock) -> Directory:
    """Users and groups over an empty store."""
    return directory_over(store, clock)
