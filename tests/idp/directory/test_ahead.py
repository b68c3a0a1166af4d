"""Work ahead of its reader: in order, never more than so much of it, and none left behind."""

import asyncio
from contextlib import aclosing

import pytest

from idp.directory.ahead import ahead


class Works:
    """Works that end when they are let go; remembers which are under way, and how many were at most."""

    def __init__(self, count: int) -> None:
        self.gates = [asyncio.Event() for _ in range(count)]
        self.begun: set[int] = set()
        self.ended: set[int] = set()
        self.most = 0
        self.two = asyncio.Event()

    async def work(self, number: int) -> int:
        self.begun.add(number)
        self.most = max(self.most, len(self.begun - self.ended))
        if len(self.begun) == 2:
            self.two.set()
        try:
            await self.gates[number].wait()
        finally:
            self.ended.add(number)
        if number == 4:
            raise ValueError(number)
        return number


async def test_results_come_in_order_however_the_works_end() -> None:
    works = Works(4)
    for gate in reversed(works.gates):
        gate.set()
    assert [found async for found in ahead(map(works.work, range(4)), 3)] == [0, 1, 2, 3]


async def test_no_more_works_than_allowed_are_under_way() -> None:
    works = Works(4)
    reading = ahead(map(works.work, range(4)), 2)
    first = asyncio.ensure_future(anext(reading))
    await works.two.wait()
    for gate in works.gates:
        gate.set()
    assert await first == 0
    assert [found async for found in reading] == [1, 2, 3]
    assert works.most == 2


async def test_an_exception_comes_in_its_turn_and_ends_the_others() -> None:
    works = Works(7)
    for gate in works.gates[:5]:
        gate.set()
    reading = ahead(map(works.work, range(7)), 3)
    assert [await anext(reading) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="4"):
        await anext(reading)
    assert works.begun == works.ended


async def test_a_reader_who_stops_leaves_nothing_behind() -> None:
    works = Works(4)
    works.gates[0].set()
    async with aclosing(ahead(map(works.work, range(4)), 3)) as reading:
        assert await anext(reading) == 0
    assert works.begun == works.ended
