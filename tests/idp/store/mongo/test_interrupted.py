"""Commits that share transactions while the server changes hands or lines are cut: nobody is told what is not so."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from pymongo import MongoClient

from idp.clock import SystemClock
from idp.errors import RemoteError
from idp.store import Settings, Store, open_store
from tests.support.mongod import Mongod, with_database
from tests.support.ports import HOST
from tests.support.process import PATIENCE
from tests.support.store_writer import commit_of, damage
from tests.support.stores import SAMPLES

LANES: Final = "abcdefghijkl"
EACH: Final = 20


class Acknowledged(set[tuple[str, int]]):
    """Lanes and numbers of what was acknowledged."""

    async def reach(self, size: int) -> None:
        """Return when there are so many."""
        while len(self) < size:  # noqa: ASYNC110 - every one of them goes through the loop
            await asyncio.sleep(0)


class Cutter:
    """Passes bytes on between clients and a server, and cuts all lines when told to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Break every connection, whatever is on its way."""
        for writer in self._writers:
            writer.transport.abort()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Pass on inside of the block; gives the port."""
        server = await asyncio.start_server(self._joined, HOST, 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.cut()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, self._port)
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer), return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        finally:
            self._writers.discard(writer)
            writer.close()


async def write(store: Store, lane: str, told: Acknowledged) -> None:
    """Commit one after the other; after a failure, go on from where the lane's counter stands."""
    number = 1
    while number <= EACH:
        try:
            await store.commit(commit_of(lane, number))
            told.add((lane, number))
            number += 1
        except RemoteError:
            number = await reached(store, lane) + 1


async def reached(store: Store, lane: str) -> int:
    while True:
        try:
            counter = await store.get("plain", lane)
        except RemoteError:
            await asyncio.sleep(0.02)
        else:
            return counter.version if counter else 0


async def written_while(store: Store, disturb: Callable[[], object], times: int) -> Acknowledged:
    """Let all lanes write, and disturb them so many times, each after some have been acknowledged."""
    told = Acknowledged()
    lanes = [asyncio.create_task(write(store, lane, told)) for lane in LANES]
    for turn in range(1, times + 1):
        await told.reach(turn * len(LANES) * EACH // (times + 1))
        await asyncio.to_thread(disturb)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*lanes)
    return told


async def test_what_is_told_while_the_primary_steps_down_and_lines_are_cut_is_so(
    new_mongod: Callable[[], Mongod],
) -> None:
    server = new_mongod()
    await asyncio.to_thread(server.start)
    cutter = Cutter(server.port)
    async with cutter.listening() as port:
        url = f"mongodb://{HOST}:{port}/{urlsplit(with_database(server.uri, 'cut')).path.strip('/')}"
        store = await open_store(f"{url}?directConnection=true", SAMPLES, SystemClock(), Settings(timeout=4))
        loop = asyncio.get_running_loop()
        told = await written_while(store, lambda: loop.call_soon_threadsafe(cutter.cut), times=4)
        assert await damage(store, told) == []
        await store.close()
    store = await open_store(with_database(server.uri, "away"), SAMPLES, SystemClock(), Settings(timeout=4))
    told = await written_while(store, lambda: step_down(server), times=1)
    assert await damage(store, told) == []
    assert len(told) > len(LANES) * EACH * 0.8
    await store.close()


def step_down(server: Mongod) -> None:
    with MongoClient[dict[str, Any]](server.uri) as client:
        client.admin.command("replSetStepDown", 1, force=True)
