"""Locks by key inside one process, reading what is to change, and retries after a race that another process won."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from idp.errors import NotFound, VersionMismatch
from idp.schema import ResourceType
from idp.store.contract import Record, Store

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

    def hold(self, *keys: str) -> "_Held":
        """Hold the locks of all these keys; always taken in the same order, so that nobody waits in a circle."""
        return _Held(self, keys if len(keys) == 1 else sorted(set(keys)))

    async def take(self, key: str) -> None:
        """Wait for one lock and hold it."""
        lock, users = self._locks.get(key) or (asyncio.Lock(), 0)
        self._locks[key] = (lock, users + 1)
        try:
            await lock.acquire()
        except asyncio.CancelledError:
            self._leave(key)
            raise

    def release(self, key: str) -> None:
        """Let go of a lock that is held."""
        self._locks[key][0].release()
        self._leave(key)

    def _leave(self, key: str) -> None:
        lock, users = self._locks.pop(key)
        if users > 1:
            self._locks[key] = (lock, users - 1)


class _Held:
    """Some locks, for as long as a block takes; a class, because a generator costs several times as much."""

    __slots__ = ("_held", "_keys", "_locks")

    def __init__(self, locks: KeyedLocks, keys: Sequence[str]) -> None:
        self._locks = locks
        self._keys = keys
        self._held: list[str] = []

    async def __aenter__(self) -> None:
        try:
            for key in self._keys:
                await self._locks.take(key)
                self._held.append(key)
        except BaseException:
            self._release()
            raise

    async def __aexit__(self, *error: object) -> None:
        self._release()

    def _release(self) -> None:
        while self._held:
            self._locks.release(self._held.pop())


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


async def read_current(store: Store, kind: ResourceType, id: str, expected_version: int | None = None) -> Record:
    """Return the record that is to be changed. Raises NotFound, and Stale when it has not the expected version."""
    record = await store.get(kind.collection, id)
    if record is None:
        raise NotFound(kind.name, id)
    if expected_version not in (None, record.version):
        raise Stale(kind.collection, id)
    return record
