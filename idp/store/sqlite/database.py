"""The SQLite file: how it is opened, what tables it has, and how driver errors become ours."""

import itertools
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from idp.errors import ConfigError, IdpError, Unavailable

# 3.7.0 to 3.51.2 can corrupt a WAL file that two connections write or checkpoint at the same instant.
OLDEST_SQLITE: Final = 3_051_003
FORMAT: Final = 2
WHAT: Final = "the store"
NO_ROOM: Final = "there is no room left on its disk"

Value = str | int | float | bytes | None

_CACHE_KIB: Final = 16_384
_LOOK: Final = 0.002
_SCHEMA: Final = """
CREATE TABLE state (generation INTEGER NOT NULL, probes INTEGER NOT NULL);
INSERT INTO state VALUES (1, 0);
CREATE TABLE collections (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, layout TEXT NOT NULL, amount INTEGER NOT NULL,
    changes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE fields (
    number INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, label TEXT NOT NULL,
    UNIQUE (collection, label)
);
CREATE TABLE records (
    number INTEGER PRIMARY KEY, collection INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    expires INTEGER, body BLOB NOT NULL
);
CREATE UNIQUE INDEX records_by_id ON records (collection, id);
CREATE INDEX records_by_expiry ON records (collection, expires) WHERE expires IS NOT NULL;
CREATE TABLE keys (
    field INTEGER, value, record INTEGER, leads INTEGER, PRIMARY KEY (field, value, record)
) WITHOUT ROWID;
CREATE TABLE claims (field INTEGER, value, record INTEGER, PRIMARY KEY (field, value)) WITHOUT ROWID;
"""
# From each older format to the one after it.
_UPGRADES: Final = {1: "ALTER TABLE collections ADD COLUMN changes INTEGER NOT NULL DEFAULT 0"}


def connect(path: Path, busy_seconds: float) -> apsw.Connection:
    """Open the file, which `create` has made, waiting so long for other processes: also for the whole file.

    Who leaves last clears the log away, who comes first after a kill reads it anew, and nobody else can open meanwhile.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    wait(connection, busy_seconds)
    # FULL: every commit is synced, also against a power cut. No mmap: several processes write.
    connection.execute(f"PRAGMA synchronous=FULL; PRAGMA mmap_size=0; PRAGMA cache_size=-{_CACHE_KIB}").fetchall()
    return connection


def wait(connection: apsw.Connection, busy_seconds: float) -> None:
    """Let the connection wait so long, from now on, for what another process holds."""
    connection.set_busy_handler(_Patience(busy_seconds))


class _Patience:
    """How a connection waits for one of another process: it looks often.

    SQLite's own way looks ever less often, up to ten times a second, and so gets no turn beside somebody who writes
    commit after commit, such as a run of a directory.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = 0.0

    def __call__(self, looked: int) -> bool:
        """Wait a moment; tells whether to look again."""
        now = time.monotonic()
        if looked == 0:
            self._until = now + self._seconds
        if now >= self._until:
            return False
        time.sleep(_LOOK)  # noqa: TID251 - the lock of another process tells nobody when it is free
        return True


def create(path: Path, busy_seconds: float) -> None:
    """Make the file and its tables where they are missing.

    Raises ConfigError when it is not ours to use, apsw.BusyError when another process does not let go of it.
    """
    if apsw.SQLITE_VERSION_NUMBER < OLDEST_SQLITE:
        raise ConfigError(
            "store.url", f"SQLite {apsw.sqlite_lib_version()} can corrupt files; 3.51.3 is the oldest safe one"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Owner only, before anything secret is in it; SQLite gives its WAL the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = connect(path, busy_seconds)
    except apsw.BusyError:
        raise
    except (OSError, apsw.Error) as error:
        raise ConfigError("store.url", f"{path} cannot be opened: {error}") from error
    try:
        _use_log(connection, busy_seconds)
        # Without a lock where nothing is to be done: another process may be writing for a while.
        if connection.pragma("user_version") != FORMAT:
            with immediate(connection):
                _prepare(connection, path)
    except apsw.NotADBError as error:
        raise ConfigError("store.url", f"{path} is not a SQLite file") from error
    finally:
        connection.close()


def _use_log(connection: apsw.Connection, busy_seconds: float) -> None:
    """Switch to a write-ahead log. Two who do so at once are in each other's way, and SQLite lets neither wait."""
    patience = _Patience(busy_seconds)
    for looked in itertools.count():
        try:
            connection.pragma("journal_mode", "wal")
            return
        except apsw.BusyError:
            if not patience(looked):
                raise


def _prepare(connection: apsw.Connection, path: Path) -> None:
    found = connection.pragma("user_version")
    if found == 0:
        if connection.execute("SELECT 1 FROM sqlite_schema").fetchall():
            raise ConfigError("store.url", f"{path} belongs to another program")
        connection.execute(_SCHEMA).fetchall()
        connection.pragma("user_version", FORMAT)
        return
    if found > FORMAT:
        raise ConfigError("store.url", f"{path} has format {found}, this version reads format {FORMAT}")
    for older in range(found, FORMAT):
        connection.execute(_UPGRADES[older]).fetchall()
    connection.pragma("user_version", FORMAT)


@contextmanager
def immediate(connection: apsw.Connection) -> Iterator[None]:
    """Hold the write lock for a block: all of it is committed, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def fetch(connection: apsw.Connection, text: str, parameters: Sequence[Value] = ()) -> list[Any]:
    """Return all rows; whoever asks knows their types from the statement."""
    return connection.execute(text, parameters).fetchall()


def translated(error: apsw.Error) -> IdpError:
    """Return the domain's error for the driver's."""
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return Unavailable(WHAT, "another process is writing to it")
    if isinstance(error, apsw.FullError):
        return Unavailable(WHAT, NO_ROOM)
    return Unavailable(WHAT, f"SQLite says {type(error).__name__}")
