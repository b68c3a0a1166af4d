"""What holds for a client: where it may come from, how often, until when; and tokens that take over from others."""

import asyncio
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.access import Actor, ActorKind
from idp.auth import Clients, ClientSettings
from idp.errors import (
    InvalidValue,
    NotAuthenticated,
    NotFound,
    NotUnique,
    PermissionDenied,
    RateLimited,
    TooLarge,
)
from tests.support.authentication import HOME, SYSTEM, House, new_id
from tests.support.faulty_store import FaultyStore

AWAY = "203.0.113.9"


@pytest.fixture
def clients(house: House) -> Clients:
    """Clients that may be read by several profiles, and reach a type of resource that a configuration added."""
    return clients_of(house)


def clients_of(house: House) -> Clients:
    scopes = ("users:read", "users:write", "devices:read")
    profiles = ("standard", "entra", "strict")
    return Clients(house.store, house.clock, new_id, os.urandom, scopes=scopes, profiles=profiles)


async def test_a_client_has_the_settings_it_was_made_with_and_its_actor_tells_them(clients: Clients) -> None:
    settings = ClientSettings("entra", "hr", ("192.0.2.0/24", "2001:db8::/32"), "5/1s")
    _, text = await clients.create(SYSTEM, "hr", settings=settings)
    assert (await clients.show(SYSTEM, "HR")).settings == settings
    actor = await clients.authenticate(text, HOME)
    assert (actor.profile, actor.source) == ("entra", "hr")
    assert actor.scopes == {"users:read", "users:write", "devices:read"}


async def test_a_token_for_a_client_that_is_there_keeps_its_settings(clients: Clients) -> None:
    await clients.create(SYSTEM, "hr", settings=ClientSettings("entra"))
    _, text = await clients.create(SYSTEM, "hr")
    assert (await clients.authenticate(text, HOME)).profile == "entra"
    await clients.create(SYSTEM, "hr", settings=ClientSettings("entra"))
    with pytest.raises(InvalidValue):
        await clients.create(SYSTEM, "hr", settings=ClientSettings("strict"))
    with pytest.raises(NotUnique):
        await clients.create(SYSTEM, "HR", new=True)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (ClientSettings("unheard-of"), "profile"),
        (ClientSettings(source="Ö"), "source"),
        (ClientSettings(source="x" * 33), "source"),
        (ClientSettings(source="0b46a1a6-5d4c-4a3e-9d2e-6b7c8d9e0f1a"), "source"),
        (ClientSettings(networks=("192.0.2.0/33",)), "networks"),
        (ClientSettings(networks=("home",)), "networks"),
        (ClientSettings(networks=tuple(f"10.0.0.{n}" for n in range(101))), "networks"),
        (ClientSettings(rate="many"), "rate"),
    ],
)
async def test_a_setting_that_cannot_be_is_refused_by_name(
    house: House, clients: Clients, settings: ClientSettings, path: str
) -> None:
    with pytest.raises(InvalidValue) as refused:
        await clients.create(SYSTEM, "hr", settings=settings)
    assert refused.value.path == path
    assert await house.everything("clients") == []


async def test_a_client_may_come_from_its_networks_only(clients: Clients) -> None:
    settings = ClientSettings(networks=("192.0.2.7", "2001:db8::/32"))
    _, text = await clients.create(SYSTEM, "hr", settings=settings)
    for address in (HOME, f"::ffff:{HOME}", "2001:db8::1"):
        assert (await clients.authenticate(text, address)).name == "hr"
    for address in (AWAY, "2001:db9::1", "", "unix"):
        with pytest.raises(PermissionDenied) as refused:
            await clients.authenticate(text, address)
        assert (address or "unknown") in str(refused.value)
    with pytest.raises(NotAuthenticated):
        await clients.authenticate("ghs_" + "x" * 43, AWAY)
    [token] = await clients.tokens_of(SYSTEM, "hr")
    assert token.address == HOME, "a refused request is no use of the token"


async def test_a_client_that_asks_too_often_waits_and_others_do_not(house: House, clients: Clients) -> None:
    _, text = await clients.create(SYSTEM, "hr", settings=ClientSettings(rate="2/10s"))
    _, second = await clients.create(SYSTEM, "hr")
    _, other = await clients.create(SYSTEM, "other")
    await clients.authenticate(text, HOME)
    await clients.authenticate(second, HOME)
    with pytest.raises(RateLimited) as refused:
        await clients.authenticate(text, HOME)
    assert refused.value.retry_after == 5
    await clients.authenticate(other, HOME)
    house.clock.advance(5)
    await clients.authenticate(text, HOME)


@pytest.mark.parametrize("stores", ["sqlite", "pymongo"], indirect=True)
async def test_a_change_of_settings_holds_for_all_tokens_at_once_and_is_audited(house: House, clients: Clients) -> None:
    texts = [(await clients.create(SYSTEM, "hr"))[1] for _ in range(3)]
    await clients.authenticate(texts[0], HOME)
    changed = await clients.update(SYSTEM, "hr", lambda settings: replace(settings, profile="entra", source="people"))
    assert changed.settings == ClientSettings("entra", "people")
    for text in texts:
        actor = await clients.authenticate(text, HOME)
        assert (actor.profile, actor.source) == ("entra", "people")
    events = await house.events("auth:")
    assert events[-1]["tag"] == "auth:client:updated"
    assert events[-1]["details"] == {"name": "hr", "profile": "entra", "source": "people"}
    await clients.update(SYSTEM, "hr", lambda settings: settings)
    assert len(await house.events("auth:")) == len(events), "no change, no event"
    with pytest.raises(InvalidValue):
        await clients.update(SYSTEM, "hr", lambda settings: replace(settings, rate="often"))
    with pytest.raises(NotFound):
        await clients.update(SYSTEM, "nobody", lambda settings: settings)


