"""Logs directory people in, 32 at once, by our verifier and by bare ldap3: job as JSON on stdin, rates on stdout."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import cycle
from typing import Final

import msgspec
import uvloop
from ldap3 import NONE, Connection, Server

from idp.auth import Verdict
from idp.clock import SystemClock
from idp.directory import Resource
from idp.query import Query
from idp.store import open_store
from idp.store.collections import collections
from ldap_bridge.bind import open_verifier
from ldap_bridge.settings import parse
from tests.bench.measure import cpu_seconds

AT_ONCE: Final = 32
PEOPLE: Final = 500
ROUNDS: Final = 3


class Job(msgspec.Struct):
    """Which directory, in which store its people are, and for how long each measure takes."""

    source: dict[str, str]
    store: str
    seconds: float


class Rate(msgspec.Struct):
    """Binds a second, and milliseconds of the CPU for each."""

    rate: float
    cpu: float


class Report(msgspec.Struct):
    """The fastest round of each."""

    ours: Rate
    bare: Rate


Person = tuple[Resource, str, str]
"""An account, its DN in the directory, and its password."""


async def measure(job: Job) -> Report:
    """Measure both in turns."""
    source = parse("bench", job.source)
    store = await open_store(job.store, collections(), SystemClock())
    try:
        page = await store.find("users", Query(limit=PEOPLE))
        users = [Resource(record.document["id"], record.version, record.document) for record in page.records]
        logins = [user.document["userName"] for user in users]
        dns = [f"uid={login},ou=people,{source.base}" for login in logins]
        people = [*zip(users, dns, (f"{login}-password" for login in logins), strict=True)]
        ours, bare = [], []
        with closing(open_verifier(source, store)) as verifier:

            async def verify(person: Person) -> bool:
                return await verifier.verify(person[0], person[2]) is Verdict.RIGHT

            for _ in range(ROUNDS):
                ours.append(await _rate(people, verify, job.seconds))
                bare.append(await asyncio.to_thread(_bare_rate, job, people))
    finally:
        await store.close()
    return Report(max(ours, key=lambda one: one.rate), max(bare, key=lambda one: one.rate))


async def _rate(people: list[Person], verify: Callable[[Person], Awaitable[bool]], seconds: float) -> Rate:
    turn, done, begin, cpu = cycle(people), 0, time.perf_counter(), cpu_seconds("self")

    async def go_on() -> None:
        nonlocal done
        while time.perf_counter() - begin < seconds:
            assert await verify(next(turn)), "a right password was refused"
            done += 1

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
    return _rated(done, time.perf_counter() - begin, cpu_seconds("self") - cpu)


def _bare_rate(job: Job, people: list[Person]) -> Rate:
    """Bind as each over connections that are kept, one for each thread: the most that ldap3 can."""
    begin, cpu = time.perf_counter(), cpu_seconds("self")

    def go_on(number: int) -> int:
        done = 0
        own = cycle(people[number::AT_ONCE])
        connection = Connection(Server(job.source["url"], get_info=NONE))
        connection.open(read_server_info=False)
        while time.perf_counter() - begin < job.seconds:
            _, dn, password = next(own)
            assert connection.rebind(dn, password, read_server_info=False), "a right password was refused"
            done += 1
        connection.unbind()
        return done

    with ThreadPoolExecutor(AT_ONCE) as threads:
        done = sum(threads.map(go_on, range(AT_ONCE)))
    return _rated(done, time.perf_counter() - begin, cpu_seconds("self") - cpu)


def _rated(done: int, seconds: float, cpu: float) -> Rate:
    return Rate(done / seconds, cpu / max(1, done) * 1000)


def main() -> None:
    """Measure what the job asks for."""
    report = uvloop.run(measure(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main()
