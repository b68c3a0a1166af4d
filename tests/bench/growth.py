"""What each operation costs in a large directory beside a small one, measured in turns."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from tests.bench.measure import Speed
from tests.bench.operations import operations
from tests.bench.scene import Scene
from tests.bench.table import Row

CONNECTIONS = 4
# Of the time that ninety-nine in a hundred requests take.
WANTED = 2.0


def measure(small: Scene, large: Scene, seconds: float, rounds: int) -> list[Row]:
    """Put every operation's load on both, and compare."""
    rows = []
    mark = str(large.users)
    for one, other in zip(operations(small, rounds, mark), operations(large, rounds, mark), strict=True):
        for job in (one.job, other.job):
            job.connections, job.seconds = CONNECTIONS, seconds
        turns = [(large.run(other.job), small.run(one.job)) for _ in range(rounds)]
        rows.append(compared(one.name, turns, WANTED))
    before, after = small.idp.memory(), large.idp.memory()
    grown = after / before
    rows.append(
        Row("memory", f"{after:.0f} MB", f"{before:.0f} MB", f"{grown:.2f}", "", "", f"<= {WANTED:g}x", grown <= WANTED)
    )
    return rows


def compared(what: str, turns: Sequence[tuple[Speed, Speed]], wanted: float | None, *, of: str = "p99") -> Row:
    """Compare what was measured in turns: ours, and what is beside it."""
    ours, beside = (usual([turn[side] for turn in turns]) for side in (0, 1))
    return row(what, ours, beside, wanted, of=of)


def usual(speeds: list[Speed]) -> Speed:
    """The middle of several rounds, in each respect, with the failures of all."""
    return replace(
        speeds[0],
        rate=median(speed.rate for speed in speeds),
        median=median(speed.median for speed in speeds),
        p99=median(speed.p99 for speed in speeds),
        cpu=median(speed.cpu for speed in speeds),
        failed=sum(speed.failed for speed in speeds),
    )


def row(what: str, ours: Speed, beside: Speed, wanted: float | None, *, of: str = "p99") -> Row:
    """Compare the time that requests take: of the slowest in a hundred, or the `median`."""
    ratio, failed = getattr(ours, of) / getattr(beside, of), ours.failed + beside.failed
    return Row(
        what,
        times(ours) + (f", {failed} FAILED" if failed else ""),
        times(beside),
        f"{ratio:.2f}",
        f"{ours.cpu / beside.cpu:.2f}" if beside.cpu else "",
        wanted="" if wanted is None else f"<= {wanted:g}x",
        met=None if wanted is None else ratio <= wanted and not failed,
    )


def times(speed: Speed) -> str:
    """The usual time and that of the slowest in a hundred, in milliseconds."""
    return f"{speed.median:.2f} / {speed.p99:.2f}"
