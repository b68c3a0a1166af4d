"""Memberships: one small record per group and member, read in either direction."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from idp.query import EVERYTHING, And, Compare, Field, Filter, In, Op, Query
from idp.store.contract import DeleteWhere, Insert, Store
from idp.store.pages import every

EDGES: Final = "edges"
_GROUPS: Final = "groups"
GROUP: Final = Field(("group",))
MEMBER: Final = Field(("member",))
TYPE: Final = Field(("type",))
_ID: Final = Field(("id",))
# Ids are text; no letter comes after this one.
_AFTER_ALL: Final = chr(0x10FFFF)

# Edges are of 150 bytes: a read of this many is a few milliseconds and under a megabyte.
PAGE: Final = 5_000
# Ids asked for at once.
BATCH: Final = 1_000

Edge = dict[str, Any]


def edge_id(group: str, member: str) -> str:
    """Return the record id of a membership; that there is one per pair makes adding twice harmless."""
    return f"{group}:{member}"


def insert_edge(group: str, member: str, type: str, now: str) -> Insert:
    """Return the write that makes somebody a member."""
    return Insert(EDGES, {"id": edge_id(group, member), "group": group, "member": member, "type": type, "added": now})


def forget_member(member: str) -> DeleteWhere:
    """Return the write that takes somebody out of every group."""
    return DeleteWhere(EDGES, MEMBER, member)


def forget_group(group: str) -> DeleteWhere:
    """Return the write that empties a group."""
    return DeleteWhere(EDGES, GROUP, group)


class Edges:
    """Reads memberships."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_members(self, members: Collection[str]) -> list[Edge]:
        """Return the edges by which these belong to groups; one read for a page of people."""
        return await self._all(MEMBER, members)

    async def of_groups(self, groups: Collection[str]) -> list[Edge]:
        """Return the edges of everybody who is a direct member of these groups, by group and member."""
        if len(groups) > 1:
            return await self._all(GROUP, groups)
        return [edge for group in groups async for edge in self._of_group(group)]

    async def between(self, group: str, members: Sequence[str]) -> list[Edge]:
        """Return the edges of those of these who are direct members of the group."""
        found = await self._store.get_many(EDGES, [edge_id(group, member) for member in members])
        return [record.document for record in found.values()]

    async def among(self, group: str, members: Sequence[str]) -> set[str]:
        """Return which of these are direct members of the group."""
        return {edge["member"] for edge in await self.between(group, members)}

    async def size(self, group: str) -> int:
        """Return how many direct members the group has."""
        return await self._store.count(EDGES, Compare(GROUP, Op.EQ, group))

    async def page(self, group: str, after: str | None, limit: int, offset: int = 0) -> list[Edge]:
        """Return up to `limit` edges of the group whose member comes after the given one, from the `offset`-th on."""
        # Edges of a group stand together in the order of ids: said so, nothing beside them is looked at.
        own = And((Compare(GROUP, Op.EQ, group), Compare(_ID, Op.LT, edge_id(group, _AFTER_ALL))))
        query = Query(own, offset=offset, limit=limit, after=edge_id(group, after or ""), total=False)
        return [record.document for record in (await self._store.find(EDGES, query)).records]

    async def matching(self, filter: Filter) -> AsyncIterator[Edge]:
        """Yield every edge that the filter selects, in the order of ids."""
        async for record in every(self._store, EDGES, filter, PAGE):
            yield record.document

    async def ancestors(self, groups: Iterable[str]) -> dict[str, set[str]]:
        """Return for each group, and each group above one, its direct parents. Loops end.

        The number of reads is that of the levels.
        """
        parents: dict[str, set[str]] = {}
        level = set(groups)
        while level:
            parents.update((group, set()) for group in level)
            for edge in await self.of_members(level):
                parents[edge["member"]].add(edge["group"])
            level = set().union(*(parents[group] for group in level)) - parents.keys()
        return parents

    async def groups_below(self, groups: Iterable[str]) -> set[str]:
        """Return these groups and all that are inside of them, directly or through others. Loops end."""
        seen: set[str] = set()
        level = set(groups)
        while level:
            seen |= level
            inner: set[str] = set()
            for batch in _batches(GROUP, level):
                inner |= await self._groups_in(batch)
            level = inner - seen
        return seen

    async def _groups_in(self, batch: In) -> set[str]:
        """Return the groups that are direct members of some; looked for where there are fewer: here or among all."""
        if await self._store.count(EDGES, batch) <= await self._store.count(_GROUPS, EVERYTHING):
            of_groups: list[Filter] = [And((batch, Compare(TYPE, Op.EQ, "Group")))]
        else:
            of_groups = [And((batch, members)) for members in _batches(MEMBER, await self._all_groups())]
        return {edge["member"] for some in of_groups async for edge in self.matching(some)}

    async def _all_groups(self) -> list[str]:
        return [record.id async for record in every(self._store, _GROUPS, EVERYTHING, PAGE)]

    async def groups_with(self, member: str) -> list[str]:
        """Return the groups of which this is a direct member."""
        return [edge["group"] for edge in await self.of_members([member])]

    async def _all(self, field: Field, values: Collection[str]) -> list[Edge]:
        return [edge for batch in _batches(field, values) async for edge in self.matching(batch)]

    async def _of_group(self, group: str) -> AsyncIterator[Edge]:
        # Its edges stand together in the order of ids: to begin there spares the way to them.
        async for record in every(self._store, EDGES, Compare(GROUP, Op.EQ, group), PAGE, edge_id(group, "")):
            yield record.document


def _batches(field: Field, values: Collection[str]) -> Iterator[In]:
    ordered = sorted(values)
    for start in range(0, len(ordered), BATCH):
        yield In(field, tuple(ordered[start : start + BATCH]))


def closure(parents: dict[str, set[str]], start: Iterable[str]) -> set[str]:
    """Return every group that is reached upwards from these, themselves included. Loops end."""
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        group = waiting.pop()
        if group not in reached:
            reached.add(group)
            waiting.extend(parents.get(group, ()))
    return reached
