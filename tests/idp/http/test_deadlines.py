"""Deadlines that one timer keeps for all: who is late is stopped, who is not is left alone."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from idp.errors import DeadlineExceeded
from idp.http.deadlines import TICK, Deadlines

T = TypeVar("T")


async def keep(deadlines: Deadlines, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work under a deadline."""
    with deadlines.kept():
        return await work()


async def test_what_is_done_in_time_is_returned() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert await keep(Deadlines(5), work) == 7


async def test_what_is_late_is_stopped_and_says_so() -> None:
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await keep(Deadlines(0.1), asyncio.Event().wait)
    assert 0.1 <= time.monotonic() - began < 30
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0, "the task can go on"


async def test_each_has_a_deadline_of_its_own() -> None:
    deadlines = Deadlines(0.3)

    async def lasted() -> float:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await keep(deadlines, asyncio.Event().wait)
        return time.monotonic() - began

    early = [asyncio.create_task(lasted()) for _ in range(20)]
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(0.15, passed.set)
    await passed.wait()
    assert min(await asyncio.gather(lasted(), *early)) >= 0.3


async def test_an_error_and_a_cancellation_from_elsewhere_pass_through() -> None:
    deadlines = Deadlines(5)

    async def fail() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await keep(deadlines, fail)
    task = asyncio.create_task(keep(deadlines, asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_elsewhere_wins_over_the_deadline() -> None:
    deadlines = Deadlines(0.1)

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            # While it cleans up after its deadline, somebody else wants it to end, too.
            current = asyncio.current_task()
            assert current is not None
            current.cancel()

    task = asyncio.create_task(keep(deadlines, stubborn))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_timer_rests_when_nothing_is_running() -> None:
    deadlines = Deadlines(5)
    loop = asyncio.get_running_loop()
    for _ in range(3):
        await keep(deadlines, lambda: asyncio.sleep(0))
        rested = asyncio.Event()
        loop.call_later(3 * TICK, rested.set)
        await rested.wait()
        assert await keep(deadlines, lambda: asyncio.sleep(0, result=True))
