"""A few threads with connections of their own for what takes too long on the event loop."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Final, TypeVar

import apsw

from idp.errors import DeadlineExceeded, Overloaded
from idp.store.sqlite.database import WHAT, translated

THREADS: Final = 2
STEPS: Final = 10_000
"""Instructions of SQLite's machine, about a tenth of a millisecond, between two looks whether to go on."""

Answer = TypeVar("Answer")


class _Read:
    """One read, which may be ended from the event loop while a thread is at it."""

    def __init__(self) -> None:
        self._ended = False

    def begin(self, connection: apsw.Connection) -> bool:
        """Take the connection; False when nobody wants the answer any more."""
        # Not sqlite3_interrupt: it ends statements that run, and is lost between two of them.
        connection.set_progress_handler(lambda: self._ended, STEPS)
        return not self._ended

    def end(self) -> None:
        """End the read wherever it is."""
        self._ended = True


class Readers:
    """Runs reads in threads, each on one snapshot of the file."""

    def __init__(self, connections: Iterable[apsw.Connection], max_waiting: int, timeout: float) -> None:
        self._idle: SimpleQueue[apsw.Connection] = SimpleQueue()
        for connection in connections:
            self._idle.put(connection)
        self._threads = ThreadPoolExecutor(THREADS, "sqlite-reader")
        self._max_waiting = max_waiting
        self._waiting = 0
        self._timeout = timeout

    async def do(self, work: Callable[[apsw.Connection], Answer]) -> Answer:
        """Run the work in a thread; being cancelled, or running out of time, ends it."""
        if self._waiting >= self._max_waiting:
            raise Overloaded(WHAT)
        self._waiting += 1
        read = _Read()
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._perform, read, work)
        except TimeoutError:
            raise DeadlineExceeded(WHAT) from None
        finally:
            read.end()
            self._waiting -= 1

    async def close(self) -> None:
        """Wait for the reads under way, then close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        while not self._idle.empty():
            self._idle.get().close()

    # --- in a thread ---

    def _perform(self, read: _Read, work: Callable[[apsw.Connection], Answer]) -> Answer:
        connection = self._idle.get()
        try:
            if not read.begin(connection):
                raise DeadlineExceeded(WHAT)
            connection.execute("BEGIN")
            return work(connection)
        except apsw.InterruptError:
            raise DeadlineExceeded(WHAT) from None
        except apsw.Error as error:
            raise translated(error) from error
        finally:
            connection.set_progress_handler(None)
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._idle.put(connection)
