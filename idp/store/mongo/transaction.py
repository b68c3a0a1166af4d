"""Transactions: durable when they end, and undone for certain where that is what is said."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import Any, Final

import pymongo
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from idp.store.mongo.client import settled

Work = Callable[[Any], Awaitable[None]]

_CERTAINLY_FAILED: Final = "TransientTransactionError"
_NOBODY_KNOWS: Final = "UnknownTransactionCommitResult"
_TIME_TO_ABORT: Final = 1.0
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.2


class Transactions:
    """Does work in transactions of one client; the work is given the session."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def repeat(self, work: Work) -> None:
        """Do the work, again when it met somebody else's and was certainly undone."""
        pause = _FIRST_PAUSE
        while not await self.attempt(work):
            # Who waits longer lets the other pass.
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def attempt(self, work: Work) -> bool:
        """Do the work once; False when it met somebody else's and was certainly undone."""
        async with await settled(self._client.start_session()) as session:
            await settled(session.start_transaction(read_concern=ReadConcern("snapshot")))
            try:
                await work(session)
                await _finish(session)
            except PyMongoError as error:
                await _abandon(session)
                if not was_passing(error):
                    raise
                return False
            except BaseException:
                await _abandon(session)
                raise
        return True


def was_passing(error: PyMongoError) -> bool:
    """Tell whether a transaction that ended with this is certainly undone and may fare better another time."""
    return not error.timeout and error.has_error_label(_CERTAINLY_FAILED)


async def _finish(session: Any) -> None:
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            # The server knows the transaction by its number: asking again commits it once.
            if error.timeout or not error.has_error_label(_NOBODY_KNOWS):
                raise
        else:
            return


async def _abandon(session: Any) -> None:
    """Undo what was begun, or the server keeps its records locked for a minute."""
    if session.in_transaction:
        # In a context of its own: the time of the commit may be over.
        await asyncio.create_task(_abort(session), context=Context())


async def _abort(session: Any) -> None:
    with suppress(PyMongoError), pymongo.timeout(_TIME_TO_ABORT):
        await session.abort_transaction()
