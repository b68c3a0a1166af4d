"""Ids in order, as streams: of members, of several at once, of one without the others; in memory that has a bound."""

import heapq
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Final

from idp.directory.edges import PAGE, Edges
from idp.errors import TooLarge

Ids = AsyncIterator[str]
# Of so many groups a query reads the members side by side, each group page by page.
_SIDE_BY_SIDE: Final = 64
# A page of fewer edges costs nearly the same.
_LEAST_PAGE: Final = 1_000
# Of more groups it holds the members' ids, so many in all: some ten megabytes.
MOST_HELD: Final = 100_000


class People:
    """Reads for one query, of so many conditions, who is in groups: what all of its streams hold is bounded."""

    def __init__(self, edges: Edges, conditions: int, above: str | None, most_held: int = MOST_HELD) -> None:
        self._edges = edges
        self._above = above
        self._side_by_side = _SIDE_BY_SIDE
        self._page = max(PAGE // max(conditions, 1), _LEAST_PAGE)
        self._most_held = most_held
        self._held = 0

    async def of(self, groups: Collection[str]) -> Ids:
        """Return the users who are direct members of one of the groups, each once.

        Raises TooLarge where too many would have to be held.
        """
        if len(groups) > self._side_by_side:
            return known(await self._together(groups), self._above)
        self._side_by_side -= len(groups)
        size = max(self._page // max(len(groups), 1), _LEAST_PAGE)
        return union([self._members(group, size) for group in sorted(groups)])

    async def _together(self, groups: Collection[str]) -> set[str]:
        found: set[str] = set()
        # Group by group, since the edges of one stand together.
        for group in sorted(groups):
            async for member in self._members(group, PAGE):
                found.add(member)
                if self._held + len(found) > self._most_held:
                    raise TooLarge("the number of people in all the groups that a filter is on", self._most_held)
        self._held += len(found)
        return found

    async def _members(self, group: str, size: int) -> Ids:
        above = self._above
        while True:
            page = await self._edges.page(group, above, size)
            for edge in page:
                if edge["type"] == "User":
                    yield edge["member"]
            if len(page) < size:
                return
            above = page[-1]["member"]


def union(streams: Sequence[Ids]) -> Ids:
    """Return what any of the streams yields, each once."""
    return streams[0] if len(streams) == 1 else _merged(streams)


async def _merged(streams: Sequence[Ids]) -> Ids:
    heads: list[tuple[str, int]] = []
    for place, stream in enumerate(streams):
        if (first := await anext(stream, None)) is not None:
            heads.append((first, place))
    heapq.heapify(heads)
    last = None
    while heads:
        id_, place = heads[0]
        if id_ != last:
            yield id_
            last = id_
        following = await anext(streams[place], None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following, place))


async def without(stream: Ids, others: Ids) -> Ids:
    """Yield what the stream yields and the other one does not."""
    other = await anext(others, None)
    async for id_ in stream:
        while other is not None and other < id_:
            other = await anext(others, None)
        if id_ != other:
            yield id_


async def known(ids: Iterable[str], above: str | None) -> Ids:
    """Yield those of some ids that are above one."""
    for id_ in sorted(ids):
        if above is None or id_ > above:
            yield id_
