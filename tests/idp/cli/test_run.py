"""Commands that are interrupted: they end at once, but not before it is written down what they leave undone."""

import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import apsw
import pytest

from tests.support.idp import PROGRAM, Idp, LoadedIdp
from tests.support.ports import HOST
from tests.support.process import PATIENCE


@pytest.fixture
def idp(silent: socket.socket, tmp_path: Path) -> Idp:
    """An installation whose directory keeps everybody waiting for an hour."""
    server = {"URL": f"ldap://{HOST}:{silent.getsockname()[1]}", "TIMEOUT": "3600", "CONNECT_TIMEOUT": "3600"}
    settings = {f"IDP_LDAP__CORP__{key}": value for key, value in {**server, "BASE": "dc=example"}.items()}
    return LoadedIdp(tmp_path / "idp", settings=settings | {"IDP_STORE__TIMEOUT": "600"})


@pytest.fixture
def running(idp: Idp, silent: socket.socket) -> Iterator[subprocess.Popen[str]]:
    """A run by hand, which waits for its directory."""
    command = [str(PROGRAM), "ldap", "sync", "corp"]
    with subprocess.Popen(command, env=idp.env, cwd=idp.cwd, stderr=subprocess.PIPE, text=True) as process:
        connection, _ = silent.accept()
        with connection:
            yield process
            process.kill()


def test_a_run_that_is_interrupted_says_so_and_waits_for_no_directory(idp: Idp, running: subprocess.Popen[str]) -> None:
    running.send_signal(signal.SIGINT)
    assert running.wait(PATIENCE) == 130
    assert [(run["state"], run["reason"]) for run in idp.json("ldap", "runs")] == [("failed", "interrupted")]


def test_a_run_that_is_interrupted_twice_says_so_once_the_store_takes_it(
    idp: Idp, running: subprocess.Popen[str]
) -> None:
    assert running.stderr is not None
    store = apsw.Connection(f"{idp.env['IDP_DATA']}/idp.sqlite")
    store.execute("BEGIN IMMEDIATE")
    running.send_signal(signal.SIGINT)
    # Two signals that come together are one; a third one would end it.
    for pause in chain([0.5], repeat(PATIENCE / 4)):
        if select.select([running.stderr], [], [], pause)[0]:
            break
        running.send_signal(signal.SIGINT)
    assert running.stderr.readline() == "Ending in order; Ctrl-C once more ends at once.\n"
    store.execute("ROLLBACK")
    assert running.wait(PATIENCE) == 130
    assert [(run["state"], run["reason"]) for run in idp.json("ldap", "runs")] == [("failed", "interrupted")]
    store.close()
