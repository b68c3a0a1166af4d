"""What a run looks at when a feed has named the changes: these, and the groups that hang on them."""

import asyncio
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from idp.directory.edges import Edges
from idp.query import In, Query
from idp.schema import GROUP as GROUP_TYPE
from idp.schema import USER as USER_TYPE
from idp.store.contract import Store
from ldap_bridge.dn import DnError, key
from ldap_bridge.entries import Entry, Outcome, Reading
from ldap_bridge.feeds import Changes, Delta, FeedBroken
from ldap_bridge.intake import Intake
from ldap_bridge.links import Link, Links
from ldap_bridge.mapping import Found, Mapper, login_ref
from ldap_bridge.parts import parts
from ldap_bridge.plan import GROUP, USER, Kind, Plan
from ldap_bridge.progress import Meter, Watcher
from ldap_bridge.rules import BadValue
from ldap_bridge.scope import unsettle_deleted
from ldap_bridge.settings import Source

_TOGETHER: Final = 500


@dataclass(slots=True)
class Hanging:
    """What groups are to be looked at for besides those that changed themselves.

    They name these DNs or logins as members, or have these stable ids because they hold somebody who moved or went.
    """

    dns: set[str] = field(default_factory=set)
    logins: set[str] = field(default_factory=set)
    stables: set[str] = field(default_factory=set)


class Lookup(Protocol):
    """Reads what hangs on changes. Its methods block, and may raise DirectoryError, and FeedBroken for too many."""

    def find_groups(self, hanging: Hanging) -> list[Entry]:
        """Return the groups that hang on something."""
        ...

    def entries(self, kind: str, stables: Sequence[str]) -> list[Entry]:
        """Return the people, or groups, of these stable ids, as far as they are there."""
        ...


