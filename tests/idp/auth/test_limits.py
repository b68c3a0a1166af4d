"""Limits: no more tries than allowed, however many workers ask at once; errors and others' failures cost nobody."""

import asyncio

import pytest

from idp.auth import LimitRules, Limits
from idp.auth.limits import Kind, source_of
from idp.errors import CallerError, Overloaded, RateLimited, Unavailable
from idp.store import Settings
from idp.store.collections import collections
from tests.support.authentication import HOME, House
from tests.support.stores import BACKENDS, Stores

on_every_store = pytest.mark.parametrize("stores", BACKENDS, indirect=True)


async def fail(limits: Limits, account: str = "ada", address: str = HOME, kind: Kind = Kind.PASSWORD) -> None:
    async with limits.attempt(kind, account, address):
        pass


async def succeed(limits: Limits, account: str = "ada", address: str = HOME) -> None:
    async with limits.attempt(Kind.PASSWORD, account, address) as attempt:
        attempt.right()


@on_every_store
async def test_workers_together_let_no_more_tries_through_than_the_limit(house: House, stores: Stores) -> None:
    # Nobody is to be too late for it: what a busy machine takes long for is not what this is about.
    patient = Settings(timeout=60)
    workers = [house.over(await stores.open(collections(), patient)).limits for _ in range(4)]
    tried = 0

    async def guess(limits: Limits) -> None:
        nonlocal tried
        async with limits.attempt(Kind.TOTP, "ada", HOME):
            tried += 1

    done = await asyncio.gather(*(guess(limits) for limits in workers * 10), return_exceptions=True)
    assert tried == 5
    assert all(one is None or isinstance(one, RateLimited) for one in done), set(map(repr, done))


async def test_a_success_forgets_the_accounts_failures(house: House) -> None:
    for _ in range(3):
        for _ in range(9):
            await fail(house.limits)
        await succeed(house.limits)
    assert [one for one in await house.everything("limits") if one["account"]] == []


async def test_people_behind_one_address_may_log_in_as_often_as_they_like(house: House) -> None:
    for number in range(200):
        await succeed(house.limits, f"person {number}")


async def test_one_address_is_stopped_after_fifty_failures_on_whatever_accounts(house: House) -> None:
    for number in range(50):
        await fail(house.limits, f"person {number}")
    with pytest.raises(RateLimited):
        await succeed(house.limits, "ada")
    await succeed(house.limits, "ada", "198.51.100.1")
    house.clock.advance(300)
    await succeed(house.limits, "ada")


async def test_a_stranger_with_many_addresses_is_stopped_at_one_network(house: House) -> None:
    for number in range(50):
        await fail(house.limits, f"person {number}", f"2001:db8:1:2::{number:x}")
    with pytest.raises(RateLimited):
        await succeed(house.limits, "ada", "2001:db8:1:2:ffff::1")
    await succeed(house.limits, "ada", "2001:db8:1:3::1")


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_what_counts_as_one_source(address: str, source: str) -> None:
    assert source_of(address) == source


@pytest.mark.parametrize("error", [Unavailable("directory"), Overloaded("hashing"), CallerError("a second press")])
async def test_an_error_is_no_failure(house: House, error: Exception) -> None:
    for _ in range(30):
        with pytest.raises(type(error)):
            async with house.limits.attempt(Kind.PASSWORD, "ada", HOME):
                raise error
    await succeed(house.limits)


async def test_a_password_that_took_too_long_to_check_is_no_failure(house: House) -> None:
    for _ in range(30):
        with pytest.raises(asyncio.CancelledError):
            async with house.limits.attempt(Kind.PASSWORD, "ada", HOME):
                raise asyncio.CancelledError
    await succeed(house.limits)


async def test_a_caller_who_leaves_in_the_middle_of_a_code_has_used_up_the_try(house: House) -> None:
    for _ in range(5):
        with pytest.raises(asyncio.CancelledError):
            async with house.limits.attempt(Kind.TOTP, "ada", HOME):
                raise asyncio.CancelledError
    with pytest.raises(RateLimited):
        await fail(house.limits, kind=Kind.TOTP)


async def test_kinds_are_counted_apart(house: House) -> None:
    for _ in range(5):
        await fail(house.limits, kind=Kind.TOTP)
    with pytest.raises(RateLimited):
        await fail(house.limits, kind=Kind.TOTP)
    for kind in (Kind.RECOVERY, Kind.EMAIL_CODE, Kind.PASSWORD, Kind.MAIL):
        await fail(house.limits, kind=kind)


async def test_the_beginning_of_a_lockout_is_recorded_once(house: House) -> None:
    for _ in range(2):
        for _ in range(5):
            await fail(house.limits, kind=Kind.TOTP)
        for _ in range(20):
            with pytest.raises(RateLimited):
                await fail(house.limits, kind=Kind.TOTP)
        house.clock.advance(300)
    reached = await house.events("auth:limit:reached")
    assert [event["details"] for event in reached] == [{"counter": "totp", "of": "account"}] * 2


async def test_old_counters_go_by_themselves_but_for_those_in_a_row(house: House) -> None:
    await fail(house.limits, kind=Kind.TOTP)
    await fail(house.limits, kind=Kind.PASSWORD)
    house.clock.advance(400 * 86400)
    assert [one["id"] for one in await house.everything("limits")] == ["totp:account:ada"]
    await house.store.commit([house.limits.forgotten("ada")])
    assert await house.everything("limits") == []


async def test_limits_come_as_the_settings_write_them(house: House) -> None:
    rules = LimitRules.parse(["2/1m"], ["1/1h"], ["3/1d"])
    limits = Limits(house.store, house.clock, rules)
    await fail(limits)
    await fail(limits)
    with pytest.raises(RateLimited) as caught:
        await fail(limits)
    assert caught.value.retry_after == 60
    await fail(limits, "eve")
    with pytest.raises(RateLimited) as caught:
        await fail(limits, "bob")
    assert caught.value.retry_after == 86400
