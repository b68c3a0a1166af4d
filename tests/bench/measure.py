"""Runs one load against one server, by wrk or by the client of our own, and returns rate and latencies."""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
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
    """Requests a second, latencies in milliseconds, and how many requests failed."""

    rate: float
    median: float
    p99: float
    failed: int


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
    return Speed(requests / microseconds * 1e6, median / 1000, p99 / 1000, failed)


def send(job: Job) -> tuple[Speed, Report]:
    """Do a job of varying bodies with the client of our own."""
    command = [sys.executable, "-m", "tests.bench.load"]
    done = subprocess.run(command, input=msgspec.json.encode(job), stdout=subprocess.PIPE, check=True)
    report = msgspec.json.decode(done.stdout, type=Report)
    good = sum(number for status, number in report.statuses.items() if status.startswith("2"))
    failed = sum(report.statuses.values()) - good
    times = report.latencies or [0.0]
    speed = Speed(good / report.seconds, times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000, failed)
    return speed, report
