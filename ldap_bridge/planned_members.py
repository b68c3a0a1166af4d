"""Who comes into which group and who leaves it, once every person and group of a read has an id."""

import asyncio
from collections.abc import AsyncIterator, Container, Sequence

from idp.directory.edges import PAGE, Edges
from idp.store.contract import Store
from ldap_bridge.intake import Intake
from ldap_bridge.mapping import Found
from ldap_bridge.plan import GroupState, Kind, Plan, members
from ldap_bridge.scope import Scope


async def plan_members(
    plan: Plan,
    store: Store,
    scope: Scope,
    people: Intake,
    groups: Intake,
    everything: Sequence[Found],
    *,
    told_by_people: bool = False,
) -> None:
    """Add the membership changes of these groups to the plan.

    Where memberships are `told_by_people`, a look at some of them proves nothing of the others.
    """
    await scope.make_known(people, groups, everything)
    if not plan.complete:
        _remember_unseen(people)
        _remember_unseen(groups)
    wanted = Wanted(plan, people, groups, may_remove=plan.complete and (people.whole or not told_by_people))
    differing = []
    for found in everything:
        state = wanted.state(found)
        if state is not None and not state.is_same:
            differing.append(state)
        # A group of a hundred thousand takes a tenth of a second; requests may come in between two.
        await asyncio.sleep(0)
    if not differing:
        return
    new = {change.resource for change in plan.changes if change.kind is Kind.CREATE}
    edges, names = Edges(store), _names(people, groups)
    async for state, current in _with_members(differing, edges, new):
        ours = await scope.ours(people, groups, [member for member in current if member not in state.wanted])
        if change := members(state, current, ours):
            known = ours | names
            change.names = {member: known[member] for member in (*change.added, *change.removed) if member in known}
            plan.memberships.append(change)


async def _with_members(
    states: Sequence[GroupState], edges: Edges, new: Container[str]
) -> AsyncIterator[tuple[GroupState, list[str]]]:
    """Yield each group with the members that it has now: some groups by one read, as many as are not large together."""
    waiting, size = list[GroupState](), 0
    for position, state in enumerate(states, start=1):
        waiting.append(state)
        size += len(state.wanted)
        if position < len(states) and size < PAGE:
            continue
        present: dict[str, list[str]] = {one.group: [] for one in waiting}
        for edge in await edges.of_groups([group for group in present if group not in new]):
            present[edge["group"]].append(edge["member"])
        for one in waiting:
            yield one, present[one.group]
        waiting, size = [], 0


class Wanted:
    """Resolves what groups and their members say about each other into ids."""

    def __init__(self, plan: Plan, people: Intake, groups: Intake, *, may_remove: bool) -> None:
        self._plan = plan
        self._may_remove = may_remove
        self._people = people
        self._groups = groups
        self._group_ids = frozenset(groups.refs.values())

    def state(self, found: Found) -> GroupState | None:
        """Return whom the directory wants in a group; None for a group that has no id."""
        group = self._groups.refs.get(found.dn_key)
        if group is None:
            return None
        wanted = {*self._people.belonging.get(found.dn_key, ()), *self._groups.belonging.get(found.dn_key, ())}
        if found.own_ref:
            wanted.update(self._people.belonging.get(found.own_ref, ()))
        for ref in found.members:
            member = self._people.refs.get(ref) or self._groups.refs.get(ref)
            if member is None:
                self._plan.unresolved += 1
            else:
                wanted.add(member)
        # A group may list itself in LDAP; here it cannot, and it would add nobody.
        wanted.discard(group)
        link = self._groups.links.get(found.stable)
        return GroupState(group, found, wanted, self._group_ids, self._may_remove, link)


def _names(people: Intake, groups: Intake) -> dict[str, str]:
    """Return the present DN of everybody by id."""
    refs = (*people.refs.items(), *groups.refs.items())
    return {resource: ref for ref, resource in refs if not ref.startswith(":")}


def _remember_unseen(intake: Intake) -> None:
    """After an incomplete read, let those who were not seen still be found by their last known names."""
    for link in intake.unseen():
        if not link.gone:
            intake.refs.setdefault(link.dn_key, link.resource)
