"""From a blocking iterator to an asynchronous one: its work in threads, one item ahead of who reads it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def pump(blocking: Generator[T, None, None], interrupt: Callable[[], None]) -> AsyncGenerator[T, None]:
    """Yield what the generator yields, each step made in a thread while the item before is worked on.

    At most one item waits, so a slow reader slows the source. When the reader stops early `interrupt` is called, which
    must make a blocked step end soon, and the generator is closed.
    """
    ahead = _step(blocking)
    try:
        while (item := await asyncio.shield(ahead)) is not None:
            ahead = _step(blocking)
            yield item
    finally:
        if not ahead.done():
            interrupt()
        # A generator can be closed only when no thread is in it; what that step ends with concerns nobody any more.
        await asyncio.wait([ahead])
        with suppress(Exception):
            ahead.result()
        await asyncio.to_thread(blocking.close)


def _step(blocking: Generator[T, None, None]) -> "asyncio.Task[T | None]":
    return asyncio.ensure_future(asyncio.to_thread(next, blocking, None))
