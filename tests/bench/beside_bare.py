"""Reads and writes beside a bare server that answers the same bytes."""

from dataclasses import dataclass

from msgspec import structs

from tests.bench.load import Job
from tests.bench.measure import Pair, Speed, alternate, get, metered, send
from tests.bench.scene import Scene, put_job
from tests.bench.server import bare_server
from tests.bench.table import Row
from tests.bench.users import USERS, key_of, patch, searched, user, user_name

WRITERS = 32


@dataclass(frozen=True)
class Goal:
    """Two numbers that are wanted of a measure, the second one stricter: shares of the bare server's rate, or rates."""

    wanted: float
    aim: float
    is_share: bool = False

    def texts(self) -> tuple[str, str]:
        """Both as the table shows them."""
        return self._text(self.wanted), self._text(self.aim)

    def reached(self, pair: Pair) -> tuple[bool, bool]:
        """Whether the measure reached each, without a failed request."""
        number = pair.ours.rate / pair.bare.rate if self.is_share else pair.ours.rate
        return number >= self.wanted and not pair.ours.failed, number >= self.aim and not pair.ours.failed

    def _text(self, number: float) -> str:
        return f">= {number:g}x" if self.is_share else f">= {number:,.0f}/s"


READ, FILTER, LIST = "GET one user", "filter userName eq", "list of 100"
PATCHED, PUT, POSTED = "PATCH one attribute", "PUT a user", "POST a user"
GOALS = {
    READ: Goal(0.5, 0.6, is_share=True),
    FILTER: Goal(0.4, 0.5, is_share=True),
    LIST: Goal(300, 500),
    PATCHED: Goal(1000, 1500),
    PUT: Goal(1000, 1500),
    POSTED: Goal(1000, 1500),
}


def measure(scene: Scene, seconds: float, rounds: int) -> list[Row]:
    """Take each measure on ours and on the bare server, in short turns, so that some of them run undisturbed."""
    numbers = scene.sample()
    one = [f"{USERS}/{scene.ids[number]}" for number in numbers]
    reads = {
        READ: one,
        FILTER: [searched(f'userName eq "{user_name(key_of(number))}"') for number in numbers],
        LIST: [f"{USERS}?count=100"],
    }
    writes = {
        PATCHED: scene.job("PATCH", one, patch("replace", "title", "Title @n@")),
        PUT: put_job(scene, "put"),
        POSTED: scene.job("POST", [USERS], user("@n@more")),
    }
    # The bare server gives each answer that ours gives: one that is always the same lies in the processor's cache.
    payloads = {_place(what, turn): scene.idp.fetch(path) for what in reads for turn, path in enumerate(reads[what])}
    payloads["write"] = payloads[_place(READ, 0)]
    with bare_server(payloads, scene.directory) as bare:
        pairs = {what: _read(scene, what, paths, bare, seconds, rounds) for what, paths in reads.items()}
        pairs |= {what: _write(scene, job, bare, seconds, rounds) for what, job in writes.items()}
    return [_row(what, pair) for what, pair in pairs.items()]


def _read(scene: Scene, what: str, paths: list[str], bare: tuple[int, int], seconds: float, rounds: int) -> Pair:
    idp, same = scene.idp, [f"/{_place(what, turn)}" for turn in range(len(paths))]
    return alternate(
        lambda: metered(idp.process.pid, lambda: get(idp.port, paths, idp.token, seconds=seconds)),
        lambda: metered(bare[1], lambda: get(bare[0], same, "", seconds=seconds)),
        rounds,
    )


def _write(scene: Scene, job: Job, bare: tuple[int, int], seconds: float, rounds: int) -> Pair:
    job.seconds, job.connections = seconds, WRITERS

    def other() -> Speed:
        return send(structs.replace(job, port=bare[0], paths=["/write"]))[0]

    return alternate(lambda: scene.run(job), lambda: metered(bare[1], other), rounds)


def _place(what: str, turn: int) -> str:
    """Where the bare server has the answer to one of a measure's requests."""
    return f"{what.replace(' ', '-')}-{turn}"


def _row(what: str, pair: Pair) -> Row:
    ours, bare, goal = pair.ours, pair.bare, GOALS[what]
    failed = f", {ours.failed} FAILED" if ours.failed else ""
    (wanted, aim), (met, reached) = goal.texts(), goal.reached(pair)
    return Row(
        what,
        f"{ours.rate:,.0f}/s{failed}",
        f"{bare.rate:,.0f}/s",
        f"{ours.rate / bare.rate:.2f}",
        f"{bare.cpu / ours.cpu:.2f}" if ours.cpu else "",
        f"{ours.median:.1f} / {ours.p99:.1f}",
        wanted=wanted,
        met=met,
        aim=aim,
        reached=reached,
    )
