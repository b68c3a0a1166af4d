"""People who log in before a run has brought them in: brought in at that moment, the way a run would do it."""

import asyncio
from typing import Final

from idp.access import Actor, ActorKind
from idp.auth import Arrival, Verdict
from idp.clock import Clock
from idp.directory import Users
from idp.query import fold
from ldap_bridge.bind import LdapBind
from ldap_bridge.entries import Entry
from ldap_bridge.links import Link
from ldap_bridge.mapping import Found, Mapper
from ldap_bridge.plan import USER
from ldap_bridge.service import LdapService
from ldap_bridge.settings import Source

_NOBODY: Final = Arrival(Verdict.ABSENT)


class Arrivals:
    """The `Newcomers` of one source."""

    def __init__(self, source: Source, service: LdapService, users: Users, bind: LdapBind, clock: Clock) -> None:
        self._source = source
        self._mapper = Mapper(source)
        self._service = service
        self._users = users
        self._bind = bind
        self._clock = clock
        # Runs of one source exclude each other; two people at the same moment need not be refused for that.
        self._turn = asyncio.Lock()

    async def admit(self, login: str, password: str) -> Arrival:
        """Find who has the login in the directory, check the password, and only then bring them in.

        Raises DirectoryError, and Overloaded while a run of the source is under way.
        """
        if not password or (found := await self._find(login)) is None:
            return _NOBODY
        entry, person = found
        verdict = await self._bind.prove(Link(0, USER, person.stable, "", person.dn, ""), password)
        if not verdict.is_right or verdict is Verdict.MUST_CHANGE:
            return Arrival(verdict)
        if person.active is False:
            return Arrival(Verdict.DISABLED)
        return await self._brought_in(entry, person, verdict)

    async def _find(self, login: str) -> tuple[Entry, Found] | None:
        """Return the one person of the source who would be called that, None for several as for none."""
        matching = []
        for entry in await self._bind.find(login.strip()):
            mapped = self._mapper.people(self._clock.now(), [entry])
            matching += [(entry, found) for found in mapped.found if fold(found.name) == fold(login.strip())]
        return matching[0] if len(matching) == 1 else None

    async def _brought_in(self, entry: Entry, person: Found, verdict: Verdict) -> Arrival:
        actor = Actor(ActorKind.SYSTEM, self._source.key, f"{self._source.key} first login")
        async with self._turn:
            links = await self._service.bring_in(actor, self._source.name, {person.stable: entry})
        if not links:
            return Arrival(Verdict.HELD)
        return Arrival(verdict, await self._users.get(actor, links[0].resource))
