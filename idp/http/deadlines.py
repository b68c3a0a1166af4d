"""One deadline for each request, looked after by one timer for all: a timer for each would be most of the cost."""

import asyncio
import time
from typing import Final

from idp.errors import DeadlineExceeded

TICK: Final = 0.05
Task = asyncio.Task[object]


class Deadlines:
    """Cancels what takes longer than `seconds`, up to a tick late."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # In the order in which they are due, since all get the same time.
        self._running: dict[Task, float] = {}
        self._expired: set[Task] = set()
        self._timer: asyncio.TimerHandle | None = None

    def kept(self) -> "_Kept":
        """Return what a block of the present task is put in; it raises DeadlineExceeded when it was not done in time.

        A class and no coroutine, because every request goes through it.
        """
        return _Kept(self)

    def begin(self) -> Task:
        """Watch the present task from now on."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine runs in a task)
        self._running[task] = time.monotonic() + self._seconds
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)
        return task

    def end(self, task: Task) -> bool:
        """Watch the task no longer; tells whether its time was over."""
        self._running.pop(task, None)
        if task not in self._expired:
            return False
        self._expired.discard(task)
        return True

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


class _Kept:
    __slots__ = ("_deadlines", "_task")

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines

    def __enter__(self) -> None:
        self._task = self._deadlines.begin()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        expired = self._deadlines.end(self._task)
        # Only if nobody else wants the task to end as well.
        if kind is not None and issubclass(kind, asyncio.CancelledError) and expired and self._task.uncancel() == 0:
            raise DeadlineExceeded("the request") from None
