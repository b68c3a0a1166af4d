"""Runs loads against servers, by wrk or by the client of our own, and returns rates, latencies and CPU time."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from tests.bench.load import Job, Report
from tests.support.ports import HOST
from tests.support.process import ServerError

_SCRIPT = """\
local paths = {{ {paths} }}
local requests, turn, failed = {{}}, 0, 0
wrk.headers["Authorization"] = "Bearer {token}"
init = function(args)
  for index, path in ipairs(paths) do requests[index] = wrk.format("GET", path) end
end
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
_RESULT = re.compile(r"^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Speed:
    """Requests a second, latencies in milliseconds, failures, and the server's CPU time for one request (ms)."""

    rate: float
    median: float
    p99: float
    failed: int
    requests: int
    cpu: float = 0.0


@dataclass(frozen=True)
class Pair:
    """The same load on ours and on the bare server."""

    ours: Speed
    bare: Speed


def alternate(ours: Callable[[], Speed], bare: Callable[[], Speed], rounds: int) -> Pair:
    """Measure both in turns and keep the round of each that the machine disturbed least; failures of all add up."""
    speeds = [(ours(), bare()) for _ in range(rounds)]
    return Pair(best([mine for mine, _ in speeds]), best([other for _, other in speeds]))


def best(speeds: list[Speed]) -> Speed:
    """The fastest of several rounds, with the failures of all."""
    fastest = max(speeds, key=lambda speed: speed.rate)
    return replace(fastest, failed=sum(speed.failed for speed in speeds))


def metered(pid: int, load: Callable[[], Speed]) -> Speed:
    """Add the CPU time that the process used for each request: what noise from other processes hardly touches."""
    before = cpu_seconds(pid)
    speed = load()
    return replace(speed, cpu=(cpu_seconds(pid) - before) / max(1, speed.requests) * 1000)


def get(port: int, paths: list[str], token: str, *, seconds: float, connections: int = 4) -> Speed:
    """GET the paths in turn with wrk."""
    quoted = ", ".join(f'"{path}"' for path in paths)
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "paths.lua"
        script.write_text(_SCRIPT.format(paths=quoted, token=token))
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "10s",
            "-s",
            str(script),
        ]
        done = subprocess.run([*command, f"http://{HOST}:{port}"], capture_output=True, text=True, check=False)
    found = _RESULT.search(done.stdout)
    if found is None:
        raise ServerError(f"wrk failed: {done.stderr or done.stdout}")
    requests, microseconds, median, p99, failed = (int(number) for number in found.groups())
    return Speed(requests / microseconds * 1e6, median / 1000, p99 / 1000, failed, requests)


def send(job: Job) -> tuple[Speed, Report]:
    """Do a job of varying bodies with the client of our own."""
    command = [sys.executable, "-m", "tests.bench.load"]
    done = subprocess.run(command, input=msgspec.json.encode(job), stdout=subprocess.PIPE, check=True)
    report = msgspec.json.decode(done.stdout, type=Report)
    good = sum(number for status, number in report.statuses.items() if status.startswith("2"))
    failed = sum(report.statuses.values()) - good
    times = report.latencies or [0.0]
    median, p99 = times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000
    return Speed(good / report.seconds, median, p99, failed, good + failed), report


def cpu_seconds(pid: int | str) -> float:
    """Return the CPU time a process ("self" for this one) has used in all its threads."""
    # Fields 14 and 15, utime and stime; the name in field 2 may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
