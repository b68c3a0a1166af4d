"""Locks by key inside one process, and retries after a race that another process won."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from idp.errors import VersionMismatch

Result = TypeVar("Result")

# Within a process the locks keep order, so a race is lost against other processes only. Each round has one winner: of
# 16 processes that all want the same record, one loses 200 rounds in a row once in 400,000 times; a deadline is first.
TRIES: Final = 200


class Stale(VersionMismatch):
    """The version that the caller expected is not the present one: no retry can help."""


class KeyedLocks:
    """One lock per key for as long as somebody holds it or waits for it.

    They only spare lost races: what is right is decided by the versions in the commit.
    """

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, *keys: str) -> AsyncIterator[None]:
        """Hold the locks of all these keys; always taken in the same order, so that nobody waits in a circle."""
        held: list[str] = []
        try:
            for key in keys if len(keys) == 1 else sorted(set(keys)):
                await self._take(key)
                held.append(key)
            yield
        finally:
            for key in reversed(held):
                self._locks[key][0].release()
                self._leave(key)

    async def _take(self, key: str) -> None:
        lock, users = self._locks.get(key) or (asyncio.Lock(), 0)
        self._locks[key] = (lock, users + 1)
        try:
            await lock.acquire()
        except asyncio.CancelledError:
            self._leave(key)
            raise

    def _leave(self, key: str) -> None:
        lock, users = self._locks.pop(key)
        if users > 1:
            self._locks[key] = (lock, users - 1)


async def retrying(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Run the attempt, which reads anew each time, until it loses no race. Raises VersionMismatch after too many."""
    for _ in range(TRIES - 1):
        try:
            return await attempt()
        except Stale:
            raise
        except VersionMismatch:
            continue
    return await attempt()
