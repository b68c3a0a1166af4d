"""Several workers behind one port: they share everything, are replaced, and end together."""

import os
import signal
import urllib.request
from pathlib import Path

import pytest

from tests.idp.app.conftest import NewIdp
from tests.support.idp import Idp
from tests.support.ports import is_listening
from tests.support.process import PATIENCE, children_of, has_ended


@pytest.fixture
def workers(new_idp: NewIdp) -> Idp:
    """A running server of two workers."""
    installation = new_idp(server__workers="2")
    installation.start()
    return installation


def test_all_workers_serve_and_only_one_speaks(workers: Idp) -> None:
    token = workers.command("token", "create", "t")
    assert [workers.get("/Users", token)["totalResults"] for _ in range(20)] == [0] * 20
    workers.process.wait_until(lambda: "/setup?token=" in workers.process.log_text())
    assert workers.process.log_text().count("/setup?token=") == 1
    assert len(children_of(workers.process.pid)) == 2
    # Each worker leaves its counts for the others once a second.
    workers.process.wait_until(lambda: counted(workers) == 20)


def counted(idp: Idp) -> float:
    """Return how many lists of users all workers together say they have answered."""
    with urllib.request.urlopen(f"{idp.url}/metrics", timeout=PATIENCE) as answer:  # noqa: S310 -- our own server
        lines = answer.read().decode().splitlines()
    ours = [line for line in lines if line.startswith("idp_http_requests_total") and 'route="/scim/v2/Users"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in ours)


def test_a_worker_that_dies_is_replaced(workers: Idp) -> None:
    before = children_of(workers.process.pid)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    workers.process.wait_until(lambda: len(children_of(workers.process.pid) - before) == 1)
    workers.process.wait_until(lambda: all(workers.answers("/readyz") for _ in range(10)))
    assert "ended with status -9; starting another" in workers.process.log_text()


def test_all_workers_end_with_the_supervisor_in_order_or_not(workers: Idp) -> None:
    pids = children_of(workers.process.pid)
    assert workers.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    workers.start()
    pidfds = [os.pidfd_open(pid) for pid in children_of(workers.process.pid)]
    workers.process.kill()
    assert all(map(has_ended, pidfds)), "workers do not outlive their supervisor"
    assert not is_listening(workers.port)


def test_settings_that_no_worker_can_start_with_end_them_all(new_idp: NewIdp) -> None:
    done = new_idp(server__workers="2", secret_key="c2hvcnQ=").run("serve")
    assert done.returncode == 2
    assert "secrets.key: expected one or more keys of 32 bytes" in done.stderr
