"""One run at a time for each source, however many workers and commands there are: a lease that is kept alive.

What only the run may write whose turn it is goes into one commit with the proof that it still is.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from idp.errors import RemoteError, VersionMismatch
from idp.store.contract import Write
from idp.store.leases import COLLECTION, Leases
from ldap_bridge.errors import Overtaken, RunUnderWay

SECONDS: Final = 60.0


@asynccontextmanager
async def exclusive(leases: Leases, source: str, holder: str, seconds: float = SECONDS) -> AsyncIterator[int]:
    """Hold the source's lease for the body, renewing it thrice in its time; yields the fencing number.

    Raises Overloaded when a run is under way elsewhere, and Overtaken out of the body when the lease is lost.
    """
    name = name_of(source)
    number = await leases.acquire(name, holder, seconds)
    if number is None:
        held = await leases.held(name)
        raise RunUnderWay(source, held.seconds if held else seconds)
    body = asyncio.current_task()
    assert body is not None  # noqa: S101 (a coroutine runs in a task)
    beating = asyncio.create_task(_beat(leases, name, number, seconds, body))
    try:
        yield number
    except asyncio.CancelledError:
        if beating.done() and body.uncancel() == 0:
            raise Overtaken(source) from None
        raise
    finally:
        beating.cancel()
        with suppress(RemoteError):
            await leases.release(name, number)


async def commit(leases: Leases, source: str, fence: int, writes: Sequence[Write]) -> None:
    """Commit what only the holder of this fencing number may write. Raises Overtaken, and what a commit raises."""
    try:
        await leases.commit(name_of(source), fence, writes)
    except VersionMismatch as error:
        if error.collection != COLLECTION:
            raise
        raise Overtaken(source) from None


def name_of(source: str) -> str:
    """Return the name of a source's lease."""
    return f"ldap:{source}"


async def _beat(leases: Leases, name: str, number: int, seconds: float, body: "asyncio.Task[object]") -> None:
    """Renew until told to stop; when somebody else has the lease, stop the body before it writes what is stale."""
    while True:
        await asyncio.sleep(seconds / 3)
        with suppress(RemoteError):  # the store may be away for a moment; two beats fit into what is left
            if not await leases.renew(name, number, seconds):
                body.cancel()
                return
