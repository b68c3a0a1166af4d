"""One deadline for each request, looked after by one timer for all: a timer for each would be most of the cost."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from idp.errors import DeadlineExceeded

TICK: Final = 0.05
T = TypeVar("T")


class Deadlines:
    """Cancels what takes longer than `seconds`, up to a tick late."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # In the order in which they are due, since all get the same time.
        self._running: dict[asyncio.Task[object], float] = {}
        self._expired: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def keep(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do the work in the present task. Raises DeadlineExceeded when it was not done in time."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine runs in a task)
        self._running[task] = time.monotonic() + self._seconds
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)
        try:
            return await work()
        except asyncio.CancelledError:
            # Only if nobody else wants the task to end as well.
            if task in self._expired and task.uncancel() == 0:
                raise DeadlineExceeded("the request") from None
            raise
        finally:
            self._running.pop(task, None)
            self._expired.discard(task)

    def _tick(self) -> None:
        now = time.monotonic()
        while self._running:
            task, due = next(iter(self._running.items()))
            if due > now:
                break
            del self._running[task]
            self._expired.add(task)
            task.cancel()
        running = bool(self._running)
        self._timer = asyncio.get_running_loop().call_later(TICK, self._tick) if running else None
