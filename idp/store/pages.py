"""Everything that matches, however much it is: read page by page, in the order of ids."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from idp.query import Filter, Query
from idp.store.contract import Record, Store

PAGE: Final = 500


async def pages(
    store: Store, collection: str, wanted: Filter, size: int = PAGE, after: str | None = None
) -> AsyncIterator[Sequence[Record]]:
    """Yield what matches, at most `size` records at once; the last page may be empty. Raises what the store raises."""
    while True:
        records = (await store.find(collection, Query(wanted, limit=size, after=after, total=False))).records
        yield records
        if len(records) < size:
            return
        after = records[-1].id


async def every(
    store: Store, collection: str, wanted: Filter, size: int = PAGE, after: str | None = None
) -> AsyncIterator[Record]:
    """Yield what matches, one record after another. Raises what the store raises."""
    async for records in pages(store, collection, wanted, size, after):
        for record in records:
            yield record
