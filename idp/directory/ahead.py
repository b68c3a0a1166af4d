"""Work that goes on while what came before it is still on its way to the disk."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def ahead(works: Iterable[Coroutine[Any, Any, T]], most: int) -> AsyncGenerator[T, None]:
    """Yield what each work returns, in order, with so many of them under way; a work is begun when there is room.

    What one raises is raised in its turn. When the reader stops early, or after an exception, the works under way are
    cancelled and waited for.
    """
    waiting: deque[asyncio.Task[T]] = deque()
    try:
        for work in works:
            waiting.append(asyncio.create_task(work))
            if len(waiting) >= most:
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
