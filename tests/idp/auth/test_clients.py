"""Provisioning clients: tokens shown once, found by one read, ended at once."""

import asyncio
from datetime import timedelta

import pytest

from idp.access import Actor, ActorKind
from idp.auth.clients import SCOPES
from idp.errors import InvalidValue, NotAuthenticated, NotFound, PermissionDenied
from tests.support.authentication import HOME, SYSTEM, House
from tests.support.faulty_store import FaultyStore


async def test_a_token_makes_its_bearer_the_client_with_the_scopes_granted(house: House) -> None:
    issued, text = await house.clients.create(SYSTEM, "hr", ["users:read", "groups:read"])
    actor = await house.clients.authenticate(text, HOME)
    assert (actor.kind, actor.id, actor.name) == (ActorKind.CLIENT, issued.id, "hr")
    assert actor.scopes == {"users:read", "groups:read"}
    assert actor.address == HOME
    assert text.startswith("ghs_")
    assert len(text) == 47
    stored = [*await house.everything("clients"), *await house.everything("client_tokens"), *await house.events()]
    assert text not in str(stored)
    assert text[4:] not in str(stored)


async def test_without_scopes_named_a_client_may_read_and_write_users_and_groups(house: House) -> None:
    _, text = await house.clients.create(SYSTEM, "hr")
    assert (await house.clients.authenticate(text, HOME)).scopes == set(SCOPES)


async def test_another_token_of_the_same_name_is_for_the_same_client(house: House) -> None:
    first, one = await house.clients.create(SYSTEM, "hr")
    second, two = await house.clients.create(SYSTEM, "HR", ["users:read"])
    assert first.id == second.id
    assert (await house.clients.authenticate(one, HOME)).scopes == set(SCOPES)
    assert (await house.clients.authenticate(two, HOME)).scopes == {"users:read"}
    assert len(await house.clients.all(SYSTEM)) == 1


async def test_tokens_issued_at_once_make_one_client(house: House) -> None:
    issued = await asyncio.gather(*(house.clients.create(SYSTEM, "hr") for _ in range(10)))
    assert len({client.id for client, _ in issued}) == 1
    assert len(await house.clients.tokens_of(SYSTEM, "hr")) == 10


@pytest.mark.parametrize(
    "bearer", ["", "ghs_", "ghs_" + "x" * 43, "xyz_" + "x" * 43, "ghs_" + "\ud800" * 43, "x" * 9999]
)
async def test_what_is_no_token_is_refused(house: House, bearer: str) -> None:
    with pytest.raises(NotAuthenticated):
        await house.clients.authenticate(bearer, HOME)


async def test_a_token_expires_is_revoked_and_goes_with_its_client(house: House) -> None:
    _, short = await house.clients.create(SYSTEM, "hr", lifetime=timedelta(hours=1))
    _, revoked = await house.clients.create(SYSTEM, "hr", ["users:read"])
    _, kept = await house.clients.create(SYSTEM, "hr", ["users:write"])
    assert (await house.clients.authenticate(short, HOME)).name == "hr"
    house.clock.advance(3600)
    [target] = [one for one in await house.clients.tokens_of(SYSTEM, "hr") if one.scopes == ("users:read",)]
    await house.clients.revoke(SYSTEM, target.id)
    for dead in (short, revoked):
        with pytest.raises(NotAuthenticated):
            await house.clients.authenticate(dead, HOME)
    assert (await house.clients.authenticate(kept, HOME)).name == "hr"
    await house.clients.delete(SYSTEM, "hr")
    with pytest.raises(NotAuthenticated):
        await house.clients.authenticate(kept, HOME)
    tags = [event["tag"] for event in await house.events("auth:")]
    assert tags[-2:] == ["auth:token:revoked", "auth:client:deleted"]


async def test_authenticating_is_at_most_one_write_a_minute(house: House) -> None:
    _, text = await house.clients.create(SYSTEM, "hr")
    written = FaultyStore(house.store, verbs=frozenset({"commit"}))
    clients = house.over(written).clients
    await asyncio.gather(*(clients.authenticate(text, HOME) for _ in range(50)))
    assert written.calls == 1
    house.clock.advance(59)
    await clients.authenticate(text, HOME)
    assert written.calls == 1
    house.clock.advance(1)
    await clients.authenticate(text, "198.51.100.9")
    assert written.calls == 2
    [token] = await house.clients.tokens_of(SYSTEM, "hr")
    assert token.address == "198.51.100.9"


async def test_a_token_is_read_again_only_when_one_has_changed(house: House) -> None:
    _, text = await house.clients.create(SYSTEM, "hr")
    await house.clients.authenticate(text, HOME)
    read = FaultyStore(house.store, verbs=frozenset({"get", "get_many", "find", "count"}))
    clients = house.over(read).clients
    await asyncio.gather(*(clients.authenticate(text, HOME) for _ in range(50)))
    assert read.calls == 1
    await house.clients.create(SYSTEM, "hr")
    await clients.authenticate(text, HOME)
    assert read.calls == 2


async def test_a_token_that_is_remembered_ends_with_its_lifetime(house: House) -> None:
    _, text = await house.clients.create(SYSTEM, "hr", lifetime=timedelta(minutes=5))
    await house.clients.authenticate(text, HOME)
    await house.clients.authenticate(text, HOME)
    house.clock.advance(300)
    with pytest.raises(NotAuthenticated):
        await house.clients.authenticate(text, HOME)


async def test_a_store_too_busy_to_note_the_use_refuses_no_token(house: House) -> None:
    _, text = await house.clients.create(SYSTEM, "hr")
    busy = FaultyStore(house.store, at=1, verbs=frozenset({"commit"}))
    assert (await house.over(busy).clients.authenticate(text, HOME)).name == "hr"
    assert busy.has_failed


@pytest.mark.parametrize("scopes", [[], ["users:everything"], ["users:read", "root"]])
async def test_unknown_scopes_are_refused(house: House, scopes: list[str]) -> None:
    with pytest.raises(InvalidValue):
        await house.clients.create(SYSTEM, "hr", scopes)
    assert await house.everything("clients") == []


@pytest.mark.parametrize("name", ["", " hr", "x" * 101, "a\nb"])
async def test_a_name_that_logs_could_not_show_is_refused(house: House, name: str) -> None:
    with pytest.raises(InvalidValue):
        await house.clients.create(SYSTEM, name)


async def test_only_root_makes_clients(house: House) -> None:
    admin = Actor(ActorKind.USER, "a", "a", role="admin")
    with pytest.raises(PermissionDenied):
        await house.clients.create(admin, "hr")
    await house.clients.create(Actor(ActorKind.USER, "r", "r", role="root"), "hr")
    assert [client.name for client in await house.clients.all(admin)] == ["hr"]


async def test_what_is_not_there_cannot_be_ended(house: House) -> None:
    with pytest.raises(NotFound):
        await house.clients.delete(SYSTEM, "hr")
    with pytest.raises(NotFound):
        await house.clients.revoke(SYSTEM, "none")
