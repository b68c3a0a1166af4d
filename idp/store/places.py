"""The page of a result that arrives in any order, kept in memory that its length bounds."""

import heapq
from typing import Any, Final

from idp.query import Document, Query, Sort, order_key, sort_key
from idp.store.narrow import ID

BY_ID: Final = Sort(ID)

_SLACK: Final = 1000

Place = tuple[tuple[int, Any], str]


def order_of(query: Query) -> Sort:
    """Return the query's order before the id breaks ties."""
    return query.sort or BY_ID


class Places:
    """Counts matching documents and keeps those places in the order that the page may need."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._order = order_of(query)
        self._end = query.offset + query.limit
        self._kept: list[Place] = []
        self.total = 0

    def add(self, document: Document) -> None:
        """Take one matching document into account."""
        self.total += 1
        key: str = document["id"]
        if self._query.after is not None and key <= self._query.after:
            return
        self._kept.append((order_key(sort_key(self._order.field, document)), key))
        if len(self._kept) > self._end + _SLACK:
            self._kept = self._best()

    def page(self) -> list[str]:
        """Return the ids of the page, in order."""
        return [key for _, key in self._best()[self._query.offset :]]

    def _best(self) -> list[Place]:
        choose = heapq.nlargest if self._order.descending else heapq.nsmallest
        return choose(self._end, self._kept)
