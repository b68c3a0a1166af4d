"""Work that goes on beside the requests; a lease sees to it that one worker of all does each piece."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from idp.app.foundation import new_id
from idp.app.services import Services
from idp.errors import IdpError
from idp.store.leases import Leases

SWEEP_EVERY: Final = 600.0

logger = logging.getLogger("idp.background")


@asynccontextmanager
async def background(services: Services) -> AsyncIterator[None]:
    """Run all background work while entered."""
    leases, holder = Leases(services.base.store, services.base.clock), new_id()

    async def sweep() -> None:
        swept = await services.base.store.sweep()
        logger.debug("swept %d expired records", swept)

    tasks = [
        asyncio.create_task(services.base.outbox.run_forever()),
        asyncio.create_task(_repeat("sweep", SWEEP_EVERY, leases, holder, sweep)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(name: str, every: float, leases: Leases, holder: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work again and again, one worker at a time; what fails is tried again after a pause."""
    while True:
        try:
            if await leases.acquire(name, holder, every * 2) is not None:
                await work()
        except IdpError as error:
            logger.warning("%s waits: %s", name, error)
        except Exception:
            logger.exception("%s failed", name)
        await asyncio.sleep(every)
