"""A blocking iterator is read from the event loop, one step ahead and no further."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import aclosing

import pytest

from ldap_bridge.pump import pump


async def test_everything_comes_in_order_and_off_the_loop() -> None:
    threads: set[int] = set()

    def numbers() -> Generator[int, None, None]:
        for number in range(50):
            threads.add(threading.get_ident())
            yield number

    assert [number async for number in pump(numbers(), lambda: None)] == list(range(50))
    assert threading.get_ident() not in threads


async def test_the_source_is_at_most_one_step_ahead() -> None:
    made: list[int] = []

    def numbers() -> Generator[int, None, None]:
        for number in range(10):
            made.append(number)
            yield number

    async with aclosing(pump(numbers(), lambda: None)) as pumped:
        async for number in pumped:
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(made) <= number + 2


async def test_an_error_arrives_where_the_items_do() -> None:
    def broken() -> Generator[int, None, None]:
        yield 1
        raise OSError("line lost")

    pumped = pump(broken(), lambda: None)
    assert await anext(pumped) == 1
    with pytest.raises(OSError, match="line lost"):
        await anext(pumped)


async def test_stopping_early_interrupts_and_closes_the_source() -> None:
    go, closed = threading.Event(), threading.Event()

    def blocked() -> Generator[int, None, None]:
        try:
            yield 1
            go.wait(30)
            yield 2
        finally:
            closed.set()

    async with aclosing(pump(blocked(), go.set)) as pumped:
        async for _ in pumped:
            break
    assert go.is_set()
    assert closed.is_set()


async def test_a_cancelled_reader_leaves_no_thread_behind() -> None:
    entered, go, closed = threading.Event(), threading.Event(), threading.Event()

    def blocked() -> Generator[int, None, None]:
        try:
            entered.set()
            go.wait(30)
            yield 1
        finally:
            closed.set()

    async def read() -> None:
        async with aclosing(pump(blocked(), go.set)) as pumped:
            async for _ in pumped:
                pass

    task = asyncio.create_task(read())
    await asyncio.to_thread(entered.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()
