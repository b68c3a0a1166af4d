"""The write-ahead log, copied into the file beside the commits that go on."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import apsw

logger = logging.getLogger(__name__)

# The log is copied in a quiet moment, and in a busy one when it is this many pages (64 MB) long: a page that many
# commits touch is then written once.
SHORT: Final = 1_000
LONG: Final = 16_000
# What is added during one pass is the work of the next: each is a fraction of the one before.
_PASSES: Final = 4
QUIET: Final = 0.05
"""Seconds without a commit that are a quiet moment."""
HELD: Final = 5.0
"""Seconds until the same is tried again, where readers hold the log or the disk does not take it."""


class WriteAheadLog:
    """Copies the log in a thread and on a connection of its own, so that no commit waits for it.

    Only when nothing is left to be copied does SQLite begin the log anew, and commits add to it all the while: the last
    few pages are the writer's to copy, between two transactions. What hinders copying hinders no commit. All methods
    are called in the writer's thread, `close` once that has ended.
    """

    def __init__(self, connection: apsw.Connection, *, short: int = SHORT, long: int = LONG) -> None:
        self._connection = connection
        self._short = short
        self._long = long
        self._thread = ThreadPoolExecutor(1, "sqlite-log")
        self._copying: Future[int] | None = None
        # In pages: how long the log is, how much of it has been copied, how long it was when that was last tried.
        self._pages = self._copied = self._tried = 0
        self._fails = False

    def note(self, pages: int) -> None:
        """Take note of the length that a commit has left."""
        if pages < self._tried:
            self._copied = self._tried = 0
        self._pages = pages

    @property
    def pause(self) -> float | None:
        """Seconds without a commit after which it is worth tending; None while nothing is to be done."""
        if self._copying is None and self._pages - self._copied <= self._short:
            return None
        return QUIET if self._copying is not None or self._pages > self._tried else HELD

    def tend(self, writer: apsw.Connection, *, quiet: bool) -> None:
        """Have the log copied if it is time, and copy the rest by the writer's connection when that is done."""
        try:
            self._tend(writer, quiet=quiet)
        except (apsw.Error, RuntimeError, MemoryError) as error:
            # No room, no thread or no memory: a commit that needs it too hears of it by itself.
            self._tried = self._pages
            if not self._fails:
                logger.warning("the write-ahead log cannot be copied and grows: %s", type(error).__name__)
            self._fails = True

    def _tend(self, writer: apsw.Connection, *, quiet: bool) -> None:
        if self._copying is not None:
            if self._copying.done():
                self._finish(self._copying, writer)
        elif self._pages - (self._copied if quiet else self._tried) > (self._short if quiet else self._long):
            self._copying = self._thread.submit(self._copy_beside)

    def _finish(self, copying: Future[int], writer: apsw.Connection) -> None:
        self._copying = None
        self._copied = min(copying.result(), self._pages)
        if self._copied < self._pages:
            self._copied = _copy(writer)
        self._tried = self._pages
        self._fails = False

    def close(self) -> None:
        """Let go of thread and connection, once a copy under way is made."""
        self._thread.shutdown()
        self._connection.close()

    def _copy_beside(self) -> int:
        copied = 0
        for _ in range(_PASSES):
            before, copied = copied, _copy(self._connection)
            if self._pages - copied <= self._short or copied == before:
                break
        return copied


def _copy(connection: apsw.Connection) -> int:
    """Copy as far as readers let us; returns how many pages of the log have been copied by now."""
    try:
        return connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)[1]
    except apsw.BusyError:
        # Another process is at it.
        return 0
