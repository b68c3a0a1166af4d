"""What clients asked of late and how it ended: noted in memory, written in the background, kept within bounds.

To note a request costs an append; nothing waits for the store. What the last second held is lost with the process.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from idp.access import Actor, Area, Verb, demand
from idp.clock import Clock, to_text
from idp.errors import IdpError, NotUnique, RemoteError, VersionMismatch
from idp.query import Compare, Field, Kind, Op, Query, Sort
from idp.store.contract import Delete, Insert, Store

COLLECTION: Final = "client_log"
KEPT: Final = 1_000
"""Requests of one client; older ones go."""
KEPT_FOR: Final = timedelta(days=7)
FLUSH_EVERY: Final = 1.0
PRUNE_AFTER: Final = 60
"""Flushes between two looks for what is over the bound."""
# In one flush, of one client. A read that went well tells little, and must not push out the rest.
_READS: Final = 20
_OTHERS: Final = 200
_BATCHES: Final = 200

_CLIENT: Final = Field(("client",))
_NEWEST: Final = Sort(Field(("at",), Kind.DATETIME), descending=True)
logger = logging.getLogger("idp.clients")


class Entry(NamedTuple):
    """One request: what was asked, about what, how it ended, and (redacted) what it changed."""

    at: datetime
    operation: str
    resource: str
    status: int
    milliseconds: float
    address: str
    request: str
    changed: Mapping[str, str] | None = None
    detail: str = ""

    def told(self) -> dict[str, Any]:
        """Return the entry as it is stored and shown."""
        return {
            **self._asdict(),
            "at": to_text(self.at),
            "milliseconds": round(self.milliseconds, 1),
            "changed": dict(self.changed or {}),
        }

    @property
    def is_dull(self) -> bool:
        """Whether it is a read that went well."""
        return self.status < 400 and self.operation.startswith("GET ")


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests of one client that one worker has written at once; `skipped` more were too many to keep."""

    id: str
    entries: Sequence[Mapping[str, Any]]
    skipped: int


@dataclass(slots=True)
class _Held:
    """What waits for the next flush."""

    reads: list[tuple[int, Entry]] = field(default_factory=list)
    others: deque[tuple[int, Entry]] = field(default_factory=lambda: deque(maxlen=_OTHERS))
    noted: int = 0


class ClientLog:
    """The requests of each client, by its id."""

    def __init__(self, store: Store, clock: Clock, ids: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._held: dict[str, _Held] = {}
        self._touched: set[str] = set()

    def note(self, client: str, entry: Entry) -> None:
        """Keep a request until the next flush."""
        held = self._held.get(client)
        if held is None:
            held = self._held[client] = _Held()
        held.noted += 1
        if entry.is_dull and len(held.reads) >= _READS:
            return
        (held.reads if entry.is_dull else held.others).append((held.noted, entry))

    def skip_read(self, client: str) -> bool:
        """Tell whether there is no room for one more read that went well, and count it then."""
        held = self._held.get(client)
        if held is None or len(held.reads) < _READS:
            return False
        held.noted += 1
        return True

    async def flush(self) -> None:
        """Write what is held; where the store does not take it, it is let go of."""
        held, self._held = self._held, {}
        if not held:
            return
        self._touched |= held.keys()
        try:
            await self._store.commit([Insert(COLLECTION, self._batch(client, one)) for client, one in held.items()])
        except (RemoteError, NotUnique) as error:
            logger.debug("requests of clients were not written down: %s", error)

    async def prune(self) -> None:
        """Remove what is over the bound, of the clients that asked something since the last time."""
        touched, self._touched = self._touched, set()
        for client in touched:
            with suppress(VersionMismatch, RemoteError):
                await self._prune(client)

    async def run_forever(self) -> None:
        """Flush every second, and once more at the end."""
        try:
            while True:
                for _ in range(PRUNE_AFTER):
                    await asyncio.sleep(FLUSH_EVERY)
                    await self.flush()
                await self.prune()
        except asyncio.CancelledError:
            with suppress(IdpError):
                await self.flush()
            raise

    async def of(self, actor: Actor, client: str, limit: int) -> list[Batch]:
        """Return the newest batches of a client, the oldest of them first."""
        demand(actor, Verb.READ, Area.CLIENTS)
        found = (await self._store.find(COLLECTION, self._newest(client, limit))).records
        return [Batch(one.id, one.document["entries"], one.document["skipped"]) for one in reversed(found)]

    def _batch(self, client: str, held: _Held) -> dict[str, Any]:
        now = self._clock.now()
        entries = [entry for _, entry in sorted((*held.reads, *held.others))]
        return {
            "id": self._ids(),
            "client": client,
            "at": to_text(now),
            "expires": to_text(now + KEPT_FOR),
            "entries": [entry.told() for entry in entries],
            "skipped": held.noted - len(entries),
        }

    async def _prune(self, client: str) -> None:
        kept, offset = 0, 0
        while True:
            records = (await self._store.find(COLLECTION, self._newest(client, _BATCHES, offset))).records
            over = []
            for record in records:
                if kept >= KEPT:
                    over.append(Delete(COLLECTION, record.id))
                kept += len(record.document["entries"])
            if over:
                await self._store.commit(over)
            if len(records) < _BATCHES:
                return
            offset += _BATCHES - len(over)

    def _newest(self, client: str, limit: int, offset: int = 0) -> Query:
        return Query(Compare(_CLIENT, Op.EQ, client), sort=_NEWEST, limit=limit, offset=offset, total=False)
