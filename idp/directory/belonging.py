"""Derived values: the groups of a person, and the members of a group with their names."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from idp.directory.edges import BATCH, EDGES, Edge, Edges, closure
from idp.memory import Memory, Moment
from idp.store.contract import Store

Value = dict[str, Any]
_REMEMBERED: Final = 50_000
"""People and memberships of theirs that are remembered."""
_COLLECTIONS: Final = {"User": "users", "Group": "groups"}
SHOWN: Final = (*_COLLECTIONS.values(), EDGES)
"""The collections that people and groups are shown from: each with the names of the others."""


class Belonging:
    """Works out derived values for a whole page of resources at once."""

    def __init__(self, store: Store, edges: Edges) -> None:
        self._store = store
        self._edges = edges
        # Changes of people themselves, by far the most frequent, leave it as it is.
        self._known = Memory[list[Value]](partial(store.stamp, (_COLLECTIONS["Group"], EDGES)), _REMEMBERED)

    async def groups_of(self, ids: Sequence[str], moment: Moment | None = None) -> dict[str, list[Value]]:
        """Return the groups of each of these, direct ones first, as of the moment or later."""
        stamp, known = await self._known.look_for(ids, moment)
        missing = [user for user in ids if user not in known]
        found = await self._groups_of(missing) if missing else {}
        for user, groups in found.items():
            self._known.keep(user, groups, stamp, 1 + len(groups))
        return {**known, **found}

    async def _groups_of(self, ids: Sequence[str]) -> dict[str, list[Value]]:
        edges = await self._edges.of_members(set(ids))
        if not edges:
            return {user: [] for user in ids}
        direct: dict[str, set[str]] = {user: set() for user in ids}
        for edge in edges:
            direct[edge["member"]].add(edge["group"])
        parents = await self._edges.ancestors({edge["group"] for edge in edges})
        names = await self.names("Group", parents)
        return {user: _group_values(groups, closure(parents, groups), names) for user, groups in direct.items()}

    async def members_of(self, groups: Sequence[str], *, named: bool = True) -> dict[str, list[Value]]:
        """Return the direct members of each of these groups, by id; `named` costs a read of every member."""
        found: dict[str, list[Edge]] = {group: [] for group in groups}
        for edge in await self._edges.of_groups(set(groups)):
            found[edge["group"]].append(edge)
        names = await self._names_of([edge for edges in found.values() for edge in edges]) if named else {}
        return {group: [_member_value(edge, names) for edge in edges] for group, edges in found.items()}

    async def members_among(self, group: str, members: Sequence[str] | None) -> list[Value]:
        """Return the direct members of the group, those of them alone that are among these if any are given."""
        if members is None:
            return (await self.members_of([group]))[group]
        edges = await self._edges.between(group, members)
        names = await self._names_of(edges)
        return [_member_value(edge, names) for edge in edges]

    async def members_page(self, group: str, after: str | None, limit: int) -> list[Value]:
        """Return up to `limit` members of the group that come after the given id."""
        edges = await self._edges.page(group, after, limit)
        names = await self._names_of(edges)
        return [_member_value(edge, names) for edge in edges]

    async def names(self, kind: str, ids: Iterable[str]) -> dict[str, str]:
        """Return how those of these people or groups who are there are shown, by id; in one read for a page of them."""
        wanted = sorted(ids)
        names: dict[str, str] = {}
        for start in range(0, len(wanted), BATCH):
            records = await self._store.get_many(_COLLECTIONS[kind], wanted[start : start + BATCH])
            names |= {found: shown_name(record.document) for found, record in records.items()}
        return names

    async def _names_of(self, edges: Sequence[Edge]) -> dict[str, str]:
        names: dict[str, str] = {}
        for kind in _COLLECTIONS:
            names |= await self.names(kind, {edge["member"] for edge in edges if edge["type"] == kind})
        return names


def shown_name(document: Mapping[str, Any]) -> str:
    """Return the name by which a user or a group is shown."""
    return str(document.get("displayName") or document.get("userName") or "")


def _group_values(direct: set[str], reached: set[str], names: Mapping[str, str]) -> list[Value]:
    kinds = ((sorted(direct), "direct"), (sorted(reached - direct), "indirect"))
    # A group without a name was deleted between the reads.
    return [
        {"value": group, "display": names[group], "type": kind}
        for groups, kind in kinds
        for group in groups
        if group in names
    ]


def _member_value(edge: Edge, names: Mapping[str, str]) -> Value:
    value = {"value": edge["member"], "type": edge["type"]}
    name = names.get(edge["member"])
    return {**value, "display": name} if name else value
