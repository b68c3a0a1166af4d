"""What the SQLite backend does with too much work, with other processes' locks, and with files that are not its own."""

import asyncio
import resource
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from idp.errors import ConfigError, DeadlineExceeded, NotUnique, Overloaded, RemoteError, Unavailable
from idp.query import EVERYTHING, Compare, Field, Op, Query
from idp.store import Delete, Insert, Replace, Settings, Store, open_store
from idp.store.sqlite.disk import ROOM
from idp.store.sqlite.readers import THREADS, Readers
from tests.support.clock import FakeClock
from tests.support.stores import SAMPLES, Stores, opened

ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store's file is."""
    return tmp_path / "store.sqlite"


@pytest.fixture
async def stores(path: Path, clock: FakeClock) -> AsyncIterator[Stores]:
    """What opens stores over the file."""
    async for one in opened(f"sqlite:{path}", clock):
        yield one


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the write lock as another process would."""
    connection = apsw.Connection(str(path))
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the whole file, as another process does that clears the log away or reads it anew."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE").fetchall()
    try:
        yield
    finally:
        connection.close()


async def count(store: Store) -> int:
    """How many plain records there are."""
    return await store.count("plain", EVERYTHING)


async def test_commits_beyond_the_queue_are_refused_and_the_others_made(stores: Stores, path: Path) -> None:
    store = await stores.open(settings=Settings(max_waiting=8))
    with locked(path):
        tasks = [asyncio.create_task(store.commit([Insert("plain", {"id": f"{n}"})])) for n in range(30)]
        await asyncio.sleep(0)
        refused = [task for task in tasks if task.done() and isinstance(task.exception(), Overloaded)]
        # The writer holds those it took first, up to a queue's length, and the queue is full again.
        assert 30 - 2 * 8 <= len(refused) <= 30 - 8
    await asyncio.wait(tasks)
    assert await count(store) == 30 - len(refused)


async def test_one_bad_commit_among_many_that_share_a_transaction_fails_alone(stores: Stores, path: Path) -> None:
    store = await stores.open()
    with locked(path):
        ids = [3 if n == 7 else n for n in range(20)]
        pairs = ([Insert("plain", {"id": f"x{n}"}), Insert("plain", {"id": f"{one}"})] for n, one in enumerate(ids))
        tasks = [asyncio.create_task(store.commit(pair)) for pair in pairs]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [n for n, outcome in enumerate(outcomes) if outcome is not None] == [7]
    assert isinstance(outcomes[7], NotUnique)
    assert await count(store) == 38
    assert await store.get("plain", "x7") is None


async def test_another_processs_lock_is_waited_for_and_no_longer_than_allowed(stores: Stores, path: Path) -> None:
    store, patient = await stores.open(settings=Settings(timeout=0.2)), await stores.open()
    with locked(path):
        with pytest.raises(RemoteError):
            await store.commit([Insert("plain", {"id": "1"})])
        with pytest.raises(RemoteError):
            await store.check()
        assert await store.get("plain", "1") is None
        waiting = asyncio.create_task(patient.commit([Insert("plain", {"id": "1"})]))
        await asyncio.sleep(0)
    await waiting
    assert await count(patient) == 1


async def test_a_file_that_another_process_writes_can_be_opened_and_read(stores: Stores, path: Path) -> None:
    first = await stores.open()
    await first.commit([Insert("plain", {"id": "1"})])
    with locked(path):
        second = await stores.open(settings=Settings(timeout=1))
        assert await second.get("plain", "1") is not None


async def test_whoever_opens_waits_for_a_process_that_holds_the_whole_file(stores: Stores, path: Path) -> None:
    await (await stores.open()).close()
    with held(path):
        with pytest.raises(RemoteError):
            await stores.open(settings=Settings(timeout=0.1))
        opening = asyncio.create_task(stores.open(settings=Settings(timeout=20)))
        await asyncio.wait([opening], timeout=0.1)
    assert await count(await opening) == 0


async def test_those_who_open_a_new_file_at_the_same_moment_all_can(tmp_path: Path, clock: FakeClock) -> None:
    for number in range(20):
        url = f"sqlite:{tmp_path / str(number)}"
        opened = await asyncio.gather(*(open_store(url, SAMPLES, clock) for _ in range(4)))
        await asyncio.gather(*(store.check() for store in opened))
        await asyncio.gather(*(store.close() for store in opened))


async def test_reads_go_on_while_another_process_writes(stores: Stores, path: Path) -> None:
    store = await stores.open()
    await store.commit([Insert("plain", {"id": f"{n}", "title": "t"}) for n in range(300)])
    with locked(path):
        assert await store.get("plain", "5") is not None
        assert (await store.find("plain", Query(Compare(Field(("title",)), Op.EQ, "t")))).total == 300


async def test_a_read_that_is_cancelled_or_out_of_time_frees_its_thread(stores: Stores, path: Path) -> None:
    await stores.open()
    readers = Readers([apsw.Connection(str(path)) for _ in range(THREADS)], max_waiting=100, timeout=60)
    endless = [asyncio.create_task(readers.do(lambda c: c.execute(ENDLESS).get)) for _ in range(3 * THREADS)]
    await asyncio.sleep(0.01)
    for task in endless:
        task.cancel()
    assert await readers.do(lambda c: c.execute("SELECT 1").get) == 1
    await readers.close()


async def test_a_read_that_takes_too_long_ends_at_its_deadline(stores: Stores, path: Path) -> None:
    await stores.open()
    readers = Readers([apsw.Connection(str(path))], max_waiting=2, timeout=0.05)
    slow = [asyncio.create_task(readers.do(lambda c: c.execute(ENDLESS).get)) for _ in range(3)]
    outcomes = await asyncio.gather(*slow, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DeadlineExceeded, DeadlineExceeded, Overloaded]
    await readers.close()


async def test_the_file_is_its_owners_alone(stores: Stores, path: Path) -> None:
    store = await stores.open()
    await store.check()
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@contextmanager
def full() -> Iterator[None]:
    """Let no file become much larger than the store's are now, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM // 2, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_told_also_while_there_is_room_for_a_little_yet(stores: Stores) -> None:
    store = await stores.open()
    with full():
        await store.commit([Insert("plain", {"id": "little"})])
        with pytest.raises(Unavailable, match="there is no room left on its disk"):
            await store.check()
        with pytest.raises(Unavailable):
            await store.commit([Insert("plain", {"id": "much", "text": "x" * ROOM})])
    await store.check()
    assert await count(store) == 1


