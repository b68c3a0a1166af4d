"""Ids in order, as streams: of members, of several at once, of one without the others; never all of them in memory."""

import heapq
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Final

from idp.directory.edges import PAGE, Edges

Ids = AsyncIterator[str]
# Of so many groups the members are read side by side, each group page by page.
_SIDE_BY_SIDE: Final = 64
_LEAST_PAGE: Final = 100


async def people_of(edges: Edges, groups: Collection[str], above: str | None) -> Ids:
    """Return the users who are direct members of one of the groups, each once."""
    if len(groups) > _SIDE_BY_SIDE:
        # More groups than anybody reads page by page; then the ids are held together.
        return of(await edges.people_directly_in(groups), above)
    size = max(PAGE // max(len(groups), 1), _LEAST_PAGE)
    return union([_members(edges, group, above, size) for group in sorted(groups)])


async def _members(edges: Edges, group: str, above: str | None, size: int) -> Ids:
    while True:
        page = await edges.page(group, above, size)
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


async def of(ids: Iterable[str], above: str | None) -> Ids:
    """Yield ids that are known."""
    for id_ in sorted(ids):
        if above is None or id_ > above:
            yield id_
