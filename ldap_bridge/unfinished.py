"""Runs that have not ended: under way, or left behind by a process that is no more. Only a look: nothing is written."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from idp.errors import NotFound
from idp.store.leases import Leases
from ldap_bridge.drafts import KEPT
from ldap_bridge.health import Health, Standing
from ldap_bridge.lease import name_of
from ldap_bridge.runs import Run, Runs, State

ENDED: Final = "ended without finishing: nothing was heard of its process any more"
NEWEST: Final = KEPT + 5
"""Runs of one source exclude each other, so one that has not ended is among so many: only dry runs can be newer."""


class Unfinished:
    """Tells runs that are under way from those that nobody will finish, by who holds the lease of the source."""

    def __init__(self, leases: Leases, runs: Runs) -> None:
        self._leases = leases
        self._runs = runs

    async def told(self, runs: Sequence[Run]) -> list[Run]:
        """Return runs as they are, those without an end and without a process as failed."""
        return [await self._told(run) if run.state == State.RUNNING else run for run in runs]

    async def stands(self, standing: Standing) -> Standing:
        """Return how a directory stands with regard to a run that has not ended."""
        for run in await self.told(await self._runs.latest(standing.id, NEWEST)):
            if run.state == State.RUNNING:
                return replace(standing, running=run.id)
            if run.state == State.FAILED and not run.finished:
                return replace(standing, health=Health.FAILED, since=run.started, run=run.id, reason=run.reason)
        return standing

    async def _told(self, run: Run) -> Run:
        held = await self._leases.held(name_of(run.source))
        if held is not None and held.holder == run.id:
            return run
        # A run lets go of its lease when its end is recorded, which may have happened between the two looks.
        try:
            now = await self._runs.get(run.id)
        except NotFound:
            return run  # it came to the plan of an earlier run, and goes on as that
        return replace(now, state=State.FAILED, reason=ENDED) if now.state == State.RUNNING else now
