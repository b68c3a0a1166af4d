"""Work that waits for others like it: a few pieces at one time, and what comes meanwhile is the next piece."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final

_PATIENCE: Final = 0.25
"""Seconds after which a piece is no longer waited for: it may have met a record that a dead writer holds."""

Piece = Coroutine[Any, Any, None]


class Turns:
    """Begins pieces of work, so many at one time; `take` returns the next one, None while there is none."""

    def __init__(self, at_once: int, take: Callable[[], Piece | None]) -> None:
        self._at_once = at_once
        self._take = take
        self._under_way = 0
        self._is_starting = False
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Take what there is in the next round of the loop, so that whoever asks in this one comes along."""
        if not self._is_starting and self._under_way < self._at_once:
            self._is_starting = True
            asyncio.get_running_loop().call_soon(self._start)

    def begin(self, piece: Piece) -> None:
        """Begin what waits for nothing."""
        # In a context of its own: the driver's deadline of whoever asks is not meant for it.
        task = asyncio.create_task(piece, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _start(self) -> None:
        self._is_starting = False
        while self._under_way < self._at_once and (piece := self._take()) is not None:
            self._under_way += 1
            self.begin(self._turn(piece))

    async def _turn(self, piece: Piece) -> None:
        work = asyncio.create_task(piece)
        await asyncio.wait({work}, timeout=_PATIENCE)
        self._under_way -= 1
        self.wake()
        await work
