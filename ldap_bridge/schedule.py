"""Runs each source at its interval, on whichever worker gets the lease first."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from idp.access import SYSTEM_ACTOR
from idp.clock import Clock, from_text
from idp.errors import IdpError, Overloaded
from ldap_bridge.health import Health
from ldap_bridge.runs import State
from ldap_bridge.service import LdapService

_log: Final = logging.getLogger(__name__)
# After a failure or while another worker runs, but never more often than the interval.
_RETRY: Final = 60.0
_SCHEDULE: Final = SYSTEM_ACTOR("schedule")
Sleep = Callable[[float], Awaitable[None]]


async def run_forever(service: LdapService, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
    """Keep every source with an interval in step until cancelled; returns at once when there is none."""
    async with asyncio.TaskGroup() as group:
        for name, source in service.sources.items():
            if source.interval > 0:
                group.create_task(_keep_in_step(service, name, source.interval, clock, sleep))


async def _keep_in_step(service: LdapService, name: str, interval: float, clock: Clock, sleep: Sleep) -> None:
    while True:
        try:
            wait = await seconds_to_wait(service, name, interval, clock)
            if wait <= 0:
                run = await service.sync(name, by=_SCHEDULE)
                _log.info("run %s of directory %s: %s %s", run.id, name, run.state, run.reason)
                wait = interval
        except Overloaded:
            wait = min(interval, _RETRY)
        except IdpError as error:
            _log.warning("directory %s: %s", name, error)
            wait = min(interval, _RETRY)
        await sleep(wait)


async def seconds_to_wait(service: LdapService, name: str, interval: float, clock: Clock) -> float:
    """Return how long it is until the next run is due, counted from the last run of any worker or command.

    A failed run does not count: it is tried again after a minute.
    """
    for run in await service.runs(name, limit=1):
        if run.state == State.RUNNING:
            return 0.0
    standing = await service.standing(name)
    if not standing.seen:
        return 0.0
    pause = min(interval, _RETRY) if standing.health == Health.FAILED else interval
    return (from_text(standing.seen) + timedelta(seconds=pause) - clock.now()).total_seconds()
