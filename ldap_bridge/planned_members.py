"""Who comes into which group and who leaves it, once every person and group of a read has an id."""

import asyncio
from collections.abc import AsyncIterator, Container, Iterable, Mapping, Sequence

from idp.directory.edges import PAGE, Edges
from idp.store.contract import Store
from ldap_bridge.intake import Intake
from ldap_bridge.mapping import Found
from ldap_bridge.plan import GROUP, GroupState, Kind, Plan, members
from ldap_bridge.scope import Scope
from ldap_bridge.shelf import Shelf


async def plan_members(
    plan: Plan,
    store: Store,
    scope: Scope,
    people: Intake,
    groups: Intake,
    everything: Iterable[Found],
    *,
    told_by_people: bool = False,
) -> "Wanted":
    """Add the membership changes of these groups to the plan; return what the directory says of its groups.

    Where memberships are `told_by_people`, a look at some of them proves nothing of the others.
    """
    await scope.make_known(people, groups, everything)
    if not plan.complete:
        _remember_unseen(people)
        _remember_unseen(groups)
    may_remove = plan.complete and (people.whole or not told_by_people)
    wanted = Wanted(plan, people, groups, everything, may_remove=may_remove)
    names = Names(people, groups)
    async for state, current in _with_members(_differing(wanted, everything), Edges(store), _new(plan)):
        ours = await scope.ours(people, groups, [member for member in current if member not in state.wanted])
        if change := members(state, current, ours):
            change.names = await names.of((*change.added, *change.removed), state.called, ours)
            plan.memberships.append(change)
            plan.memberships.put_away()
    return wanted


def _new(plan: Plan) -> set[str]:
    return {change.resource for change in plan.changes.of(Kind.CREATE, subject=GROUP)}


async def _differing(wanted: "Wanted", everything: Iterable[Found]) -> AsyncIterator[GroupState]:
    for found in everything:
        state = wanted.state(found)
        if state is not None and not state.is_same:
            yield state
        # A group of a hundred thousand takes a tenth of a second; requests may come in between two.
        await asyncio.sleep(0)


async def _with_members(
    states: AsyncIterator[GroupState], edges: Edges, new: Container[str]
) -> AsyncIterator[tuple[GroupState, list[str]]]:
    """Yield each group with the members that it has now: some groups by one read, as many as are not large together."""
    waiting, size = list[GroupState](), 0
    async for state in states:
        waiting.append(state)
        size += len(state.wanted)
        if size >= PAGE:
            for one in await _present(waiting, edges, new):
                yield one
            waiting, size = [], 0
    for one in await _present(waiting, edges, new):
        yield one


async def _present(
    states: Sequence[GroupState], edges: Edges, new: Container[str]
) -> Sequence[tuple[GroupState, list[str]]]:
    present: dict[str, list[str]] = {one.group: [] for one in states}
    for edge in await edges.of_groups([group for group in present if group not in new]):
        present[edge["group"]].append(edge["member"])
    return [(one, present[one.group]) for one in states]


class Names:
    """By what people and groups are called in lines of members: their present DNs, by id."""

    def __init__(self, people: Intake, groups: Intake) -> None:
        self._intakes = (people, groups)
        self._known: Shelf[str] | None = None

    async def of(self, members: Sequence[str], called: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
        """Return the names of some; most are `called` by them, and who was not read is called as in `ours`."""
        if all(member in called for member in members):
            return {member: called[member] for member in members}
        if self._known is None:
            self._known = await asyncio.to_thread(self._all)
        known = self._known
        return {member: name for member in members if (name := known.get(member) or ours.get(member))}

    def _all(self) -> Shelf[str]:
        known = Shelf(str)
        for intake in self._intakes:
            for ref, resource in intake.refs.items():
                if not ref.startswith(":"):
                    known.put(resource, ref)
        return known


class Wanted:
    """Resolves what groups and their members say about each other into ids.

    `may_remove` tells whether who is not named is not a member.
    """

    def __init__(
        self, plan: Plan, people: Intake, groups: Intake, everything: Iterable[Found], *, may_remove: bool
    ) -> None:
        self._plan = plan
        self._people = people
        self._groups = groups
        self._group_ids = frozenset(groups.refs.values())
        self._everything = everything
        self._read: Shelf[Found] | None = None
        self.may_remove = may_remove

    def state(self, found: Found) -> GroupState | None:
        """Return whom the directory wants in a group; None for a group that has no id."""
        group = self._groups.refs.get(found.dn_key)
        if group is None:
            return None
        members, called, unresolved = self._members(group, found)
        self._plan.unresolved += unresolved
        link = self._groups.links.get(found.stable)
        return GroupState(group, found, members, self._group_ids, self.may_remove, link, called)

    def people_in(self, refs: Iterable[str]) -> tuple[set[str], bool]:
        """Return everybody who is in these groups, by DN key, or in groups in them; loops end.

        With it whether that is all: a group that is there and was not read may hold others.
        """
        people, seen, is_all = set[str](), set[str](), True
        by_id = self._read = self._read or self._by_id()
        waiting = {group for ref in refs if (group := self._groups.refs.get(ref))}
        while waiting:
            seen |= waiting
            read = [(group, found) for group in waiting if (found := by_id.get(group))]
            is_all = is_all and len(read) == len(waiting)
            members = {member for group, found in read for member in self._members(group, found)[0]}
            people |= members - self._group_ids
            waiting = (members & self._group_ids) - seen
        return people, is_all

    def _by_id(self) -> Shelf[Found]:
        found = Shelf(Found)
        for group in self._everything:
            if resource := self._groups.refs.get(group.dn_key):
                found.put(resource, group)
        return found

    def _members(self, group: str, found: Found) -> tuple[set[str], dict[str, str], int]:
        """Return the ids of a group's members, the DNs that it names them by, and how many it names are nobody here."""
        wanted = {*self._people.belonging.get(found.dn_key), *self._groups.belonging.get(found.dn_key)}
        if found.own_ref:
            wanted.update(self._people.belonging.get(found.own_ref))
        called, unresolved = dict[str, str](), 0
        for ref in found.members:
            member = self._people.refs.get(ref) or self._groups.refs.get(ref)
            if member is None:
                unresolved += 1
                continue
            wanted.add(member)
            if not ref.startswith(":"):
                called[member] = ref
        # A group may list itself in LDAP; here it cannot, and it would add nobody.
        wanted.discard(group)
        return wanted, called, unresolved


def _remember_unseen(intake: Intake) -> None:
    """After an incomplete read, let those who were not seen still be found by their last known names."""
    for link in intake.unseen():
        if not link.gone:
            intake.refs.add(link.dn_key, link.resource)
