"""SCIM at several sizes of the directory: beside a bare server, beside a small directory, and with a large group."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import beside_bare, growth, memberships, pages, peers
from tests.bench.peers import Peer
from tests.bench.scene import Scene, scene
from tests.bench.table import Row, print_rows

_MEMORY, _START = 90, 1.0
_TIMES = "p50 / p99 ms"


@dataclass(frozen=True)
class Effort:
    """How long to measure: so many rounds of so many seconds."""

    seconds: float
    rounds: int


def bench(
    directory: Path, sizes: Sequence[int], effort: Effort, settings: dict[str, str], compared: Sequence[Peer]
) -> None:
    """Measure at each size and print the tables; the first server stays up, to be measured beside the others."""
    first, *others = sizes
    with scene(directory / f"scim-{first}", first, settings) as small:
        _print_beside_bare(small, effort)
        for peer in compared:
            rows = peers.measure(peer, small, directory, effort.seconds, effort.rounds)
            print_rows(f"{first:,} users beside {peer.package}", peer.package, rows)
        for users in others:
            with scene(directory / f"scim-{users}", users, settings) as large:
                _print_beside_bare(large, effort)
                rows = growth.measure(small, large, effort.seconds, effort.rounds)
                print_rows(f"{users:,} users beside {first:,}: {_TIMES}", f"{first:,}", rows)
                if users == max(sizes):
                    _print_memberships(large, effort)
        if not others:
            _print_memberships(small, effort)


def _print_beside_bare(now: Scene, effort: Effort) -> None:
    rows = beside_bare.measure(now, effort.seconds, effort.rounds)
    memory, started = now.idp.memory(), now.idp.started_in
    rows.append(
        Row(
            "memory idle / loaded",
            f"{now.idle:.0f} / {memory:.0f} MB",
            wanted=f"< {_MEMORY} MB",
            met=now.idle < _MEMORY,
        )
    )
    rows.append(Row("start to ready", f"{started:.2f} s", wanted=f"< {_START:g} s", met=started < _START))
    print_rows(f"{now.users:,} users", "bare aiohttp", rows)
    print_rows(f"{now.users:,} users, pages: {_TIMES}", "page 1", [pages.measure(now, effort.seconds, effort.rounds)])


def _print_memberships(now: Scene, effort: Effort) -> None:
    rows = memberships.measure(now, effort.seconds, effort.rounds)
    print_rows(f"a group of {memberships.size(now.users):,}: {_TIMES}", f"of {memberships.SMALL}", rows)
