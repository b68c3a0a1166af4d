"""Deciding about conflicts: an entry wants what another account or group has, and somebody says what becomes of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec.structs import replace

from idp.access import Actor, Area, Verb, demand
from idp.directory import Groups, Users
from idp.errors import CallerError, InvalidValue
from idp.query import fold
from idp.store.contract import Store
from ldap_bridge.conflicts import Choice, Conflict, Conflicts
from ldap_bridge.following import ask_again
from ldap_bridge.links import Links
from ldap_bridge.parts import parts
from ldap_bridge.plan import GROUP, USER
from ldap_bridge.resolving_groups import GroupWays
from ldap_bridge.resolving_people import PeopleWays
from ldap_bridge.running import Running

_TOGETHER: Final = 500
# Of the last root nothing is wanted that could be given; until there is another one it can only be left in peace.
_ABOUT_ROOT: Final = (Choice.SKIP, Choice.UNDO)


@dataclass(frozen=True, slots=True)
class Dispute:
    """A conflict as it is shown: with what the one that is in the way is called now, and where it comes from."""

    conflict: Conflict
    holder_name: str
    holder_source: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What has become of a conflict that was decided upon with others: it as it is now, or the problem with it."""

    id: str
    conflict: Conflict | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody has chosen, with a `name` where one is to be given; `force` also where it could lock out."""

    actor: Actor
    name: str = ""
    force: bool = False


class Ways(Protocol):
    """What can be done about conflicts of people, or of groups. Raises InvalidValue for what does not fit."""

    async def link(self, actor: Actor, conflict: Conflict, *, force: bool) -> None:
        """Make the one that is in the way the entry's own."""
        ...

    async def take_over(self, actor: Actor, conflict: Conflict, name: str, *, force: bool) -> None:
        """Take from the one that is in the way what the entry wants; `name` is what it is called then, "" for any."""
        ...

    async def check_name(self, name: str) -> None:
        """Refuse a name that is none, or that somebody has."""
        ...

    async def holders(self, ids: list[str]) -> dict[str, tuple[str, str]]:
        """Return name and source of whoever is in the way, by id, as far as they are there."""
        ...


