"""What a run looks at: everything, or only what a change feed named and what hangs on that."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Final, Protocol

from idp.query import Compare, Op
from idp.schema import GROUP as GROUP_TYPE
from idp.schema import USER as USER_TYPE
from idp.schema import ResourceType
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Store
from ldap_bridge.entries import Directory, Reading
from ldap_bridge.intake import Intake
from ldap_bridge.links import Link, Links
from ldap_bridge.mapping import Found, Mapper
from ldap_bridge.parts import batched
from ldap_bridge.plan import GROUP, USER, Plan
from ldap_bridge.progress import Meter, Watcher
from ldap_bridge.shelf import Shelf

_SOURCE: Final = USER_TYPE.resolve(f"{GATEHOUSE_USER}:source").field
_TOGETHER: Final = 500


class Scope(Protocol):
    """Answers a planner's questions; used once."""

    async def load(self, watcher: Watcher) -> tuple[Intake, Intake]:
        """Return the intakes of people and groups, with the links of what is looked at."""
        ...

    def people(self) -> Reading:
        """Return the people to look at."""
        ...

    async def groups(self, plan: Plan, people: Intake, groups: Intake) -> Reading:
        """Return the groups to look at, once the people are planned; what is linked of them is in the intake then."""
        ...

    async def make_known(self, people: Intake, groups: Intake, everything: Iterable[Found]) -> None:
        """See to it that every member of these groups can be found in the intakes."""
        ...

    async def make_managers_known(self, people: Intake) -> None:
        """See to it that every manager of these people can be found in the intake."""
        ...

    async def ours(self, people: Intake, groups: Intake, members: Collection[str]) -> dict[str, str]:
        """Return those of the members who come from this directory, with their DNs."""
        ...

    async def linked(self) -> int:
        """Return how many people and groups are linked and not gone."""
        ...


class Everything:
    """A full compare: all links are loaded, all entries are read."""

    def __init__(self, directory: Directory, mapper: Mapper, store: Store, source: str) -> None:
        self._directory = directory
        self._mapper = mapper
        self._store = store
        self._source = source
        self._linked = 0
        self._names: Shelf[str] | None = None

    async def load(self, watcher: Watcher) -> tuple[Intake, Intake]:
        """Load every link of the source."""
        meter = Meter(watcher, "loading links")
        people, groups = Intake(()), Intake(())
        async for links in Links(self._store, self._source).all():
            people.expect(link for link in links if link.kind == USER)
            groups.expect(link for link in links if link.kind == GROUP)
            self._linked += sum(not link.gone for link in links)
            meter.add(len(links))
        in_store = await self._store.count(USER_TYPE.collection, Compare(_SOURCE, Op.EQ, f"ldap:{self._source}"))
        if in_store < people.expected:
            await unsettle_deleted(self._store, USER_TYPE, people.links)
        await unsettle_deleted(self._store, GROUP_TYPE, groups.links)
        return people, groups

    def people(self) -> Reading:
        """Read all people."""
        return self._directory.read(self._mapper.people_selection)

    async def groups(self, plan: Plan, people: Intake, groups: Intake) -> Reading:
        """Read all groups."""
        return self._directory.read(self._mapper.group_selection)

    async def make_known(self, people: Intake, groups: Intake, everything: Iterable[Found]) -> None:
        """Do nothing: whoever was read is known."""

    async def make_managers_known(self, people: Intake) -> None:
        """Do nothing: whoever was read is known."""

    async def ours(self, people: Intake, groups: Intake, members: Collection[str]) -> dict[str, str]:
        """Look among the links, all of which are loaded."""
        if not members:
            return {}
        if self._names is None:
            self._names = await asyncio.to_thread(_names, people, groups)
        names = self._names
        return {member: name for member in members if (name := names.get(member)) is not None}

    async def linked(self) -> int:
        """Count the links."""
        return self._linked


def _names(people: Intake, groups: Intake) -> Shelf[str]:
    names = Shelf(str)
    for intake in (people, groups):
        for link in intake.links.values():
            names.put(link.resource, link.dn_key)
    return names


async def unsettle_deleted(store: Store, kind: ResourceType, links: Shelf[Link]) -> None:
    """Let the links of what was deleted here look changed, so that it is made again."""
    for some in batched(links.values(), _TOGETHER):
        present = await store.get_many(kind.collection, [link.resource for link in some])
        for link in some:
            if link.resource not in present:
                link.digest = link.members = ""
                links.put(link.stable, link)
