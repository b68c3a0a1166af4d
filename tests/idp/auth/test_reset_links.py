"""Links to set a password: for whoever forgot it, or never had one."""

import asyncio

import pytest

from idp.auth import Step
from idp.auth.passwords import ELSEWHERE
from idp.errors import InvalidValue, NotAuthenticated, NotFound, RateLimited
from tests.support.authentication import HOME, PASSWORD, SYSTEM, House

NEW = "a mountain walks at night"


async def test_a_forgotten_password_is_reset_by_a_link_and_the_second_factor_stays(house: House) -> None:
    await house.enrolled()
    await house.passwords.request_reset("ada@example.test", HOME)
    token = await house.mailed_token("ada@")
    owner = await house.passwords.reset_owner(token)
    assert owner is not None
    assert owner.document["userName"] == "ada"
    with pytest.raises(InvalidValue):
        await house.passwords.reset(token, "short", HOME)
    await house.passwords.reset(token, NEW, HOME)
    assert (await house.try_password("ada", NEW)).step is Step.SECOND_FACTOR
    assert await house.passwords.reset_owner(token) is None
    with pytest.raises(NotAuthenticated):
        await house.passwords.reset(token, PASSWORD, HOME)


async def test_a_reset_link_used_twenty_times_at_once_works_once(house: House) -> None:
    await house.person()
    await house.passwords.request_reset("ada", HOME)
    token = await house.mailed_token()
    uses = (house.passwords.reset(token, f"{NEW} {number}", HOME) for number in range(20))
    done = await asyncio.gather(*uses, return_exceptions=True)
    assert sum(one is None for one in done) == 1
    assert all(one is None or isinstance(one, NotAuthenticated) for one in done)


async def test_a_reset_link_dies_after_two_hours_and_with_another_ones_use(house: House) -> None:
    await house.person()
    await house.passwords.request_reset("ada", HOME)
    first = await house.mailed_token()
    house.clock.advance(7200)
    assert await house.passwords.reset_owner(first) is None
    await house.passwords.request_reset("ada", HOME)
    second = await house.mailed_token()
    house.clock.advance(1)
    await house.passwords.request_reset("ada", HOME)
    await house.passwords.reset(await house.mailed_token(), NEW, HOME)
    assert await house.passwords.reset_owner(second) is None


async def test_nobody_learns_from_forgotten_passwords_who_has_an_account(house: House) -> None:
    off = await house.person("eve")
    await house.users.set_active(SYSTEM, off.id, False, "left")
    await house.person("ann", source="ldap:corp")
    await house.person("bob", emails=[])
    for name in ("nobody", "eve", "ann", "bob", ""):
        await house.passwords.request_reset(name, HOME)
    assert await house.letters() == []
    assert len(await house.events("auth:reset:requested")) == 5


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_links_are_mailed_only_so_often_whoever_is_asked_for(house: House, name: str) -> None:
    await house.person()
    for _ in range(5):
        await house.passwords.request_reset(name, HOME)
    with pytest.raises(RateLimited):
        await house.passwords.request_reset(name, HOME)


async def test_a_reset_lets_people_in_at_once_who_had_locked_themselves_out(house: House) -> None:
    await house.person()
    for _ in range(10):
        await house.try_password("ada", "wrong")
    await house.passwords.request_reset("ada", HOME)
    await house.passwords.reset(await house.mailed_token(), NEW, HOME)
    assert (await house.try_password("ada", NEW)).error is None


async def test_a_link_sent_by_an_administrator_welcomes_people_without_a_password(house: House) -> None:
    new = await house.person("bob", source="scim:hr")
    old = await house.person("ada")
    await house.passwords.send_reset(SYSTEM, new.id)
    await house.passwords.send_reset(SYSTEM, old.id)
    assert (await house.letters("bob@"))[0].subject == "Your account at Gatehouse"
    assert (await house.letters("ada@"))[0].subject == "Set a new password for Gatehouse"
    await house.passwords.reset(await house.mailed_token("bob@"), NEW, HOME)
    assert (await house.try_password("bob", NEW)).error is None


async def test_what_an_administrator_cannot_do_is_said(house: House) -> None:
    ldap, lone = await house.person("ann", source="ldap:corp"), await house.person("bob", emails=[])
    with pytest.raises(InvalidValue, match=ELSEWHERE):
        await house.passwords.send_reset(SYSTEM, ldap.id)
    with pytest.raises(InvalidValue, match="no address"):
        await house.passwords.send_reset(SYSTEM, lone.id)
    with pytest.raises(NotFound):
        await house.passwords.set(SYSTEM, "nobody", NEW)
