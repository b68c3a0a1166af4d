"""An outbox over a real store."""

import os
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from idp.auth.sealing import Sealer
from idp.mail import Mailer
from idp.store import Store, open_store
from idp.store.collections import collections
from tests.support.clock import FakeClock


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    """An empty store."""
    opened = await open_store(f"sqlite:{tmp_path / 'idp.sqlite'}", collections(), clock)
    yield opened
    await opened.close()


@pytest.fixture
def seal() -> Sealer:
    """What keeps letters closed while they wait."""
    return Sealer([bytes(32)], os.urandom)


@pytest.fixture
def mailer(clock: FakeClock, seal: Sealer) -> Mailer:
    """What queues letters."""
    numbers = count(1)
    return Mailer(clock, lambda: f"letter-{next(numbers):03}", seal, "Gatehouse", "https://id.example.test")
