"""What a query means, said the simplest way: every document is looked at."""

from collections.abc import Iterable, Mapping
from typing import Any

from idp.query import Query, matches, order_key, sort_key


def answer(query: Query, documents: Iterable[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Return the ids of the page a store must answer, and the total."""
    found = [document for document in documents if matches(query.filter, document)]

    def place(document: Mapping[str, Any]) -> tuple[Any, str]:
        return order_key(sort_key(query.sort.field, document)) if query.sort else (0, 0), document["id"]

    ordered = sorted(found, key=place, reverse=query.sort is not None and query.sort.descending)
    ids = [document["id"] for document in ordered if query.after is None or document["id"] > query.after]
    return ids[query.offset : query.offset + query.limit], len(found)
