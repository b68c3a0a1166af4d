"""Other SCIM servers beside ours, with the same people and the same requests.

They are installed into an environment of their own, which goes with the run: none is a dependency of the project.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.growth import times, usual
from tests.bench.load import Job
from tests.bench.measure import Speed, metered, send
from tests.bench.scene import Scene
from tests.bench.table import Row
from tests.bench.users import USERS, as_text, key_of, patch, searched, user, user_name
from tests.support.ports import free_port, is_listening
from tests.support.process import ServerError, ServerProcess

_CONNECTIONS = 4
_MOST = 1_000
_TOKEN = "bench"


@dataclass(frozen=True)
class Peer:
    """A server from the package index: the command that its package installs, and where it has its users."""

    package: str
    command: Callable[[int], tuple[str, ...]]
    users: str


PEERS = (
    Peer("scim2-server", lambda port: ("scim2-server", "--port", str(port), "--bearer-token", _TOKEN), "/v2/Users"),
)


@dataclass(frozen=True)
class Side:
    """A server that takes part, with the same people as the others, by their numbers."""

    port: int
    pid: int
    token: str
    users: str
    ids: list[str]

    def jobs(self) -> Iterator[tuple[str, Job]]:
        """Yield the loads, the same ones for every server."""
        one = [f"{self.users}/{id_}" for id_ in self.ids]
        names = [f'userName eq "{user_name(key_of(number))}"' for number in range(len(self.ids))]
        yield "GET one user", self.job("GET", one)
        yield "filter userName eq", self.job("GET", [searched(name, endpoint=self.users) for name in names])
        yield "list of 100", self.job("GET", [f"{self.users}?count=100"])
        yield "PATCH one attribute", self.job("PATCH", one, as_text(patch("replace", "title", "Title @n@")))
        yield "POST a user", self.job("POST", [self.users], as_text(user("@n@peer")))

    def job(self, method: str, paths: list[str], body: str = "") -> Job:
        """A load for this server."""
        return Job(self.port, method, paths, self.token, body, connections=_CONNECTIONS)

    def run(self, job: Job, seconds: float) -> Speed:
        """Put the load on, which goes on counting where it ended."""
        job.seconds = seconds
        speed = metered(self.pid, lambda: send(job)[0])
        job.first += speed.requests
        return speed


def measure(peer: Peer, now: Scene, directory: Path, seconds: float, rounds: int) -> list[Row]:
    """Install the peer, give it the people that we have, and compare."""
    place = directory / "peers"
    with _serving(peer, place) as (port, pid):
        ours = Side(now.idp.port, now.idp.process.pid, now.idp.token, USERS, now.ids[:_MOST])
        other = Side(port, pid, _TOKEN, peer.users, _posted(peer, port, len(ours.ids)))
        return [
            _row(what, *_in_turns(ours, job, other, its, seconds, rounds))
            for (what, job), (_, its) in zip(ours.jobs(), other.jobs(), strict=True)
        ]


def _in_turns(ours: Side, job: Job, other: Side, its: Job, seconds: float, rounds: int) -> tuple[Speed, Speed]:
    pairs = [(ours.run(job, seconds), other.run(its, seconds)) for _ in range(rounds)]
    return usual([mine for mine, _ in pairs]), usual([theirs for _, theirs in pairs])


def _posted(peer: Peer, port: int, count: int) -> list[str]:
    """Create the people one by one, in their order; returns their ids."""
    keys = [key_of(number) for number in range(count)]
    job = Job(port, "POST", [peer.users], _TOKEN, as_text(user("@id@")), ids=keys, count=count, collect=True)
    _, report = send(job)
    if len(report.collected) != count:
        raise ServerError(f"{peer.package} took {len(report.collected)} of {count} people: {report.statuses}")
    return report.collected


@contextmanager
def _serving(peer: Peer, place: Path) -> Iterator[tuple[int, int]]:
    """Install a peer and let it serve; gives port and process id."""
    programs = place / "bin"
    if not programs.exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
    subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", "--quiet", peer.package], check=True)
    port = free_port()
    program, *arguments = peer.command(port)
    process = ServerProcess([programs / program, *arguments], place / f"{peer.package}.log")
    process.start(lambda: is_listening(port))
    try:
        yield port, process.pid
    finally:
        process.stop()


def _row(what: str, ours: Speed, other: Speed) -> Row:
    failed = f", {ours.failed + other.failed} FAILED" if ours.failed + other.failed else ""
    cpu = f"{other.cpu / ours.cpu:.1f}" if ours.cpu else ""
    ratio = f"{ours.rate / other.rate:.1f}" if other.rate else ""
    return Row(what, f"{ours.rate:,.0f}/s{failed}", f"{other.rate:,.0f}/s", ratio, cpu, times(ours))