class Resolving:
    """The list of conflicts, and decisions about them. Every method raises PermissionDenied first."""

    def __init__(self, store: Store, users: Users, groups: Groups, conflicts: Conflicts, running: Running) -> None:
        self._store = store
        self._running = running
        self._conflicts = conflicts
        self._kinds: Mapping[str, Ways] = {
            USER: PeopleWays(store, users, conflicts, running.source),
            GROUP: GroupWays(store, groups, conflicts, running.sources),
        }
        self._ways: Mapping[Choice, Callable[[Decision, Conflict], Awaitable[None]]] = {
            Choice.LINK: self._link,
            Choice.RENAME: self._rename,
            Choice.SKIP: self._skip,
            Choice.TAKE_OVER: self._take_over,
            Choice.UNDO: self._undo,
        }

    async def conflicts(self, actor: Actor, source: str = "") -> list[Dispute]:
        """Return the conflicts of a source, or of all, with those that were decided upon and still hold.

        Raises NotFound for a source that is not configured.
        """
        demand(actor, Verb.READ, Area.DIRECTORIES)
        if source:
            self._running.source(source)
        found = [one async for one in self._conflicts.all(source)]
        return [dispute for some in parts(found, _TOGETHER) for dispute in await self._shown(some)]

    async def resolve(
        self, actor: Actor, conflict: str, choice: Choice, name: str = "", *, force: bool = False
    ) -> Conflict:
        """Decide about a conflict; the next run carries out what has not happened with the decision itself.

        - `link`: the account or group is the entry's: it keeps its id, and what hangs on it, and is the directory's now
        - `rename`: the entry gets an account or group of its own called `name` (needless for a shared address)
        - `skip`: the entry gets none, or leaves what it has as it is
        - `take-over`: the other one gives up the name, for `name` or one made of it, or the address
        - `undo`: as if nothing had been decided

        The last root who belongs to no directory is linked or robbed of the login by `force` only. Raises NotFound,
        InvalidValue for a choice that does not fit the conflict, Overloaded while a run is under way, and what
        changing the other one raises.
        """
        demand(actor, Verb.UPDATE, Area.DIRECTORIES)
        found = await self._conflicts.get(conflict)
        async with self._running.alone(self._running.new(found.source, actor)):
            found = await self._conflicts.get(conflict)
            _check_fits(found, choice, name)
            await self._ways[choice](Decision(actor, name, force), found)
            await ask_again(self._store, found.source, found.kind, [found.stable])
        return await self._conflicts.get(conflict)

    async def resolve_many(
        self, actor: Actor, conflicts: Sequence[str], choice: Choice, *, force: bool = False
    ) -> list[Resolved]:
        """Decide about several conflicts alike, each by itself: one that cannot be decided so stops no other.

        Raises Overloaded while a run is under way; what was decided before that stays so.
        """
        demand(actor, Verb.UPDATE, Area.DIRECTORIES)
        done = list[Resolved]()
        for conflict in dict.fromkeys(conflicts):
            try:
                done.append(Resolved(conflict, await self.resolve(actor, conflict, choice, force=force)))
            except CallerError as error:
                done.append(Resolved(conflict, problem=str(error)))
        return done

    # --- one way each ---

    async def _link(self, by: Decision, conflict: Conflict) -> None:
        await self._kinds[conflict.kind].link(by.actor, conflict, force=by.force)

    async def _rename(self, by: Decision, conflict: Conflict) -> None:
        if not by.name and conflict.about != "mail":
            raise InvalidValue("name", "is missing: what the entry is to be called here")
        if by.name:
            await self._kinds[conflict.kind].check_name(by.name)
            await self._check_promised(conflict, by.name)
        await self._store.commit(self._conflicts.decided(by.actor, conflict, Choice.RENAME, by.name))

    async def _skip(self, by: Decision, conflict: Conflict) -> None:
        await self._store.commit(self._conflicts.decided(by.actor, conflict, Choice.SKIP))

    async def _take_over(self, by: Decision, conflict: Conflict) -> None:
        await self._kinds[conflict.kind].take_over(by.actor, conflict, by.name, force=by.force)

    async def _undo(self, by: Decision, conflict: Conflict) -> None:
        if conflict.choice not in (Choice.RENAME, Choice.SKIP):
            raise InvalidValue("choice", "only rename and skip can be taken back")
        links = Links(self._store, conflict.source)
        # Without a digest the next run looks at the entry again.
        known = await links.of_stables(conflict.kind, [conflict.stable])
        looked_at = [links.write(replace(link, digest="")) for link in known]
        await self._store.commit([*looked_at, *self._conflicts.decided(by.actor, conflict, Choice.UNDO)])

    # --- what they share ---

    async def _check_promised(self, conflict: Conflict, name: str) -> None:
        """Refuse a name that another entry is to have by another decision."""
        decisions = (await self._conflicts.decisions(conflict.source)).values()
        others = [one for one in decisions if one.kind == conflict.kind and one.id != conflict.id]
        if any(fold(one.name) == fold(name) for one in others):
            raise InvalidValue("name", f"{name!r} is taken")

    async def _shown(self, found: Sequence[Conflict]) -> list[Dispute]:
        holders: dict[str, tuple[str, str]] = {}
        for kind, ways in self._kinds.items():
            holders |= await ways.holders(sorted({one.holder for one in found if one.holder and one.kind == kind}))
        return [Dispute(one, *holders.get(one.holder, ("", ""))) for one in found]


def _check_fits(conflict: Conflict, choice: Choice, name: str) -> None:
    """Refuse what cannot be meant of this conflict. Raises InvalidValue."""
    if conflict.about == "root" and choice not in _ABOUT_ROOT:
        raise InvalidValue("choice", "make another root first, and the next run does it; or skip it until then")
    gives_name = choice is Choice.RENAME or (choice is Choice.TAKE_OVER and conflict.about != "mail")
    if name and not gives_name:
        raise InvalidValue("name", f"says nothing with {choice}")
