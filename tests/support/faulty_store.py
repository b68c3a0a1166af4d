"""A store that fails at one chosen call, to show that whoever uses it leaves nothing half done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from idp.errors import DeadlineExceeded, IdpError, NotUnique, Unavailable, VersionMismatch
from idp.memory import Moment, Stamp
from idp.query import Filter, Query
from idp.store.contract import Check, Delete, DeleteWhere, Insert, Page, Record, Replace, Store, Write


class Fault(StrEnum):
    """What happens at the chosen call."""

    BEFORE = "before"
    """Nothing is done, and the caller hears that the store is away."""
    AFTER = "after"
    """It is done, but the caller hears that it took too long: nobody knows."""
    DENIED = "denied"
    """It is done, but a commit is answered with a refusal, as is one that goes again after a lost answer."""


@dataclass
class FaultyStore:
    """Any store, failing at the n-th call (from 1; 0 never fails) of the verbs that are watched."""

    inner: Store
    at: int = 0
    fault: Fault = Fault.BEFORE
    verbs: frozenset[str] = frozenset({"get", "get_many", "find", "count", "commit"})
    calls: int = field(default=0, init=False)

    @property
    def has_failed(self) -> bool:
        """Whether the chosen call was reached."""
        return 0 < self.at <= self.calls

    async def get(self, collection: str, id: str) -> Record | None:
        """As the contract says, or the fault."""
        raise_after = self._enter("get")
        record = await self.inner.get(collection, id)
        raise_after()
        return record

    async def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Record]:
        """As the contract says, or the fault."""
        raise_after = self._enter("get_many")
        records = await self.inner.get_many(collection, ids)
        raise_after()
        return records

    async def find(self, collection: str, query: Query) -> Page:
        """As the contract says, or the fault."""
        raise_after = self._enter("find")
        page = await self.inner.find(collection, query)
        raise_after()
        return page

    async def count(self, collection: str, filter: Filter) -> int:
        """As the contract says, or the fault."""
        raise_after = self._enter("count")
        count = await self.inner.count(collection, filter)
        raise_after()
        return count

    async def commit(self, writes: Sequence[Write]) -> None:
        """As the contract says, or the fault."""
        raise_after = self._enter("commit", _refusal(writes))
        await self.inner.commit(writes)
        raise_after()

    async def stamp(self, collections: Sequence[str], moment: Moment | None = None) -> Stamp | None:
        """Pass on."""
        return await self.inner.stamp(collections, moment)

    async def check(self) -> None:
        """Pass on."""
        await self.inner.check()

    async def sweep(self) -> int:
        """Pass on."""
        return await self.inner.sweep()

    async def close(self) -> None:
        """Pass on."""
        await self.inner.close()

    def _enter(self, verb: str, refusal: IdpError | None = None) -> Callable[[], None]:
        """Count the call and fail before it, or return what is to be called after it."""
        if verb not in self.verbs:
            return _nothing
        self.calls += 1
        if self.calls != self.at:
            return _nothing
        if self.fault is Fault.BEFORE:
            raise Unavailable("the store", "chosen by the test")
        return _raising(refusal if refusal and self.fault is Fault.DENIED else DeadlineExceeded("the store"))


def _nothing() -> None:
    pass


def _raising(error: IdpError) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def _refusal(writes: Sequence[Write]) -> IdpError:
    match writes[0]:
        case Insert(collection):
            return NotUnique(collection, "id")
        case Replace(collection, document):
            return VersionMismatch(collection, document["id"])
        case Delete(collection, id) | Check(collection, id):
            return VersionMismatch(collection, id)
        case DeleteWhere(collection):
            return VersionMismatch(collection, "")
