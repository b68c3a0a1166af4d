"""The outbox: letters wait in the store until a sender has taken them."""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from idp.clock import Clock, to_text
from idp.errors import IdpError, RemoteError, VersionMismatch
from idp.mail.compose import OUTBOX, WAITING, Letter, Seal, opened
from idp.mail.senders import Refused, Sender
from idp.query import And, Compare, Field, In, Kind, Op, Query, Sort
from idp.store.contract import Delete, Record, Replace, Store

SENDING: Final = "sending"
FAILED: Final = "failed"

_BATCH: Final = 20
# Longer than the senders' own timeouts, so that a letter is not taken from a worker that is still at it.
_LEASE: Final = timedelta(minutes=2)
_FIRST_RETRY: Final = timedelta(seconds=10)
_LAST_RETRY: Final = timedelta(hours=1)
# Seconds between rounds while the store is away: rare enough for the log, soon enough for a code that is waited for.
_LONGEST_WAIT: Final = 15.0
_DUE: Final = Field(("due",), Kind.DATETIME)
_UNSENT: Final = In(Field(("state",)), (WAITING, SENDING))
_SHOWN: Final = 1000

log = logging.getLogger(__name__)


class Outbox:
    """Delivers what is due. Workers may do so at the same time: each letter is leased to one of them by its version.

    A letter goes out at least once; one whose receipt was lost goes again under the same Message-ID. It is tried
    again, ever more slowly, until it expires; what the server refuses for good stays as FAILED until then.
    """

    def __init__(self, store: Store, clock: Clock, sender: Sender, seal: Seal) -> None:
        self._store = store
        self._clock = clock
        self._sender = sender
        self._seal = seal

    async def deliver_due(self) -> int:
        """Try every letter that is due, some at a time; returns how many were delivered."""
        delivered = 0
        while batch := await self._due():
            delivered += sum(await asyncio.gather(*(self._deliver(record) for record in batch)))
        return delivered

    async def run_forever(self, pause: float = 1.0) -> None:
        """Deliver what is due, again and again, until cancelled."""
        wait = pause
        while True:
            try:
                await self.deliver_due()
                wait = pause
            except IdpError as error:
                wait = min(wait * 2, _LONGEST_WAIT)
                log.warning("the outbox waits: %s", error)
            except Exception:
                # A fault of ours in one round must not stop all mail until somebody notices.
                wait = min(wait * 2, _LONGEST_WAIT)
                log.exception("the outbox failed")
            await asyncio.sleep(wait)

    async def waiting(self) -> list[Letter]:
        """Return the letters that no sender has taken yet, but for those that cannot be read.

        Who asks here before looking at what was sent misses none: a letter leaves only when a sender has it.
        """
        page = await self._store.find(OUTBOX, Query(_UNSENT, Sort(_DUE, descending=True), limit=_SHOWN, total=False))
        found = []
        for record in page.records:
            with suppress(ValueError):
                found.append(opened(record.document, self._seal))
        return found

    async def _due(self) -> list[Record]:
        ready = And((_UNSENT, Compare(_DUE, Op.LE, to_text(self._clock.now()))))
        page = await self._store.find(OUTBOX, Query(ready, Sort(_DUE), limit=_BATCH, total=False))
        return page.records

    async def _deliver(self, record: Record) -> bool:
        leased = await self._lease(record)
        if leased is None:
            return False
        try:
            letter = opened(leased.document, self._seal)
        except ValueError as error:
            # A key that was lost may come back, and has until the letter expires.
            await self._put_off(leased, f"it cannot be opened: {error}")
            return False
        try:
            await self._sender.send(letter)
        except RemoteError as error:
            await self._put_off(leased, str(error))
            return False
        except (Refused, ValueError) as error:
            await self._give_up(leased, str(error))
            return False
        with suppress(VersionMismatch):
            await self._store.commit([Delete(OUTBOX, leased.id, leased.version)])
        return True

    async def _lease(self, record: Record) -> Record | None:
        attempts = record.document["attempts"] + 1
        until = to_text(self._clock.now() + _LEASE)
        return await self._change(record, state=SENDING, attempts=attempts, due=until)

    async def _put_off(self, record: Record, reason: str) -> None:
        pause = min(_LAST_RETRY, _FIRST_RETRY * 2 ** min(record.document["attempts"] - 1, 16))
        log.warning("letter %s (%s) waits for %s: %s", record.id, record.document["template"], pause, reason)
        await self._change(record, state=WAITING, error=reason, due=to_text(self._clock.now() + pause))

    async def _give_up(self, record: Record, reason: str) -> None:
        log.warning("letter %s (%s) cannot be delivered: %s", record.id, record.document["template"], reason)
        await self._change(record, state=FAILED, error=reason, sealed="")

    async def _change(self, record: Record, **changes: Any) -> Record | None:
        """Replace the record as it was read; None when another worker was first."""
        document = {**record.document, **changes}
        try:
            await self._store.commit([Replace(OUTBOX, document, record.version)])
        except VersionMismatch:
            return None
        return Record(record.id, record.version + 1, document)
