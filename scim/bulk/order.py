"""In which order operations are carried out: the request's own, but nothing before what it refers to. Pure."""

import heapq
from collections.abc import Collection, Iterator, Sequence

Needs = Sequence[Collection[int]]
"""For each operation, the operations that must come before it."""


def ordered(needs: Needs) -> Iterator[tuple[int, ...]]:
    """Yield the operations one by one, the first in the request first; those that need each other come together."""
    units = _components(needs)
    unit_of = {member: number for number, unit in enumerate(units) for member in unit}
    waiting = [len({unit_of[n] for one in unit for n in needs[one]} - {number}) for number, unit in enumerate(units)]
    needed_by: list[set[int]] = [set() for _ in units]
    for one, others in enumerate(needs):
        for other in others:
            if unit_of[other] != unit_of[one]:
                needed_by[unit_of[other]].add(unit_of[one])
    ready = [(unit[0], number) for number, unit in enumerate(units) if not waiting[number]]
    heapq.heapify(ready)
    while ready:
        _, number = heapq.heappop(ready)
        yield units[number]
        for later in needed_by[number]:
            waiting[later] -= 1
            if not waiting[later]:
                heapq.heappush(ready, (units[later][0], later))


def _components(needs: Needs) -> list[tuple[int, ...]]:
    """Return the strongly connected components (Kosaraju), each in ascending order."""
    reverse: list[list[int]] = [[] for _ in needs]
    for one, others in enumerate(needs):
        for other in others:
            reverse[other].append(one)
    seen: set[int] = set()
    finished = [node for start in range(len(needs)) for node in _finished(start, needs, seen)]
    seen.clear()
    return [tuple(sorted(_finished(start, reverse, seen))) for start in reversed(finished) if start not in seen]


def _finished(start: int, edges: Sequence[Collection[int]], seen: set[int]) -> list[int]:
    """Return what is reached from a place and not seen yet, in the order in which a search in depth is done with it."""
    if start in seen:
        return []
    seen.add(start)
    found: list[int] = []
    stack = [(start, iter(edges[start]))]
    while stack:
        node, rest = stack[-1]
        following = next((other for other in rest if other not in seen), None)
        if following is None:
            stack.pop()
            found.append(node)
        else:
            seen.add(following)
            stack.append((following, iter(edges[following])))
    return found
