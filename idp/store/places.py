"""The page of a result that arrives in any order, kept in memory that its length bounds."""

import heapq
from typing import Any, Final

from idp.query import Document, Place, Query, Sort, order_key, sort_key
from idp.store.narrow import ID

BY_ID: Final = Sort(ID)

_SLACK: Final = 1000

Rank = tuple[tuple[int, Any], str]


def order_of(query: Query) -> Sort:
    """Return the query's order before the id breaks ties."""
    return query.sort or BY_ID


def start_of(query: Query) -> Place | None:
    """Return the place after which the query's page begins."""
    return Place(query.after, query.after) if isinstance(query.after, str) else query.after


def rank(order: Sort, document: Document) -> Rank:
    """Return what puts documents in the order, but for its direction."""
    return order_key(sort_key(order.field, document)), document["id"]


def is_within(query: Query, place: Rank) -> bool:
    """Tell whether a place comes after the one at which the query's page begins."""
    start = start_of(query)
    if start is None:
        return True
    first = (order_key(start.key), start.id)
    return place < first if order_of(query).descending else place > first


class Places:
    """Counts matching documents and keeps those places in the order that the page may need."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._order = order_of(query)
        self._end = query.offset + query.limit
        self._kept: list[Rank] = []
        self.total = 0

    def add(self, document: Document) -> None:
        """Take one matching document into account."""
        self.total += 1
        place = rank(self._order, document)
        if not is_within(self._query, place):
            return
        self._kept.append(place)
        if len(self._kept) > self._end + _SLACK:
            self._kept = self._best()

    def page(self) -> list[str]:
        """Return the ids of the page, in order."""
        return [key for _, key in self._best()[self._query.offset :]]

    def _best(self) -> list[Rank]:
        choose = heapq.nlargest if self._order.descending else heapq.nsmallest
        return choose(self._end, self._kept)
