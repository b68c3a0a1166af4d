"""What tests of the product's own processes share."""

import socket
from collections.abc import Iterator

import pytest

from tests.support.ports import HOST
from tests.support.process import PATIENCE


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A directory that takes connections and never says a word."""
    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(PATIENCE)
        yield listening
