"""Leases: of all workers on all machines, one does a piece of background work, until it stops renewing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from idp.clock import Clock, from_text, to_text
from idp.errors import NotUnique, VersionMismatch
from idp.processes import Processes, UnknownProcesses
from idp.query import Document
from idp.store.contract import Check, Insert, Record, Replace, Store, Write

COLLECTION: Final = "leases"
# Commits that a renewal may come before; a holder renews but a few times a minute.
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a lease, and for how many seconds yet unless it is renewed."""

    holder: str
    seconds: float


class Leases:
    """Hands out named leases.

    The fencing number grows with every holder, so that what an overtaken holder still writes can be told apart.
    The record therefore stays when its lease is over. That of a process of this machine which has ended is over at
    once, as far as `processes` knows of it.
    """

    def __init__(self, store: Store, clock: Clock, processes: Processes | None = None) -> None:
        self._store = store
        self._clock = clock
        self._processes = processes or UnknownProcesses()

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        """Take the lease if nobody holds it; returns the fencing number, or None. A holder may take its own again."""
        record = await self._store.get(COLLECTION, name)
        if record is None:
            document = self._document(name, holder, 1, seconds)
            return 1 if await self._won(Insert(COLLECTION, document)) else None
        if record.document["holder"] != holder and self._is_held(record):
            return None
        number = int(record.document["number"]) + 1
        document = self._document(name, holder, number, seconds)
        return number if await self._won(Replace(COLLECTION, document, record.version)) else None

    async def held(self, name: str) -> Held | None:
        """Return who holds a lease; None when it could be acquired."""
        record = await self._store.get(COLLECTION, name)
        if record is None or not self._is_held(record):
            return None
        left = from_text(record.document["until"]) - self._clock.now()
        return Held(record.document["holder"], left.total_seconds())

    async def renew(self, name: str, number: int, seconds: float) -> bool:
        """Hold on for so many seconds from now; False when somebody else has taken over."""
        record = await self._store.get(COLLECTION, name)
        if record is None or record.document["number"] != number:
            return False
        document = self._document(name, record.document["holder"], number, seconds)
        return await self._won(Replace(COLLECTION, document, record.version))

    async def release(self, name: str, number: int) -> None:
        """Let others have it at once; nothing happens when they have it already."""
        await self.renew(name, number, 0)

    async def commit(self, name: str, number: int, writes: Sequence[Write]) -> None:
        """Commit what only the holder may write. Raises VersionMismatch of the lease when somebody else has taken over.

        Further what a commit raises.
        """
        for _ in range(_TRIES):
            record = await self._store.get(COLLECTION, name)
            if record is None or record.document["number"] != number:
                break
            try:
                return await self._store.commit([Check(COLLECTION, name, record.version), *writes])
            except VersionMismatch as error:
                if error.collection != COLLECTION:
                    raise
        raise VersionMismatch(COLLECTION, name)

    async def _won(self, write: Write) -> bool:
        try:
            await self._store.commit([write])
        except (NotUnique, VersionMismatch):
            return False
        return True

    def _is_held(self, record: Record) -> bool:
        if from_text(record.document["until"]) <= self._clock.now():
            return False
        # A lease from before processes left a mark in it has none.
        return not self._processes.has_ended(record.document.get("process", ""))

    def _document(self, name: str, holder: str, number: int, seconds: float) -> Document:
        until = to_text(self._clock.now() + timedelta(seconds=seconds))
        return {"id": name, "holder": holder, "number": number, "until": until, "process": self._processes.mark}
