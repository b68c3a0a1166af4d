"""Looking back: which runs there were, and what each did or would have done, to whom."""

from collections.abc import Collection, Container

from idp.access import Actor, Area, Verb, demand
from idp.directory import Users
from idp.errors import NotFound
from idp.query import fold
from idp.store.contract import Store
from ldap_bridge.dn import key_or_text
from ldap_bridge.lines import LinePage, Lines, Wanted
from ldap_bridge.links import Links
from ldap_bridge.runs import Run, Runs
from ldap_bridge.unfinished import Unfinished


class History:
    """The runs of all sources with their lines. Every method raises PermissionDenied first."""

    def __init__(
        self, store: Store, users: Users, runs: Runs, lines: Lines, sources: Container[str], unfinished: Unfinished
    ) -> None:
        self._store = store
        self._sources = sources
        self._users = users
        self._runs = runs
        self._lines = lines
        self._unfinished = unfinished

    async def runs(self, actor: Actor, source: str = "", limit: int = 20) -> list[Run]:
        """Return the runs of a source, or of all, the newest first.

        Raises NotFound for a source that neither is configured nor ever was.
        """
        demand(actor, Verb.READ, Area.DIRECTORIES)
        found = await self._runs.latest(source, limit)
        if source and not found and source not in self._sources:
            raise NotFound("directory", source)
        return await self._unfinished.told(found)

    async def run(self, actor: Actor, run: str) -> Run:
        """Return one run. Raises NotFound."""
        demand(actor, Verb.READ, Area.DIRECTORIES)
        (found,) = await self._unfinished.told([await self._runs.get(run)])
        return found

    async def lines(
        self,
        actor: Actor,
        run: str,
        *,
        kinds: Collection[str] = (),
        who: str = "",
        after: str = "",
        limit: int = 100,
    ) -> LinePage:
        """Return what a run did, some at a time: all of it, or of these kinds, or what is about a person or group.

        `who` is a login, a name, a DN, a stable id, or the id of an account or group; memberships of the person are
        found as well. Raises NotFound, and InvalidValue for an `after` that no page gave.
        """
        found = await self.run(actor, run)
        names = await self._names(found.source, who) if who else frozenset[str]()
        return await self._lines.page(run, Wanted(frozenset(kinds), names), after, limit)

    async def _names(self, source: str, who: str) -> frozenset[str]:
        """Return by what somebody may stand in the lines: what was asked for, and what we know them by now."""
        names = {fold(who), fold(key_or_text(who))}
        user = await self._users.by_login(who)
        if user is not None:
            names.add(user.id)
        link = await Links(self._store, source).of_resource(user.id if user else who)
        if link is not None:
            names |= {fold(link.stable), fold(link.dn), fold(link.dn_key)}
        return frozenset(names)
