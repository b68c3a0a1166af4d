"""The bench's own load client sends what its job says and counts every answer."""

import sys
from pathlib import Path

from tests.bench.load import Job
from tests.bench.measure import send
from tests.bench.server import bare_server
from tests.support.ports import HOST, free_port, is_listening
from tests.support.process import ServerProcess


def test_every_request_of_a_job_is_answered_and_counted(tmp_path: Path) -> None:
    with bare_server({"user": b'{"id":"4711","x":"' + b"x" * 5000 + b'"}'}, tmp_path) as (port, _):
        speed, report = send(Job(port, "POST", ["/user"], "t", "@n@" * 300, count=500, connections=8, collect=True))
    assert report.statuses == {"200": 500}
    assert report.collected == ["4711"] * 500
    assert len(report.latencies) == 500
    assert speed.failed == 0
    assert 0 < speed.median <= speed.p99


def test_a_long_report_arrives_whole(tmp_path: Path) -> None:
    with bare_server({"user": b'{"id":"' + b"4" * 90 + b'"}'}, tmp_path) as (port, _):
        _, report = send(Job(port, "GET", ["/user"], "t", count=3000, connections=8, collect=True))
    assert report.collected == ["4" * 90] * 3000


def test_refusals_and_lost_connections_are_failures(tmp_path: Path) -> None:
    with bare_server({"user": b"{}"}, tmp_path) as (port, _):
        speed, report = send(Job(port, "GET", ["/user", "/not/there"], "t", count=10))
    assert report.statuses == {"200": 5, "404": 5}
    assert speed.failed == 5


def test_a_server_that_closes_after_each_answer_is_called_again(tmp_path: Path) -> None:
    (tmp_path / "user").write_bytes(b'{"id":"4711"}')
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", HOST, "--directory", str(tmp_path)]
    server = ServerProcess(command, tmp_path / "log")
    server.start(lambda: is_listening(port))
    try:
        speed, report = send(Job(port, "GET", ["/user"], "t", count=50, connections=4, collect=True))
    finally:
        server.stop()
    assert report.statuses == {"200": 50}
    assert report.collected == ["4711"] * 50
    assert speed.failed == 0


def test_a_timed_job_ends_in_time(tmp_path: Path) -> None:
    with bare_server({"user": b"{}"}, tmp_path) as (port, _):
        speed, report = send(Job(port, "GET", ["/user"], "t", seconds=0.2, connections=2))
    assert 0.2 <= report.seconds < 2
    assert speed.rate > 100
