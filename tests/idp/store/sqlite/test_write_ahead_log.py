"""The write-ahead log is copied into the file without a commit waiting for it, and does not grow for ever."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from idp.store.sqlite.write_ahead_log import HELD, QUIET, WriteAheadLog

LONG, PAGE = 20, 4096


class SlowDisk(apsw.Connection):
    """A connection whose copying begins only when it is let."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.begun = threading.Event()
        self.may_go_on = threading.Event()

    def wal_checkpoint(self, *given: Any, **named: Any) -> tuple[int, int]:
        """As SQLite does, once it may."""
        self.begun.set()
        assert self.may_go_on.wait(30)
        return super().wal_checkpoint(*given, **named)


class CountedCopies(apsw.Connection):
    """A connection that counts how often it was asked to copy."""

    copies = 0

    def wal_checkpoint(self, *given: Any, **named: Any) -> tuple[int, int]:
        """As SQLite does."""
        self.copies += 1
        return super().wal_checkpoint(*given, **named)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a table."""
    found = tmp_path / "log.sqlite"
    connection = apsw.Connection(str(found))
    connection.pragma("journal_mode", "wal")
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    return found


@pytest.fixture
def beside(path: Path) -> Iterator[SlowDisk]:
    """The connection of the log."""
    connection = SlowDisk(str(path))
    yield connection
    connection.may_go_on.set()


class Commits:
    """Makes commits as the writer does."""

    def __init__(self, path: Path, log: WriteAheadLog) -> None:
        self._log = log
        self.connection = apsw.Connection(str(path))
        self.connection.set_wal_hook(self._note)
        self.pages = 0

    def make(self, count: int) -> None:
        """Make so many of one page and a bit, tending the log in between."""
        for _ in range(count):
            self.connection.execute("INSERT INTO t VALUES (zeroblob(?))", (PAGE,))
            self._log.tend(self.connection, quiet=False)

    def _note(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self.pages = pages
        self._log.note(pages)
        return apsw.SQLITE_OK


def test_commits_go_on_while_the_log_is_copied(path: Path, beside: SlowDisk) -> None:
    log = WriteAheadLog(beside, short=5, long=LONG)
    commits = Commits(path, log)
    commits.make(LONG)
    assert beside.begun.wait(30)
    commits.make(3 * LONG)
    assert commits.pages > 3 * LONG
    assert path.stat().st_size < 3 * PAGE
    beside.may_go_on.set()
    log.close()
    # The writer copies what came meanwhile, and the next commit begins the log anew.
    commits.make(2)
    assert commits.pages < LONG
    assert path.stat().st_size > 4 * LONG * PAGE


def test_the_log_stays_short_however_many_commits_are_made(path: Path, beside: SlowDisk) -> None:
    beside.may_go_on.set()
    log = WriteAheadLog(beside, short=5, long=LONG)
    commits, longest = Commits(path, log), 0
    for _ in range(12):
        commits.make(LONG)
        longest = max(longest, commits.pages)
        while log.pause is not None:
            log.tend(commits.connection, quiet=True)
    assert longest < 5 * LONG
    log.close()
    assert path.stat().st_size > 12 * LONG * PAGE


def test_a_log_that_readers_hold_is_copied_once_they_have_gone(path: Path, beside: SlowDisk) -> None:
    beside.may_go_on.set()
    log = WriteAheadLog(beside, short=5, long=LONG)
    commits, reader = Commits(path, log), apsw.Connection(str(path))
    reader.execute("BEGIN; SELECT count(*) FROM t").fetchall()
    commits.make(4 * LONG)
    assert commits.pages > 4 * LONG
    reader.execute("ROLLBACK")
    while log.pause is not None:
        log.tend(commits.connection, quiet=True)
    commits.make(1)
    assert commits.pages < LONG
    log.close()


def closed_connection(log: WriteAheadLog, beside: apsw.Connection) -> None:
    beside.close()


def no_thread(log: WriteAheadLog, beside: apsw.Connection) -> None:
    log.close()


@pytest.mark.parametrize("trouble", [closed_connection, no_thread])
def test_commits_go_on_where_the_log_cannot_be_copied_and_it_is_told_of_once(
    path: Path, caplog: pytest.LogCaptureFixture, trouble: Callable[[WriteAheadLog, apsw.Connection], None]
) -> None:
    beside = apsw.Connection(str(path))
    log = WriteAheadLog(beside, short=5, long=LONG)
    commits = Commits(path, log)
    trouble(log, beside)
    commits.make(3 * LONG)
    while log.pause == QUIET:
        log.tend(commits.connection, quiet=True)
    assert log.pause == HELD
    assert commits.pages > 3 * LONG
    (told,) = caplog.messages
    assert "cannot be copied" in told
    log.close()


def test_a_log_that_readers_hold_is_tried_seldom(path: Path) -> None:
    beside = CountedCopies(str(path))
    log = WriteAheadLog(beside, short=5, long=LONG)
    commits, reader = Commits(path, log), apsw.Connection(str(path))
    reader.execute("BEGIN; SELECT count(*) FROM t").fetchall()
    commits.make(10 * LONG)
    assert beside.copies <= 2 * commits.pages / LONG
    while log.pause == QUIET:
        log.tend(commits.connection, quiet=True)
    assert log.pause == HELD
    commits.make(1)
    assert log.pause == QUIET
    log.close()
