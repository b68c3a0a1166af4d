"""One of many does the work, until it stops renewing."""

import asyncio

import pytest

from idp.errors import NotUnique, VersionMismatch
from idp.store.collections import collections
from idp.store.contract import Insert
from idp.store.leases import Leases
from tests.support.clock import FakeClock
from tests.support.stores import Stores


async def leases(stores: Stores, clock: FakeClock) -> Leases:
    """Leases over a store of their own, as a process has."""
    return Leases(await stores.open({"leases": collections()["leases"]}), clock)


async def test_of_many_who_ask_at_once_one_gets_the_lease(stores: Stores, clock: FakeClock) -> None:
    one, other = await leases(stores, clock), await leases(stores, clock)
    asked = ((one, other)[n % 2].acquire("sync", f"worker{n}", 30) for n in range(20))
    numbers = await asyncio.gather(*asked)
    assert sorted(number or 0 for number in numbers) == [0] * 19 + [1]


async def test_a_lease_passes_on_when_it_is_not_renewed(stores: Stores, clock: FakeClock) -> None:
    one, other = await leases(stores, clock), await leases(stores, clock)
    assert await one.acquire("sync", "a", 30) == 1
    clock.advance(20)
    assert await one.renew("sync", 1, 30)
    clock.advance(20)
    assert await other.acquire("sync", "b", 30) is None
    clock.advance(10)
    assert await other.acquire("sync", "b", 30) == 2
    # The first holder, back from a long pause, learns that it has been overtaken.
    assert not await one.renew("sync", 1, 30)
    await one.release("sync", 1)
    assert await one.acquire("sync", "a", 30) is None


async def test_a_released_lease_is_free_at_once_and_its_number_still_grows(stores: Stores, clock: FakeClock) -> None:
    one = await leases(stores, clock)
    assert await one.acquire("sync", "a", 3600) == 1
    await one.release("sync", 1)
    assert await one.acquire("sync", "b", 3600) == 2
    assert await one.acquire("sync", "b", 3600) == 3
    assert await one.acquire("outbox", "b", 3600) == 1
    assert not await one.renew("nothing", 1, 30)


async def test_what_only_the_holder_may_write_is_written_until_somebody_else_has_the_lease(
    stores: Stores, clock: FakeClock
) -> None:
    async def renew(times: int) -> bool:
        return all([await one.renew("sync", 1, 30) for _ in range(times)])

    def note(number: int) -> list[Insert]:
        return [Insert("leases", {"id": f"note {number}"})]

    one = await leases(stores, clock)
    assert await one.acquire("sync", "a", 30) == 1
    # It is renewed all the time, which overtakes nobody.
    renewed, *_ = await asyncio.gather(renew(3), *(one.commit("sync", 1, note(number)) for number in range(5)))
    assert renewed
    with pytest.raises(NotUnique):
        await one.commit("sync", 1, note(0))
    clock.advance(30)
    await one.commit("sync", 1, note(5))
    assert await one.acquire("sync", "b", 30) == 2
    with pytest.raises(VersionMismatch, match="'sync'"):
        await one.commit("sync", 1, note(6))
    await one.commit("sync", 2, note(6))
