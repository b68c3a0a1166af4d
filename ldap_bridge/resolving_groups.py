"""What can be done about conflicts of groups, where names are unique, with groups that are here."""

from collections.abc import Collection, Iterable
from typing import Final

from idp.access import Actor
from idp.directory import Groups, Resource
from idp.directory.names import MAX_NAME
from idp.errors import InvalidValue, NotFound
from idp.query import Compare, Op, Query, fold
from idp.schema import GROUP as GROUP_TYPE
from idp.store.contract import Check, Store
from ldap_bridge.conflicts import Choice, Conflict, Conflicts
from ldap_bridge.links import Link, Links
from ldap_bridge.plan import GROUP, NAMES

_NAME: Final = NAMES[GROUP]
_FIELD: Final = GROUP_TYPE.resolve(_NAME).field
_MOST_NAMES: Final = 100
_LOCAL: Final = "local"


class GroupWays:
    """The `Ways` of groups. A group belongs to a directory when an entry of it is linked with it."""

    def __init__(self, store: Store, groups: Groups, conflicts: Conflicts, sources: Iterable[str]) -> None:
        self._store = store
        self._groups = groups
        self._conflicts = conflicts
        self._sources = sources

    async def link(self, actor: Actor, conflict: Conflict, *, force: bool) -> None:
        """Let the group be the entry's: it keeps its id and the members who are no people of the directory."""
        holder, links = await self._free_holder(conflict), Links(self._store, conflict.source)
        if await links.of_stables(GROUP, [conflict.stable]):
            raise InvalidValue("choice", f"{conflict.login!r} has a group already, which cannot become another one")
        # Without a digest the next run compares everything.
        link = links.write(Link(0, GROUP, conflict.stable, holder.id, conflict.dn, digest=""))
        as_it_is = Check(GROUP_TYPE.collection, holder.id, holder.version)
        await self._store.commit([as_it_is, link, *self._conflicts.decided(actor, conflict, Choice.LINK)])

    async def take_over(self, actor: Actor, conflict: Conflict, name: str, *, force: bool) -> None:
        """Take the name from the group."""
        holder = await self._free_holder(conflict)
        if name:
            await self.check_name(name)
        other = name or await self._free_name(conflict.login)
        extra = self._conflicts.decided(actor, conflict, Choice.TAKE_OVER)
        await self._groups.update(actor, holder.id, lambda document: {**document, _NAME: other}, extra=extra)

    async def check_name(self, name: str) -> None:
        """Refuse a name that cannot be told apart, or that a group has."""
        if name != name.strip() or not name.isprintable() or len(name) > MAX_NAME:
            raise InvalidValue(
                "name", f"may not begin or end with a blank, hold control characters or more than {MAX_NAME} characters"
            )
        if await self._is_taken(name):
            raise InvalidValue("name", f"{name!r} is taken")

    async def holders(self, ids: list[str]) -> dict[str, tuple[str, str]]:
        """Return name and source of these groups."""
        records = await self._store.get_many(GROUP_TYPE.collection, ids) if ids else {}
        sources = await self._sources_of(records)
        return {one.id: (str(one.document[_NAME]), sources.get(one.id, _LOCAL)) for one in records.values()}

    async def _free_holder(self, conflict: Conflict) -> Resource:
        """Return the group that is in the way, which must belong to no directory."""
        if not conflict.holder:
            raise InvalidValue("choice", "there is no other group yet: two entries have the same name")
        record = await self._store.get(GROUP_TYPE.collection, conflict.holder)
        if record is None:
            raise NotFound("Group", conflict.holder)
        name = str(record.document[_NAME])
        if fold(name) != fold(conflict.value):
            raise InvalidValue("choice", f"{name!r} is not in the way any more, which the next run will find")
        if source := (await self._sources_of([record.id])).get(record.id):
            raise InvalidValue("choice", f"{name!r} belongs to {source}, whose next change would undo it")
        return Resource.of(record)

    async def _sources_of(self, groups: Collection[str]) -> dict[str, str]:
        """Return which directory each of these groups belongs to, if any does, in one read for each directory."""
        return {
            link.resource: f"ldap:{source}"
            for source in self._sources
            for link in await Links(self._store, source).of_resources(groups)
        }

    async def _is_taken(self, name: str) -> bool:
        query = Query(Compare(_FIELD, Op.EQ, name), limit=1, total=False)
        return bool((await self._store.find(GROUP_TYPE.collection, query)).records)

    async def _free_name(self, login: str) -> str:
        for number in range(2, _MOST_NAMES):
            if not await self._is_taken(name := f"{login} ({number})"):
                return name
        raise InvalidValue("name", "is missing: every name that would do is taken")
