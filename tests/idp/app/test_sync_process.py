"""Scheduled runs of directories happen beside the server, in processes that end with it."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from idp.app import sync_process
from idp.config import load
from tests.idp.app.conftest import NewIdp
from tests.support.idp import Idp
from tests.support.ports import HOST
from tests.support.process import PATIENCE, children_of, has_ended

ADA = """dn: uid=ada,dc=example,dc=org
objectClass: inetOrgPerson
uid: ada
cn: Ada
sn: Lovelace
entryUUID: 5a3c1f9e-0000-4000-8000-000000000001
"""


@pytest.fixture
def waiting(request: pytest.FixtureRequest, new_idp: NewIdp, silent: socket.socket) -> Iterator[Idp]:
    """A server whose first run waits for a silent directory; on SQLite, unless a test names the fixture of a URL."""
    url = f"ldap://{HOST}:{silent.getsockname()[1]}"
    store = request.getfixturevalue(request.param) if hasattr(request, "param") else ""
    idp = new_idp(store=store, ldap__corp__url=url, ldap__corp__base="dc=example,dc=org", ldap__corp__interval="60")
    idp.start()
    connection, _ = silent.accept()
    with connection:
        yield idp


def runs(idp: Idp) -> list[dict[str, Any]]:
    """Return the runs of the directory, the newest first."""
    found: list[dict[str, Any]] = idp.json("ldap", "runs", "corp")
    return found


def test_a_run_by_the_schedule_brings_people_in(new_idp: NewIdp, tmp_path: Path) -> None:
    ldif = tmp_path / "people.ldif"
    ldif.write_text(ADA)
    idp = new_idp(ldap__corp__url=f"ldif:{ldif}", ldap__corp__interval="60")
    idp.start()
    idp.process.wait_until(lambda: "of directory corp: applied" in idp.process.log_text())
    assert idp.json("user", "show", "ada")["userName"] == "ada"
    assert [(run["state"], run["by"]) for run in runs(idp)] == [("applied", "schedule")]
    idp.process.wait_until(lambda: not children_of(idp.process.pid))


def test_a_run_gives_way_to_requests_and_ends_with_the_server(waiting: Idp) -> None:
    (run,) = children_of(waiting.process.pid)
    assert os.getpriority(os.PRIO_PROCESS, run) > os.getpriority(os.PRIO_PROCESS, waiting.process.pid)
    assert waiting.stop() == 0
    assert not Path(f"/proc/{run}").exists()
    assert [(run["state"], run["reason"]) for run in runs(waiting)] == [("failed", "interrupted")]


def test_a_run_ends_with_a_server_that_was_killed(waiting: Idp) -> None:
    (run,) = children_of(waiting.process.pid)
    pidfd = os.pidfd_open(run)
    waiting.process.kill()
    assert has_ended(pidfd)
    assert [(run["state"], run["reason"]) for run in runs(waiting)] == [("failed", "interrupted")]


@pytest.mark.parametrize("waiting", ["mongo_database_uri"], indirect=True)
def test_a_run_that_is_told_to_end_again_and_again_says_that_it_was_interrupted(waiting: Idp) -> None:
    (run,) = children_of(waiting.process.pid)
    pidfd = os.pidfd_open(run)
    while not select.select([pidfd], [], [], 0.001)[0]:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    assert [(run["state"], run["reason"]) for run in runs(waiting)] == [("failed", "interrupted")]


def test_a_run_whose_process_is_killed_is_told(waiting: Idp) -> None:
    (run,) = children_of(waiting.process.pid)
    os.kill(run, signal.SIGKILL)
    said = "directory corp: the process of its run was ended by signal 9"
    waiting.process.wait_until(lambda: said in waiting.process.log_text())
    assert waiting.answers("/readyz")
    assert [run["state"] for run in runs(waiting)] == ["failed"]


COMMAND = [sys.executable, "-m", sync_process.__name__]


def test_a_process_whose_parent_was_killed_before_a_word_says_none_either() -> None:
    ended = subprocess.run(COMMAND, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    assert (ended.returncode, ended.stderr) == (sync_process.NOT_DONE, b"")


def test_an_error_that_nobody_has_thought_of_is_one_line(tmp_path: Path) -> None:
    config = load(None, {}, {"server.data": str(tmp_path)})
    server = msgspec.structs.replace(config.server, data="a \0 in a path")
    job = sync_process.Job("corp", msgspec.structs.replace(config, server=server))
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(msgspec.json.encode(job) + b"\n")
        process.stdin.flush()
        (line,) = process.stderr.read().decode().splitlines()
    assert process.returncode == sync_process.NOT_DONE
    assert line.endswith("directory corp: an error of ours ended the run's process (ValueError)")
