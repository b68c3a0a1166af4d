"""What a query means, said the simplest way: every document is looked at."""

from collections.abc import Iterable, Mapping
from typing import Any

from idp.query import Place, Query, matches, order_key, sort_key


def answer(query: Query, documents: Iterable[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Return the ids of the page a store must answer, and the total."""
    found = [document for document in documents if matches(query.filter, document)]

    def place(document: Mapping[str, Any]) -> tuple[Any, str]:
        return order_key(sort_key(query.sort.field, document)) if query.sort else (0, 0), document["id"]

    ordered = sorted(found, key=place, reverse=query.sort is not None and query.sort.descending)
    after = Place(query.after, query.after) if isinstance(query.after, str) else query.after
    if after is not None:
        start = (order_key(after.key) if query.sort else (0, 0), after.id)
        is_down = query.sort is not None and query.sort.descending
        ordered = [one for one in ordered if (place(one) < start if is_down else place(one) > start)]
    ids = [document["id"] for document in ordered]
    return ids[query.offset : query.offset + query.limit], len(found)
