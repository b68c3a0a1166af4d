"""Password hashing with argon2id, in few threads and with a short queue."""

import asyncio
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar
from unicodedata import normalize

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from idp.errors import Overloaded

T = TypeVar("T")

MAX_PASSWORD: Final = 256
"""Longer ones are refused unhashed: what is typed or generated is shorter, and hashing megabytes is an attack."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a hash costs; the default is the first of OWASP's equivalent choices for argon2id."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


class HashingPool:
    """Hashes and verifies in `workers` threads; when `max_waiting` more are queued it raises Overloaded at once."""

    def __init__(self, workers: int, max_waiting: int, profile: Profile = Profile()) -> None:
        self._hasher = PasswordHasher(profile.passes, profile.memory_kib, profile.lanes, type=Type.ID)
        self._threads = ThreadPoolExecutor(workers, "argon2")
        self._places = threading.Semaphore(workers + max_waiting)
        self._dummy = hash_of_nothing(profile)

    async def hash(self, password: str) -> str:
        """Return the password's hash, which names its own parameters and salt. Raises Overloaded."""
        return await self._run(lambda: self._hasher.hash(_prepared(password)))

    async def verify(self, stored: str, password: str) -> bool:
        """Tell whether the password is the hashed one. Raises Overloaded."""
        return await self._run(lambda: self._matches(stored, password))

    async def verify_nobody(self, password: str) -> None:
        """Take the time that a verification takes. Raises Overloaded."""
        await self._run(lambda: self._matches(self._dummy, password))

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a hash was made under another profile."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads end with what they have begun."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        # A password that is too long costs what any other wrong one costs.
        fits = len(password) <= MAX_PASSWORD
        try:
            self._hasher.verify(stored, _prepared(password if fits else ""))
        except VerifyMismatchError:
            return False
        return fits

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Overloaded("password hashing")
        future = self._threads.submit(work)
        # Not in a finally here: a caller that leaves cancels work that waits, but what runs keeps its place to the end.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _: Future[T]) -> None:
        self._places.release()


def hash_of_nothing(profile: Profile) -> str:
    """Return what is verified for people who have no password, so that they take as long as the others.

    It is no password's hash, and so need not be computed before it is needed: all bits of it are zero.
    """
    salt, tag = (b64encode(bytes(length)).decode().rstrip("=") for length in (16, 32))
    return f"$argon2id$v=19$m={profile.memory_kib},t={profile.passes},p={profile.lanes}${salt}${tag}"


def _prepared(password: str) -> bytes:
    # The same characters come composed or decomposed depending on the keyboard (RFC 8265 section 4.2.2 asks for NFC).
    return normalize("NFC", password).encode("utf-8", "surrogatepass")
