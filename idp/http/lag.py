"""How late the event loop runs: the one measure of overload that also sees work which never waits.

A count of requests in flight does not grow when handlers do not wait; the queue is then inside the loop.
"""

import asyncio
import time
from typing import Final

TICK: Final = 0.05


class LoopLag:
    """Measures by a timer how late callbacks run.

    Two ticks in a row over the limit are overload; a single one is a hiccup (a collection, a slow disk).
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._due = time.monotonic() + TICK
        self._last = 0.0
        self._before = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to measure on the running loop."""
        self._due = time.monotonic() + TICK
        self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def stop(self) -> None:
        """End the timer."""
        if self._timer is not None:
            self._timer.cancel()

    @property
    def seconds(self) -> float:
        """How late the loop is now, the tick that is due included."""
        return max(self._last, time.monotonic() - self._due)

    @property
    def is_overloaded(self) -> bool:
        """Whether new work should be refused."""
        return self._before > self._limit and self.seconds > self._limit

    def _tick(self) -> None:
        now = time.monotonic()
        self._before, self._last = self._last, max(0.0, now - self._due)
        self._due = now + TICK
        self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)
