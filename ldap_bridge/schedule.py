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
from ldap_bridge.service import LdapService

_log: Final = logging.getLogger(__name__)
# After a failure or while another worker runs, but never more often than the interval.
_RETRY: Final = 60.0
_SCHEDULE: Final = SYSTEM_ACTOR("schedule")
_SPREAD: Final = 0.1
Sleep = Callable[[float], Awaitable[None]]
Turn = Callable[[str], Awaitable[bool]]
"""Runs a source once and tells whether it has run; says itself what kept it from that."""


class _NotDue(Exception):
    """Somebody else has run meanwhile."""


async def run_forever(
    service: LdapService,
    clock: Clock,
    turn: Turn,
    sleep: Sleep = asyncio.sleep,
    spread: Callable[[], float] = lambda: 0.0,
) -> None:
    """Keep every source with an interval in step until cancelled; returns at once when there is none.

    `spread` returns a number from 0 to 1 that is drawn for each wait: by how much of a tenth it is longer, so that many
    sources and workers do not all begin at the same moment.
    """

    async def keep_in_step(name: str, interval: float) -> None:
        while True:
            wait = await _next(service, name, interval, clock, turn)
            await sleep(wait * (1 + _SPREAD * spread()))

    async with asyncio.TaskGroup() as group:
        for name, source in service.sources.items():
            if source.interval > 0:
                group.create_task(keep_in_step(name, source.interval))


async def _next(service: LdapService, name: str, interval: float, clock: Clock, turn: Turn) -> float:
    """Take the turn of a source if it is due; returns the seconds until somebody has to look again."""
    try:
        wait = await seconds_to_wait(service, name, interval, clock)
        if wait > 0:
            return wait
        if await turn(name):
            return interval
    except IdpError as error:
        _log.warning("directory %s: %s", name, error)
    except Exception:  # noqa: BLE001 (it is logged; an error of ours with one directory ends no other's schedule)
        _log.exception("directory %s", name)
    return min(interval, _RETRY)


async def take_turn(service: LdapService, name: str, clock: Clock) -> bool:
    """Run a source once, as the schedule; tells whether it has run. What kept it from that is logged."""

    async def still_due() -> None:
        # From when it was due to here a process had to start, in which time another worker may have run.
        if await seconds_to_wait(service, name, service.sources[name].interval, clock) > 0:
            raise _NotDue

    try:
        run = await service.sync(_SCHEDULE, name, first=still_due)
    except (Overloaded, _NotDue):
        return False
    except IdpError as error:
        _log.warning("directory %s: %s", name, error)
        return False
    except Exception:  # noqa: BLE001 (it is logged, and the run has been recorded)
        _log.exception("directory %s", name)
        return False
    _log.info("run %s of directory %s: %s", run.id, name, f"{run.state}: {run.reason}" if run.reason else run.state)
    return True


async def seconds_to_wait(service: LdapService, name: str, interval: float, clock: Clock) -> float:
    """Return how long it is until the next run is due, counted from the last run of any worker or command.

    A failed run does not count: it is tried again after a minute.
    """
    for run in await service.history.runs(_SCHEDULE, name, limit=1):
        if not run.finished:
            return 0.0
    standing = await service.standing(_SCHEDULE, name)
    if not standing.seen:
        return 0.0
    pause = min(interval, _RETRY) if standing.health == Health.FAILED else interval
    return (from_text(standing.seen) + timedelta(seconds=pause) - clock.now()).total_seconds()