@pytest.mark.parametrize("content", [b"not a database, but long enough to be looked at " * 100, b"\x00" * 5000])
def test_a_file_of_another_kind_is_refused_and_left_alone(path: Path, clock: FakeClock, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"store\.url"):
        asyncio.run(open_store(f"sqlite:{path}", SAMPLES, clock))
    assert path.read_bytes() == content


async def test_another_programs_database_and_a_newer_format_are_refused(path: Path, clock: FakeClock) -> None:
    for statement, reason in (("CREATE TABLE t (a)", "another program"), ("PRAGMA user_version = 99", "format 99")):
        connection = apsw.Connection(str(path))
        connection.execute(statement)
        connection.close()
        with pytest.raises(ConfigError, match=reason):
            await open_store(f"sqlite:{path}", SAMPLES, clock)


@pytest.mark.parametrize("url", ["sqlite:", "postgres://x/y", "", "sqlite:/dev/null/x"])
async def test_a_url_that_names_no_store_is_refused(url: str, clock: FakeClock) -> None:
    with pytest.raises(ConfigError, match=r"store\.url"):
        await open_store(url, SAMPLES, clock)


async def test_a_file_of_the_first_format_is_upgraded_in_place(stores: Stores, path: Path) -> None:
    old = await stores.open()
    await old.commit([Insert("plain", {"id": "kept"})])
    await old.close()
    connection = apsw.Connection(str(path))
    connection.execute("ALTER TABLE collections DROP COLUMN changes; PRAGMA user_version = 1").fetchall()
    connection.close()
    store = await open_store(f"sqlite:{path}", SAMPLES, FakeClock())
    assert await store.get("plain", "kept") is not None
    before = await store.stamp(("plain",))
    await store.commit([Insert("plain", {"id": "new"})])
    assert await store.stamp(("plain",)) != before
    await store.close()


class Watched(apsw.VFS):
    """The system's files, of which it keeps in mind the ones without a name."""

    def __init__(self) -> None:
        self._system = apsw.vfs_names()[0]
        super().__init__("watched", self._system, makedefault=True)
        self.unnamed = 0

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        """Open a file."""
        self.unnamed += name is None
        return apsw.VFSFile(self._system, name, flags)


async def test_a_commit_needs_no_room_for_temporary_files(stores: Stores) -> None:
    watched = Watched()
    try:
        store = await stores.open()
        people = {f"{n:04}": {"userName": f"u{n}", "tags": [f"t{n}"], "text": "x" * 900} for n in range(3_000)}
        await store.commit([Insert("people", {"id": key, **one}) for key, one in people.items()])
        together = [[Replace("people", {"id": key, **one, "tags": [f"s{key}"]}, 1)] for key, one in people.items()]
        await asyncio.gather(*(store.commit(writes) for writes in together[:400]))
        await store.commit([write for writes in together[400:] for write in writes])
        await store.commit([Delete("people", key) for key in people])
    finally:
        watched.unregister()
    assert watched.unnamed == 0
