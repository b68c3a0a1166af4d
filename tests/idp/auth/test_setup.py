"""The first administrator: by a secret link, once."""

import asyncio

import pytest

from idp.auth import Step
from idp.errors import InvalidValue, NotAuthenticated
from tests.support.authentication import HOME, PASSWORD, House

MAIL = "root@example.test"


async def test_the_link_makes_one_root_user_who_then_logs_in_and_enrols(house: House) -> None:
    token = await house.setup.link_token()
    assert token is not None
    assert await house.setup.is_valid(token)
    user = await house.setup.complete(token, "grace", MAIL, PASSWORD, HOME)
    assert user.document["userName"] == "grace"
    assert (await house.try_password(MAIL, PASSWORD)).step is Step.ENROL
    assert not await house.setup.is_valid(token)
    assert await house.setup.link_token() is None
    with pytest.raises(NotAuthenticated):
        await house.setup.complete(token, "eve", MAIL, PASSWORD, HOME)
    assert token not in str([*await house.everything("tokens"), *await house.events()])


@pytest.mark.parametrize("token", ["", "made up", "0" * 43])
async def test_a_made_up_link_makes_nobody(house: House, token: str) -> None:
    await house.setup.link_token()
    with pytest.raises(NotAuthenticated):
        await house.setup.complete(token, "eve", MAIL, PASSWORD, HOME)
    assert await house.everything("users") == []


async def test_a_link_expires_and_gives_way_to_a_newer_one(house: House) -> None:
    first = await house.setup.link_token()
    second = await house.setup.link_token()
    assert first is not None
    assert second is not None
    assert not await house.setup.is_valid(first)
    assert await house.setup.is_valid(second)
    house.clock.advance(24 * 3600)
    assert not await house.setup.is_valid(second)


async def test_a_link_used_twenty_times_at_once_makes_one_administrator(house: House) -> None:
    token = await house.setup.link_token()
    assert token is not None
    uses = (house.setup.complete(token, f"root{n}", MAIL, PASSWORD, HOME) for n in range(20))
    done = await asyncio.gather(*uses, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in done) == 1
    assert all(not isinstance(one, BaseException) or isinstance(one, NotAuthenticated) for one in done)
    assert len(await house.everything("users")) == 1


@pytest.mark.parametrize(
    ("name", "mail", "password", "path"),
    [
        ("grace", MAIL, "short", "password"),
        ("grace-hopper", MAIL, "grace-hopper1", "password"),
        ("grace", "no address", PASSWORD, "emails"),
        ("grace", "@example.test", PASSWORD, "emails"),
        (" grace", MAIL, PASSWORD, "userName"),
        ("gra/ce", MAIL, PASSWORD, "userName"),
        ("", MAIL, PASSWORD, "userName"),
    ],
)
async def test_what_is_wrong_is_named_and_the_link_stays_good(
    house: House, name: str, mail: str, password: str, path: str
) -> None:
    token = await house.setup.link_token()
    assert token is not None
    with pytest.raises(InvalidValue) as caught:
        await house.setup.complete(token, name, mail, password, HOME)
    assert caught.value.path == path
    assert password not in str(caught.value)
    assert await house.setup.is_valid(token)
    assert await house.everything("users") == []


async def test_a_name_in_use_is_said(house: House) -> None:
    await house.person("grace")
    token = await house.setup.link_token()
    assert token is not None
    with pytest.raises(InvalidValue, match="in use"):
        await house.setup.complete(token, "GRACE", MAIL, PASSWORD, HOME)


async def test_an_administrator_made_otherwise_ends_the_set_up(house: House) -> None:
    token = await house.setup.link_token()
    assert token is not None
    await house.person("root", role="root")
    assert not await house.setup.is_valid(token)
    assert await house.setup.link_token() is None