class Changed:
    """The Scope of an incremental run."""

    def __init__(self, delta: Delta, lookup: Lookup, mapper: Mapper, store: Store, source: Source) -> None:
        self._delta = delta
        self._giving = {ref for refs in source.roles.values() for ref in refs}
        self._lookup = lookup
        self._mapper = mapper
        self._store = store
        self._links = Links(store, source.name)
        self._edges = Edges(store)

    async def load(self, watcher: Watcher) -> tuple[Intake, Intake]:
        """Load the links of what changed and of what is gone, which therefore will not be seen."""
        meter = Meter(watcher, "loading links")
        people = await self._touched(USER, self._delta.people)
        groups = await self._touched(GROUP, self._delta.groups)
        if self._mapper.has_managers:
            people += await self._reports(people)
        meter.add(len(people) + len(groups))
        known = Intake(people, whole=False), Intake(groups, whole=False)
        for kind, intake in zip((USER_TYPE, GROUP_TYPE), known, strict=True):
            await unsettle_deleted(self._store, kind, intake.links)
        return known

    def people(self) -> Reading:
        """Return the people who changed."""
        return Collected(self._delta.people.entries)

    async def groups(self, plan: Plan, people: Intake, groups: Intake) -> Reading:
        """Return the groups that changed, and those that hang on people or groups that came, went or were renamed."""
        hanging = Hanging()
        resources = self._of_people(plan, people, hanging) | self._of_groups(groups, hanging)
        for link in await self._links.of_resources({edge["group"] for edge in await self._edges.of_members(resources)}):
            hanging.stables.add(link.stable)
        more = await asyncio.to_thread(self._lookup.find_groups, hanging)
        more += await self._that_give_roles([*more, *self._delta.groups.entries])
        groups.expect(await self._links.of_stables(GROUP, {*map(self._stable, more)}))
        entries = {entry.dn: entry for entry in [*more, *self._delta.groups.entries]}
        return Collected([*entries.values()])

    async def _that_give_roles(self, read: Sequence[Entry]) -> list[Entry]:
        """Return what is not read yet of the groups that give roles, and of those in them, whether changed or not."""
        present, found = {_key(entry.dn): entry for entry in read}, list[Entry]()
        waiting, seen = {*self._giving}, set[str]()
        while waiting:
            links = [one for one in await self._links.of_refs(waiting - present.keys()) if one.kind == GROUP]
            if links:
                stables = {link.stable for link in links}
                more = await asyncio.to_thread(self._lookup.find_groups, Hanging(stables=stables))
                present |= {_key(entry.dn): entry for entry in more}
                found += more
            seen |= waiting
            inside = self._mapper.group_entries([present[ref] for ref in waiting if ref in present]).found
            waiting = {ref for group in inside for ref in group.members if not ref.startswith(":")} - seen
        return found

    async def make_known(self, people: Intake, groups: Intake, everything: Iterable[Found]) -> None:
        """Look up the members that the run has not come by."""
        named = {ref for found in everything for ref in found.members}
        missing = {ref for ref in named if ref not in people.refs and ref not in groups.refs}
        links = await self._links.of_refs([ref for ref in missing if not ref.startswith(":")])
        by_login = await self._by_login([ref for ref in missing if ref.startswith(":")])
        for link in await self._links.of_resources(by_login):
            if _may_be_meant(link, people, groups):
                people.refs.put(by_login[link.resource], link.resource)
        for link in links:
            if _may_be_meant(link, people, groups):
                (people if link.kind == USER else groups).refs.put(link.dn_key, link.resource)

    async def make_managers_known(self, people: Intake) -> None:
        """Look up the managers that the run has not come by."""
        missing = {boss for boss in people.bosses.values() if boss not in people.refs}
        for link in await self._links.of_refs(missing):
            if link.kind == USER and _may_be_meant(link, people, people):
                people.refs.put(link.dn_key, link.resource)

    async def ours(self, people: Intake, groups: Intake, members: Collection[str]) -> dict[str, str]:
        """Look the links of these members up."""
        return {link.resource: link.dn_key for link in await self._links.of_resources(members)}

    async def linked(self) -> int:
        """Count all links of the source; of those who are gone there are few."""
        return await self._links.count()

    def _of_people(self, plan: Plan, people: Intake, hanging: Hanging) -> set[str]:
        """Note new names of people; return the ids of those whose old ones mean them no longer."""
        resources = {link.resource for link in people.unseen()}
        for change in plan.changes:
            found, link = change.found, change.link
            if found is None:
                continue
            if change.kind in (Kind.RENAME, Kind.RELINK) or link is None or link.gone or link.dn_key != found.dn_key:
                hanging.dns.add(found.dn)
                hanging.logins.add(found.name)
                resources.add(change.resource)
        return resources

    def _of_groups(self, groups: Intake, hanging: Hanging) -> set[str]:
        """The same of groups, whose changes are not planned yet. A group that goes leaves all others by itself."""
        resources = set()
        for entry in self._delta.groups.entries:
            link = groups.links.get(self._stable(entry))
            if link is None or link.dn != entry.dn:
                hanging.dns.add(entry.dn)
                resources |= {link.resource} if link else set()
        return resources

    async def _reports(self, people: Sequence[Link]) -> list[Link]:
        """Read those, too, whose managers came, went or have another DN; a directory may tell of the managers only."""
        before = {link.stable: "" if link.gone else link.dn_key for link in people}
        now = {self._stable(entry): _key(entry.dn) for entry in self._delta.people.entries}
        refs = {
            ref
            for stable in before.keys() | now.keys()
            if before.get(stable, "") != now.get(stable, "")
            for ref in (before.get(stable, ""), now.get(stable, ""))
        }
        others = [link for link in await self._links.of_bosses(refs - {""}) if link.stable not in before | now]
        stables = [link.stable for link in others]
        entries = await asyncio.to_thread(self._lookup.entries, USER, stables) if stables else []
        self._delta.people.entries += entries
        read = {*map(self._stable, entries)}
        # Who is not found has changed meanwhile, which the next run is told.
        return [link for link in others if link.stable in read]

    async def _touched(self, kind: str, changes: Changes) -> list[Link]:
        stables = {*map(self._stable, changes.entries)}
        if changes.present is None:
            return await self._links.of_stables(kind, stables | changes.gone)
        there = stables | changes.present
        links = [link async for some in self._links.all() for link in some if link.kind == kind]
        if not there and any(not link.gone for link in links):
            raise FeedBroken(f"the server names not a single {kind}")
        return [link for link in links if link.stable in stables or link.stable not in there]

    def _stable(self, entry: Entry) -> str:
        try:
            return self._mapper.stable_id(entry)
        except (BadValue, DnError):
            return ""  # which the intake will find and name

    async def _by_login(self, refs: Sequence[str]) -> dict[str, str]:
        """Return by id the references that are somebody's user name."""
        login = USER_TYPE.resolve("userName").field
        found: dict[str, str] = {}
        for some in parts(refs, _TOGETHER):
            query = Query(In(login, tuple(ref.removeprefix(":") for ref in some)), limit=len(some), total=False)
            records = (await self._store.find(USER_TYPE.collection, query)).records
            found |= {record.id: login_ref(record.document["userName"]) for record in records}
        return found


class Collected:
    """A Reading of entries that are there already."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = list(entries)
        self.outcome = Outcome(complete=True, entries=len(self._entries))

    def batches(self) -> Generator[list[Entry], None, None]:
        """Yield them all."""
        if self._entries:
            yield self._entries

    def interrupt(self) -> None:
        """Do nothing: it never blocks."""


def _key(dn: str) -> str:
    try:
        return key(dn)
    except DnError:
        return ""


def _may_be_meant(link: Link, people: Intake, groups: Intake) -> bool:
    """Tell whether an entry that was not read now still has the name it had: it is there, and nothing of it changed."""
    intake = people if link.kind == USER else groups
    return not link.gone and link.stable not in intake.links
