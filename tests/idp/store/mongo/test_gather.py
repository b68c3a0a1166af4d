"""Reads that are made together: who shares one, and what each is told."""

import asyncio
import gc
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from idp.errors import DeadlineExceeded, Unavailable
from idp.memory import Moment
from idp.store import Record
from idp.store.mongo.gather import Alike, Gathered
from idp.store.mongo.layout import Layout, lay_out
from idp.store.mongo.ledger import counts_of
from idp.store.mongo.points import Points, Records
from idp.store.mongo.tallies import Tallies, Tally
from tests.support.stores import SAMPLES


class Question:
    """What is asked: none is another one."""


class Server:
    """Answers with the number of the read, once the gate is open."""

    def __init__(self) -> None:
        self.reads: list[object] = []
        self.begun = asyncio.Event()
        self.open = asyncio.Event()
        self.error: Exception | None = None

    async def read(self, asked: object = None) -> int:
        self.reads.append(asked)
        number = len(self.reads)
        self.begun.set()
        await self.open.wait()
        if self.error:
            raise self.error
        return number

    async def each(self, asking: Sequence[None]) -> Sequence[int]:
        return [await self.read()] * len(asking)

    async def tally(self, wanted: Mapping[str, Any]) -> Tally:
        number = await self.read(wanted)
        return Tally(Counter(people=number), Counter(people=10 * number, plain=number))

    async def records(self, layout: Layout, ids: Sequence[str]) -> Records:
        await self.read([layout.name, *ids])
        return {key: Record(key, 1, {"id": key}) for key in ids}


@pytest.fixture
def server() -> Server:
    return Server()


def gathered(server: Server, timeout: float = 60) -> Gathered[None, int]:
    return Gathered(server.each, timeout, at_once=1)


async def test_all_who_ask_before_a_read_begins_share_it_and_who_comes_later_has_the_next(server: Server) -> None:
    one = gathered(server)
    early = [asyncio.create_task(one.ask(None)) for _ in range(3)]
    await server.begun.wait()
    late = [asyncio.create_task(one.ask(None)) for _ in range(3)]
    await asyncio.sleep(0)
    server.open.set()
    assert await asyncio.gather(*early) == [1] * 3
    assert await asyncio.gather(*late) == [2] * 3


async def test_who_leaves_takes_nobody_along(server: Server) -> None:
    one = gathered(server)
    asking = [asyncio.create_task(one.ask(None)) for _ in range(2)]
    await server.begun.wait()
    asking[0].cancel()
    server.open.set()
    assert await asking[1] == 1
    assert one.is_idle


async def test_all_who_share_a_read_are_told_what_is_wrong_and_the_next_is_another_one(server: Server) -> None:
    one, server.error = gathered(server), Unavailable("the store")
    server.open.set()
    outcomes = await asyncio.gather(one.ask(None), one.ask(None), return_exceptions=True)
    assert [*outcomes] == [server.error] * 2
    server.error = None
    assert await one.ask(None) == 2


async def test_nobody_waits_longer_than_the_time_of_a_verb(server: Server) -> None:
    one = gathered(server, timeout=0.02)
    with pytest.raises(DeadlineExceeded):
        await one.ask(None)
    server.open.set()


async def test_only_those_with_the_same_question_share_and_no_question_is_kept(server: Server) -> None:
    server.open.set()
    alike = Alike(server.read, lambda answer: -answer, timeout=60)
    one, other = Question(), Question()
    assert await asyncio.gather(*map(alike.ask, [one, other, one])) == [1, 2, -1]
    asked = weakref.ref(one)
    server.reads.clear()
    del one
    gc.collect()
    assert asked() is None


async def test_a_moment_looks_once_and_whoever_has_none_looks_anew(server: Server) -> None:
    server.open.set()
    tallies, moment = Tallies(lay_out(SAMPLES), server.tally, timeout=60), Moment()
    seen = [await tallies.stamp(names, moment) for names in (["people"], ["people", "passes"])]
    assert (seen, len(server.reads)) == ([(1,), (1, 0)], 1)
    assert await tallies.stamp(["people"], None) == (2,)


async def test_how_many_there_are_is_told_along_with_stamps_where_these_are_asked_for(server: Server) -> None:
    server.open.set()
    tallies = Tallies(lay_out(SAMPLES), server.tally, timeout=60)
    asked = (tallies.records("people"), tallies.stamp(["people"], None), tallies.records("people"))
    assert tuple(await asyncio.gather(*asked)) == (10, (1,), 10)
    assert await tallies.records("plain") == 2
    assert server.reads[1:] == [counts_of("plain")]


async def test_a_few_records_are_read_with_those_of_others_and_many_by_themselves(server: Server) -> None:
    server.open.set()
    points = Points(lay_out(SAMPLES), server.records, timeout=60)
    many = [f"{number:02}" for number in range(21)]
    wanted: list[tuple[str, list[str]]] = [("plain", ["b", "a"]), ("plain", many), ("people", ["a"]), ("plain", ["a"])]
    answers = await asyncio.gather(*(points.get(name, ids) for name, ids in wanted))
    assert [[*answer] for answer in answers] == [ids for _, ids in wanted]
    assert sorted(map(str, server.reads)) == sorted(map(str, [["plain", "a", "b"], ["plain", *many], ["people", "a"]]))
