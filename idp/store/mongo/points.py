"""Records by their ids: one command for all requests that need some of one collection at the same moment."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from idp.store.contract import Record
from idp.store.mongo.gather import Gathered
from idp.store.mongo.layout import Layout

_AT_ONCE: Final = 2
_FEW: Final = 20
"""Ids that are asked for together with others; more take a while, for which nobody else is to wait."""

Records = Mapping[str, Record]
Read = Callable[[Layout, Sequence[str]], Awaitable[Records]]


class Points:
    """Gets records, those of small requests together; `read` gets the records of some ids."""

    def __init__(self, layouts: Mapping[str, Layout], read: Read, timeout: float) -> None:
        self._layouts = layouts
        self._read = read
        self._gathered = {
            name: Gathered[Sequence[str], dict[str, Record]](partial(self._read_for, layout), timeout, _AT_ONCE)
            for name, layout in layouts.items()
        }

    async def get(self, collection: str, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by id and in the order asked for."""
        if len(ids) > _FEW:
            return _of(await self._read(self._layouts[collection], ids), ids)
        return await self._gathered[collection].ask(ids) if ids else {}

    async def _read_for(self, layout: Layout, asked: Sequence[Sequence[str]]) -> Sequence[dict[str, Record]]:
        records = await self._read(layout, sorted({key for ids in asked for key in ids}))
        return list(_shared_out(asked, records))


def _of(records: Records, ids: Sequence[str]) -> dict[str, Record]:
    return {key: records[key] for key in ids if key in records}


def _shared_out(asked: Sequence[Sequence[str]], records: Records) -> Iterator[dict[str, Record]]:
    """Yield to each what it asked for: documents of its own, because some change what they were given."""
    given: set[str] = set()
    for ids in asked:
        found = _of(records, ids)
        yield {key: record.copy() if key in given else record for key, record in found.items()}
        given |= found.keys()
