"""A server process is waited for by asking it, and its end is reported with what it said."""

import sys
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.ports import free_port, is_listening
from tests.support.process import ServerError, ServerProcess


def _web_server(log: Path, port: int) -> ServerProcess:
    return ServerProcess([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)], log)


def test_start_returns_when_the_server_listens_and_stop_ends_it(tmp_path: Path) -> None:
    port = free_port()
    server = _web_server(tmp_path / "log", port)
    assert not is_listening(port)
    server.start(lambda: is_listening(port))
    assert server.is_running()
    assert is_listening(port)
    server.stop()
    assert not server.is_running()
    assert not is_listening(port)


def test_a_process_that_ends_early_is_reported_with_its_last_words(tmp_path: Path) -> None:
    server = ServerProcess([sys.executable, "-c", "raise SystemExit('no such port')"], tmp_path / "log")
    with pytest.raises(ServerError, match=r"ended with status 1\nno such port"):
        server.start(lambda: False)


def test_a_process_that_never_gets_ready_is_ended_and_reported(tmp_path: Path) -> None:
    server = _web_server(tmp_path / "log", free_port())
    with pytest.raises(ServerError, match=r"was not ready within 0[.]1 s"):
        server.start(lambda: False, within=0.1)
    assert not server.is_running()


def test_a_frozen_server_is_ended_by_stop(tmp_path: Path) -> None:
    port = free_port()
    server = _web_server(tmp_path / "log", port)
    server.start(lambda: is_listening(port))
    server.freeze()
    assert server.stop() is not None
    assert not server.is_running()


def test_the_fake_clock_moves_only_when_told(clock: FakeClock) -> None:
    before = clock.now()
    assert clock.now() == before
    assert (clock.advance(1.5) - before).total_seconds() == 1.5
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)
