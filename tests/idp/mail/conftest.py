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
from tests.support.stores import PATIENT, url_of


@pytest.fixture
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    """An empty store; SQLite, unless the test asks for each backend."""
    url = url_of(getattr(request, "param", "sqlite"), request, tmp_path)
    opened = await open_store(url, collections(), clock, PATIENT)
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
