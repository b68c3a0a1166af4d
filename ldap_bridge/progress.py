"""How far a run has come, told to whoever watches."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` (None while unknown) in this phase, at `rate` a second since it began."""

    phase: str
    done: int
    total: int | None
    rate: float


Watcher = Callable[[Progress], None]


def unwatched(_: Progress) -> None:
    """Nobody watches."""


class Meter:
    """Counts one phase."""

    def __init__(self, watcher: Watcher, phase: str, total: int | None = None) -> None:
        self._watcher = watcher
        self._phase = phase
        self._total = total
        self._started = monotonic()
        self._done = 0
        self._tell()

    def add(self, count: int) -> None:
        """So many more are done."""
        self._done += count
        self._tell()

    def _tell(self) -> None:
        took = monotonic() - self._started
        self._watcher(Progress(self._phase, self._done, self._total, self._done / took if took else 0.0))
