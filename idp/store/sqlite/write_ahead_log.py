"""The write-ahead log, copied into the file beside the commits that go on."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import apsw

# The log is copied in a quiet moment, and in a busy one when it is this many pages (64 MB) long: a page that many
# commits touch is then written once.
SHORT: Final = 1_000
LONG: Final = 16_000
# What is added during one pass is the work of the next: each is a fraction of the one before.
_PASSES: Final = 4


class WriteAheadLog:
    """Copies the log in a thread and on a connection of its own, so that no commit waits for it.

    Only when nothing is left to be copied does SQLite begin the log anew, and commits add to it all the while: the last
    few pages are the writer's to copy, between two transactions. All methods are called in the writer's thread.
    """

    def __init__(self, connection: apsw.Connection, *, short: int = SHORT, long: int = LONG) -> None:
        self._connection = connection
        self._short = short
        self._long = long
        self._thread = ThreadPoolExecutor(1, "sqlite-log")
        self._copying: Future[int] | None = None
        self._pages = 0
        self._copied = 0

    def note(self, pages: int) -> None:
        """Take note of the length that a commit has left."""
        if pages < self._copied:
            self._copied = 0
        self._pages = pages

    @property
    def waits_for_quiet(self) -> bool:
        """Whether a quiet moment is worth using."""
        return self._copying is not None or self._pages - self._copied > self._short

    def tend(self, writer: apsw.Connection, *, quiet: bool) -> None:
        """Have the log copied if it is time, and copy the rest by the writer's connection when that is done."""
        if self._copying is not None:
            if not self._copying.done():
                return
            self._copied = min(self._copying.result(), self._pages)
            self._copying = None
            if self._copied < self._pages:
                self._copied = _copy(writer)
        elif self._pages - self._copied > (self._short if quiet else self._long):
            self._copying = self._thread.submit(self._copy_beside)

    def close(self) -> None:
        """Let go of thread and connection, once a copy under way is made."""
        self._thread.shutdown()
        self._connection.close()

    def _copy_beside(self) -> int:
        copied = 0
        for _ in range(_PASSES):
            copied = _copy(self._connection)
            if self._pages - copied <= self._short:
                break
        return copied


def _copy(connection: apsw.Connection) -> int:
    """Copy as far as readers let us; returns how many pages of the log have been copied by now."""
    try:
        return connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)[1]
    except apsw.Error:
        # Another process is at it, or the disk is in a state that the next commit hears of.
        return 0
