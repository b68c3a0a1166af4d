"""A store that says what a commit would come to, and makes none."""

from collections.abc import Mapping, Sequence

from idp.errors import NotUnique, VersionMismatch
from idp.memory import Moment, Stamp
from idp.query import Compare, Document, Field, Op, Query, values_at
from idp.store.contract import Check, Collection, Delete, DeleteWhere, Insert, Record, Replace, Store, Write


class RehearsalStore:
    """Reads another store. A commit is checked against what is there as the real one would be, and only noted.

    `made` are the writes of the last commit that would have been made, each with the record as it was before. Between
    look and answer somebody else may commit: it is a forecast, not a promise.
    """

    def __init__(self, inner: Store, collections: Mapping[str, Collection]) -> None:
        self._inner = inner
        self._collections = collections
        self.made: list[tuple[Write, Record | None]] = []
        self.get = inner.get
        self.get_many = inner.get_many
        self.find = inner.find
        self.count = inner.count
        self.check = inner.check
        self.sweep = inner.sweep
        self.close = inner.close

    async def stamp(self, collections: Sequence[str], moment: Moment | None = None) -> Stamp | None:
        """Return None: nothing that is rehearsed may be remembered."""
        return None

    async def commit(self, writes: Sequence[Write]) -> None:
        """Check all writes in order. Raises NotUnique and VersionMismatch as the store would."""
        new: set[tuple[str, str]] = set()
        self.made = [(write, await self._tried(write, new)) for write in writes]

    async def _tried(self, write: Write, new: set[tuple[str, str]]) -> Record | None:
        if isinstance(write, DeleteWhere):
            return None
        if isinstance(write, Insert):
            key = (write.collection, str(write.document["id"]))
            if key in new or await self._inner.get(*key) is not None:
                raise NotUnique(write.collection, "id")
            await self._demand_unique(write.collection, write.document)
            new.add(key)
            return None
        return await self._present(write, new)

    async def _present(self, write: Replace | Delete | Check, new: set[tuple[str, str]]) -> Record | None:
        key = (write.collection, str(write.document["id"]) if isinstance(write, Replace) else write.id)
        if key in new:
            return None
        record = await self._inner.get(*key)
        if record is None or write.expected_version not in (None, record.version):
            raise VersionMismatch(*key)
        if isinstance(write, Replace):
            await self._demand_unique(write.collection, write.document)
        return record

    async def _demand_unique(self, collection: str, document: Document) -> None:
        for field in self._collections[collection].unique:
            for value in values_at(document, field.path):
                await self._demand_free(collection, field, value, str(document["id"]))

    async def _demand_free(self, collection: str, field: Field, value: str, own: str) -> None:
        query = Query(Compare(field, Op.EQ, value), limit=2, total=False)
        if any(record.id != own for record in (await self._inner.find(collection, query)).records):
            raise NotUnique(collection, ".".join(field.path))
