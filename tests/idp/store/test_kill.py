"""Processes and servers die at any moment; what was acknowledged stays, and nothing is ever half there."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from idp.clock import SystemClock
from idp.store import open_store
from tests.support import store_writer
from tests.support.mongod import Mongod, with_database
from tests.support.store_writer import LANES, damage
from tests.support.stores import SAMPLES

ROUNDS = 10
ROOT = Path(__file__).parents[3]


async def writer(url: str, name: str = "w", commits: int = 0) -> Process:
    """Start a writing process."""
    command = [sys.executable, "-m", store_writer.__name__, url, name, str(commits)]
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=ROOT)


async def read(process: Process, most: int | None = None) -> set[tuple[str, int]]:
    """Return so many acknowledgements, or all until the process has ended."""
    assert process.stdout is not None
    told: set[tuple[str, int]] = set()
    while (most is None or len(told) < most) and (line := await process.stdout.readline()).endswith(b"\n"):
        lane, number = line.decode().split()
        told.add((lane, int(number)))
    return told


async def wrong_with(url: str, acknowledged: set[tuple[str, int]]) -> list[str]:
    """Open the store afresh and look at everything."""
    store = await open_store(url, SAMPLES, SystemClock())
    try:
        return await damage(store, acknowledged)
    finally:
        await store.close()


def start(server: Mongod) -> None:
    """Start the server, to give up soon on what a dead writer has begun: it keeps that locked, by default a minute."""
    server.start()
    with MongoClient[dict[str, Any]](server.uri) as client:
        client.admin.command("setParameter", 1, transactionLifetimeLimitSeconds=1)


async def one_round(url: str, moment: int, kill: Callable[[Process], None]) -> set[tuple[str, int]]:
    """Kill after so many acknowledgements; return all there were."""
    process = await writer(url)
    try:
        told = await read(process, moment)
        assert len(told) == moment, f"the writer ended by itself: {await process.wait()}"
        kill(process)
        return told | await read(process)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await process.wait()


async def test_killed_writers_lose_nothing_in_sqlite(tmp_path: Path) -> None:
    dice = random.Random(20)
    url = f"sqlite:{tmp_path / 'store.sqlite'}"
    acknowledged: set[tuple[str, int]] = set()
    for _ in range(ROUNDS):
        acknowledged |= await one_round(url, dice.randrange(1, 120), Process.kill)
        assert await wrong_with(url, acknowledged) == []
    assert len(acknowledged) > ROUNDS


async def test_killed_writers_and_servers_lose_nothing_acknowledged_in_mongodb(
    new_mongod: Callable[[], Mongod],
) -> None:
    dice = random.Random(21)
    server = new_mongod()
    await asyncio.to_thread(start, server)
    url = with_database(server.uri, "kill")
    acknowledged: set[tuple[str, int]] = set()
    for turn in range(ROUNDS):
        the_server_dies = turn % 5 == 4

        def kill(process: Process, the_server_dies: bool = the_server_dies) -> None:
            server.kill() if the_server_dies else process.kill()

        acknowledged |= await one_round(url, dice.randrange(1, 40), kill)
        if the_server_dies:
            await asyncio.to_thread(start, server)
        assert await wrong_with(url, acknowledged) == []
    assert len(acknowledged) > ROUNDS


async def test_processes_that_write_the_same_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'store.sqlite'}"
    processes = [await writer(url, name, commits=30) for name in ("x", "y")]
    told = await asyncio.gather(*map(read, processes))
    assert [await process.wait() for process in processes] == [0, 0]
    acknowledged = told[0] | told[1]
    assert len(acknowledged) == 2 * LANES * 30
    assert await wrong_with(url, acknowledged) == []