@pytest.mark.parametrize("stores", ["sqlite", "pymongo"], indirect=True)
async def test_tokens_made_while_the_settings_change_have_the_new_ones(house: House, clients: Clients) -> None:
    await clients.create(SYSTEM, "hr")
    made = await asyncio.gather(
        *(clients.create(SYSTEM, "hr") for _ in range(5)),
        clients.update(SYSTEM, "hr", lambda settings: replace(settings, profile="entra")),
        *(clients_of(house).create(SYSTEM, "hr") for _ in range(5)),
    )
    texts = [text for _, text in (one for one in made if isinstance(one, tuple))]
    assert {(await clients.authenticate(text, HOME)).profile for text in texts} == {"entra"}


async def test_limits_cost_no_further_read(house: House) -> None:
    settings = ClientSettings(networks=("192.0.2.0/24",), rate="100/1s")
    _, text = await clients_of(house).create(SYSTEM, "hr", settings=settings)
    counted = FaultyStore(house.store)
    clients = clients_of(house.over(counted))
    for _ in range(10):
        await clients.authenticate(text, HOME)
    assert counted.calls <= 3, "read, noted as used, and read once more"


@pytest.mark.parametrize("stores", ["sqlite", "pymongo"], indirect=True)
async def test_a_rotated_token_works_beside_its_successor_for_the_overlap(house: House, clients: Clients) -> None:
    _, old = await clients.create(SYSTEM, "hr", ["users:read"], timedelta(days=30))
    house.clock.advance(86_400 * 10)
    issued, new = await clients.rotate(SYSTEM, "hr", timedelta(hours=2))
    assert (issued.scopes, issued.expires) == (("users:read",), "2026-04-20T09:26:53.589Z")
    for text in (old, new):
        assert (await clients.authenticate(text, HOME)).scopes == {"users:read"}
    house.clock.advance(7200)
    with pytest.raises(NotAuthenticated):
        await clients.authenticate(old, HOME)
    assert (await clients.authenticate(new, HOME)).name == "hr"
    last = (await house.events("auth:"))[-1]
    assert (last["tag"], last["details"]) == ("auth:token:rotated", {"client": "hr", "overlap": 7200})


async def test_without_an_overlap_the_old_token_ends_at_once(clients: Clients) -> None:
    _, old = await clients.create(SYSTEM, "hr")
    _, new = await clients.rotate(SYSTEM, "hr", timedelta(0))
    with pytest.raises(NotAuthenticated):
        await clients.authenticate(old, HOME)
    assert (await clients.authenticate(new, HOME)).name == "hr"


async def test_an_overlap_makes_no_token_live_longer(house: House, clients: Clients) -> None:
    _, old = await clients.create(SYSTEM, "hr", lifetime=timedelta(hours=1))
    await clients.rotate(SYSTEM, "hr", timedelta(days=7))
    house.clock.advance(3600)
    with pytest.raises(NotAuthenticated):
        await clients.authenticate(old, HOME)


async def test_of_several_tokens_the_one_to_replace_is_named(clients: Clients) -> None:
    await clients.create(SYSTEM, "hr", ["users:read"])
    await clients.create(SYSTEM, "hr", ["users:write"])
    with pytest.raises(InvalidValue):
        await clients.rotate(SYSTEM, "hr", timedelta(hours=1))
    reading = next(token for token in await clients.tokens_of(SYSTEM, "hr") if token.scopes == ("users:read",))
    issued, _ = await clients.rotate(SYSTEM, "hr", timedelta(hours=1), token_id=reading.id[:12])
    assert issued.scopes == ("users:read",)
    with pytest.raises(NotFound):
        await clients.rotate(SYSTEM, "hr", timedelta(hours=1), token_id=reading.id)
    assert await clients.find_token(SYSTEM, "hr", reading.id[:12]) == reading.id
    with pytest.raises(NotFound):
        await clients.find_token(SYSTEM, "hr", "none")


async def test_a_client_has_a_hundred_tokens_at_most(clients: Clients) -> None:
    for _ in range(100):
        await clients.create(SYSTEM, "hr")
    with pytest.raises(TooLarge):
        await clients.create(SYSTEM, "hr")


async def test_whoever_may_only_look_changes_nothing(clients: Clients) -> None:
    admin = Actor(ActorKind.USER, "a", "a", role="admin")
    await clients.create(SYSTEM, "hr")
    assert (await clients.show(admin, "hr")).name == "hr"
    with pytest.raises(PermissionDenied):
        await clients.update(admin, "hr", lambda settings: settings)
    with pytest.raises(PermissionDenied):
        await clients.rotate(admin, "hr", timedelta(0))
