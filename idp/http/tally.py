"""Counts that workers leave for each other: a small file for each process, written whole, read by whoever is asked."""

import time
from pathlib import Path
from typing import Final

import msgspec

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds; one more counts what took longer."""
FRESH: Final = 5.0
"""Seconds after which a file was left behind by a process that has ended; its counts stay true, its state does not."""


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """What one process has counted since its start."""

    requests: list[tuple[str, str, int, int]]
    """Method, route, status, how many."""
    times: list[tuple[str, list[int], float]]
    """Route, how many in each bucket, seconds in all."""
    shed: int
    lag: float
    clients: list[tuple[str, str, int, int, float]] = []
    """SCIM client, operation, status, how many, seconds in all."""


class TallyFiles:
    """The files of all workers in one directory; this process' own is `name`."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._own = directory / f"{name}.json"

    def write(self, tally: Tally) -> None:
        """Put this process' counts in place of its earlier ones."""
        draft = self._own.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(tally))
        draft.replace(self._own)

    def read_others(self) -> list[Tally]:
        """Return the counts of the other processes, also of those that have ended."""
        others = [path for path in self._directory.glob("*.json") if path != self._own]
        return [self._read(path) for path in others]

    def _read(self, path: Path) -> Tally:
        tally = msgspec.json.decode(path.read_bytes(), type=Tally)
        age = time.time() - path.stat().st_mtime  # noqa: TID251 - compared with the file system's own clock
        return tally if age < FRESH else msgspec.structs.replace(tally, lag=0.0)
