"""The run: one request after the other, each judged, and the whole summed up."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.fuzz.exchange import Answer, Connection
from tests.fuzz.mutate import request
from tests.fuzz.request import Wire
from tests.fuzz.scene import Scene
from tests.fuzz.verdict import complaints, is_shed, must_change_nothing

_MOST_FINDINGS: Final = 200
_INSPECT_EVERY: Final = 20
"""After so many requests the directory is looked at more closely, even if they were for reading."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A request whose answer was not what it must be; its number and the run's seed make it again."""

    number: int
    complaint: str
    request: str
    status: int
    answer: str


@dataclass
class Report:
    """What a run came to."""

    seed: int
    requests: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    shed: int = 0
    slowest: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    """Megabytes of the server, a hundred times in a run."""

    def summary(self) -> dict[str, Any]:
        """Return it as JSON; memory as it was after the warm-up of a tenth, at its highest, and at the end."""
        memory = self.memory or [0.0]
        return {
            "seed": self.seed,
            "requests": self.requests,
            "seconds": round(self.seconds, 1),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "shed": self.shed,
            "slowest_ms": round(self.slowest * 1000),
            "memory_mb": {
                "warm": round(memory[len(memory) // 10]),
                "highest": round(max(memory)),
                "end": round(memory[-1]),
            },
            "findings": [{name: getattr(finding, name) for name in Finding.__slots__} for finding in self.findings],
        }


@dataclass(frozen=True)
class Server:
    """What is under test: its address, a token for everything, a person's token, its memory if that can be told."""

    host: str
    port: int
    token: str
    personal_token: str
    memory: Callable[[], float] | None = None

    def token_for(self, path: str) -> str:
        """Return the token that a client would ask with at a path."""
        return self.personal_token if path == "/Me" else self.token


async def run(server: Server, seed: int, numbers: range, progress: Callable[[Report], None] | None = None) -> Report:
    """Send the requests of these numbers and return what came of them."""
    connection = Connection(server.host, server.port)
    scene = Scene(Connection(server.host, server.port), server.token)
    report = Report(seed)
    started = time.perf_counter()
    scene.digest = await scene.look()
    await scene.keep_size()
    for number in numbers:
        dice = Random(f"{seed}:{number}")
        wire = request(dice, scene.known, server.token_for)
        answer = await connection.ask(wire.method, wire.encode())
        found = [*complaints(wire, answer), *await _aftermath(scene, number, wire, answer)]
        if not wire.is_ours:
            await connection.close()
        _note(report, number, wire, answer, found)
        report.seconds = time.perf_counter() - started
        if report.requests % max(1, len(numbers) // 100) == 0:
            report.memory += [server.memory()] if server.memory else []
            if progress:
                progress(report)
    await connection.close()
    await scene.connection.close()
    return report


async def _aftermath(scene: Scene, number: int, wire: Wire, answer: Answer) -> list[str]:
    """Look at what the request has changed, and say whether it should not have."""
    if number % _INSPECT_EVERY == 0 and await scene.changed_secretly():
        return ["changed something under the same version"]
    if wire.only_reads and number % _INSPECT_EVERY:
        _keep_cursor(scene, answer)
        return []
    before, scene.digest = scene.digest, await scene.look()
    if scene.digest == before:
        return []
    await scene.keep_size()
    return ["changed something"] if must_change_nothing(wire, answer) else []


def _keep_cursor(scene: Scene, answer: Answer) -> None:
    if b'"nextCursor"' in answer.body:
        scene.known.cursor = answer.json()["nextCursor"]


def _note(report: Report, number: int, wire: Wire, answer: Answer, found: list[str]) -> None:
    report.requests += 1
    report.statuses[answer.status] += 1
    report.shed += is_shed(answer)
    report.slowest = max(report.slowest, answer.seconds)
    for complaint in found[: _MOST_FINDINGS - len(report.findings)]:
        told = (repr(wire.encode()[:1_500]), answer.status, repr(answer.body[:300]))
        report.findings.append(Finding(number, complaint, *told))
