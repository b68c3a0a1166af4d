"""One run at a time; whoever is overtaken stops."""

import asyncio

import pytest

from idp.errors import Overloaded, Unavailable
from idp.store import Store
from idp.store.leases import Leases
from ldap_bridge.lease import exclusive
from tests.support.clock import FakeClock
from tests.support.process import PATIENCE


async def test_the_second_is_refused_until_the_first_has_done(store: Store, clock: FakeClock) -> None:
    leases = Leases(store, clock)
    async with exclusive(leases, "corp", "one"):
        with pytest.raises(Overloaded, match="'corp'"):
            async with exclusive(leases, "corp", "two"):
                pass
        async with exclusive(leases, "other", "two"):
            pass
    async with exclusive(leases, "corp", "two") as number:
        assert number > 1


async def test_it_is_kept_alive_beyond_its_time(store: Store, clock: FakeClock) -> None:
    leases = Leases(store, clock)
    async with exclusive(leases, "corp", "one", seconds=0.03):
        before = await store.get("leases", "ldap:corp")
        assert before is not None
        clock.advance(10)
        async with asyncio.timeout(PATIENCE):
            while (now := await store.get("leases", "ldap:corp")) is None or now.version == before.version:  # noqa: ASYNC110 (the store tells nobody of its changes)
                await asyncio.sleep(0)


async def test_whoever_is_overtaken_is_stopped_and_told(store: Store, clock: FakeClock) -> None:
    leases = Leases(store, clock)

    async def overtaken() -> None:
        async with exclusive(leases, "corp", "slow", seconds=0.3):
            clock.advance(10)
            while await leases.acquire("ldap:corp", "quick", 60) is None:
                clock.advance(10)  # it was not as quick as the next beat
            await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Unavailable, match="taken over"):
            await overtaken()
    assert await leases.acquire("ldap:corp", "third", 60) is None, "the quick one still has it"


async def test_a_cancelled_body_stays_cancelled_and_lets_go(store: Store, clock: FakeClock) -> None:
    leases = Leases(store, clock)
    inside = asyncio.Event()

    async def body() -> None:
        async with exclusive(leases, "corp", "one"):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await leases.acquire("ldap:corp", "two", 60) is not None
