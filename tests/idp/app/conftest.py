"""Installations of our own server, each ended with its test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.idp import LoadedIdp

NewIdp = Callable[..., LoadedIdp]


@pytest.fixture
def new_idp(tmp_path: Path) -> Iterator[NewIdp]:
    """Make installations, not started yet."""
    with ExitStack() as at_end:

        def make(name: str = "idp", *, store: str = "", **settings: str) -> LoadedIdp:
            named = {f"IDP_{key.upper()}": value for key, value in settings.items()}
            installation = LoadedIdp(tmp_path / name, store=store, settings=named)
            at_end.callback(installation.process.kill)
            return installation

        yield make


@pytest.fixture
def idp(new_idp: NewIdp) -> LoadedIdp:
    """A running server."""
    installation = new_idp()
    installation.start()
    return installation
