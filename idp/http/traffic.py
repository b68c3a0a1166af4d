"""Requests in progress, counted so that the server can end after the last of them.

aiohttp's own shutdown throws away what still arrives of a body, so it has to begin when nobody sends any more.
"""

import asyncio
from contextlib import suppress


class Traffic:
    """Counts requests between their heads and their answers."""

    def __init__(self) -> None:
        self._count = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.is_draining = False
        """Whether answers tell clients that their connection ends."""

    def enter(self) -> None:
        """A request has begun."""
        self._count += 1
        self._quiet.clear()

    def leave(self) -> None:
        """A request is answered."""
        self._count -= 1
        if self._count == 0:
            self._quiet.set()

    async def drain(self, seconds: float) -> None:
        """Return when no request is in progress any more, or after so many seconds."""
        self.is_draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._quiet.wait()
