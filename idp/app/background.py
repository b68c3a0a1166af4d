"""Work that goes on beside the requests; a lease sees to it that one worker of all does each piece."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from idp.app.foundation import new_id
from idp.app.services import Services
from idp.app.sync_process import Apart
from idp.errors import RemoteError
from idp.store.leases import Leases
from ldap_bridge.schedule import run_forever

SWEEP_EVERY: Final = 600.0
RESTART_AFTER: Final = 5.0

Work = Callable[[], Awaitable[None]]

logger = logging.getLogger("idp.background")


@asynccontextmanager
async def background(services: Services) -> AsyncIterator[None]:
    """Run all background work while entered."""
    apart = Apart(services.config)
    works: dict[str, Work] = {
        "client log": services.auth.client_log.run_forever,
        "outbox": services.base.outbox.run_forever,
        "sweep": lambda: _sweep(services),
        "directories": lambda: run_forever(services.ldap, services.base.clock, apart.take_turn, spread=random.random),
    }
    tasks = [asyncio.create_task(_kept_running(name, work)) for name, work in works.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _kept_running(name: str, work: Work) -> None:
    """Do the work until it returns; what ends it by an error is logged, and it begins again after a pause."""
    while True:
        try:
            return await work()
        except RemoteError as error:
            logger.warning("%s waits: %s", name, error)
        except Exception:
            logger.exception("%s failed and will be started again", name)
        await asyncio.sleep(RESTART_AFTER)


async def _sweep(services: Services) -> None:
    """Remove what has expired, one worker of all at a time."""
    leases, holder = Leases(services.base.store, services.base.clock), new_id()
    while True:
        if await leases.acquire("sweep", holder, SWEEP_EVERY * 2) is not None:
            logger.debug("swept %d expired records", await services.base.store.sweep())
        await asyncio.sleep(SWEEP_EVERY)
