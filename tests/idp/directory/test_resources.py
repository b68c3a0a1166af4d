"""The service for resources of declared types."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR, Actor, ActorKind
from idp.directory import Resources
from idp.directory.model import Change
from idp.errors import (
    IdpError,
    InvalidValue,
    MutabilityViolated,
    NotFound,
    NotUnique,
    PermissionDenied,
    VersionMismatch,
)
from idp.query import Query
from idp.store import Store, open_store
from idp.store.collections import collections
from tests.support.clock import FakeClock
from tests.support.declared import REGISTRY, WARRANTY
from tests.support.directory import everything
from tests.support.faulty_store import Fault, FaultyStore

SYSTEM = SYSTEM_ACTOR("test")


def device(serial: str = "S1", **more: Any) -> dict[str, Any]:
    return {"serialNumber": serial, WARRANTY: {"provider": "ACME"}} | more


def over(store: Store, clock: FakeClock) -> Resources:
    numbers = count(1)
    return Resources(store, REGISTRY.resource_types["Device"], clock, lambda: f"d{next(numbers)}")


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    opened = await open_store(f"sqlite:{tmp_path / 'idp.sqlite'}", collections(REGISTRY), clock)
    yield opened
    await opened.close()


@pytest.fixture
def devices(store: Store, clock: FakeClock) -> Resources:
    return over(store, clock)


async def test_a_resource_is_kept_with_its_audit(devices: Resources, store: Store) -> None:
    made = await devices.create(SYSTEM, device(memory=16))
    assert (await devices.get(SYSTEM, made.id)).document["memory"] == 16
    changed = await devices.update(SYSTEM, made.id, lambda document: {**document, "memory": 32})
    assert (changed.version, changed.document["meta"]["resourceType"]) == (2, "Device")
    await devices.delete(SYSTEM, made.id)
    with pytest.raises(NotFound):
        await devices.get(SYSTEM, made.id)
    told = [(event["tag"], event["details"]) for event in await everything(store, "audit")]
    assert told == [
        ("directory:resource:created", {"type": "Device"}),
        ("directory:resource:updated", {"type": "Device", "fields": ["memory"]}),
        ("directory:resource:deleted", {"type": "Device"}),
    ]


async def test_what_changes_nothing_writes_nothing(devices: Resources, store: Store) -> None:
    made = await devices.create(SYSTEM, device())
    assert (await devices.update(SYSTEM, made.id, lambda document: document)).version == 1
    assert len(await everything(store, "audit")) == 1


async def test_declared_rules_hold(devices: Resources) -> None:
    made = await devices.create(SYSTEM, device())
    with pytest.raises(NotUnique):
        await devices.create(SYSTEM, device())
    with pytest.raises(InvalidValue, match="extension is required"):
        await devices.create(SYSTEM, {"serialNumber": "S2"})
    with pytest.raises(MutabilityViolated):
        await devices.update(SYSTEM, made.id, lambda document: {**document, "serialNumber": "S3"})
    with pytest.raises(VersionMismatch):
        await devices.update(SYSTEM, made.id, lambda document: document, expected_version=7)
    with pytest.raises(VersionMismatch):
        await devices.delete(SYSTEM, made.id, expected_version=7)


async def test_changes_at_once_lose_nothing(devices: Resources) -> None:
    made = await devices.create(SYSTEM, device(tags=[]))
    tags = [f"t{number}" for number in range(20)]

    async def add(tag: str) -> None:
        await devices.update(SYSTEM, made.id, lambda document: {**document, "tags": [*document.get("tags", ()), tag]})

    await asyncio.gather(*map(add, tags))
    assert set((await devices.get(SYSTEM, made.id)).document["tags"]) == set(tags)


@pytest.mark.parametrize("scopes", [set(), {"users:read", "users:write", "resources:read", "resources:write"}])
async def test_a_client_needs_the_scope_of_the_endpoint(devices: Resources, scopes: set[str]) -> None:
    stranger = Actor(ActorKind.CLIENT, "c", "hr", scopes=frozenset(scopes))
    with pytest.raises(PermissionDenied):
        await devices.find(stranger, Query())
    with pytest.raises(PermissionDenied):
        await devices.create(stranger, device())
    known = Actor(ActorKind.CLIENT, "c", "hr", scopes=frozenset({"devices:read"}))
    assert (await devices.find(known, Query())).total == 0
    with pytest.raises(PermissionDenied):
        await devices.create(known, device())


@pytest.mark.parametrize("role", ["user", "developer", "admin", "root"])
async def test_administrators_manage_resources_and_others_see_none(devices: Resources, role: str) -> None:
    person = Actor(ActorKind.USER, "u", "ada", role=role)
    if role in ("admin", "root"):
        assert (await devices.create(person, device())).version == 1
    else:
        with pytest.raises(PermissionDenied):
            await devices.find(person, Query())


def tagged(tag: str) -> Change:
    return lambda document: {**document, "tags": [tag]}


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_store_that_fails_leaves_nothing_half_done(store: Store, clock: FakeClock, fault: Fault) -> None:
    made = await over(store, clock).create(SYSTEM, device())
    at = 0
    while True:
        at += 1
        before = len(await everything(store, "audit")), (await over(store, clock).get(SYSTEM, made.id)).version
        faulty = FaultyStore(store, at=at, fault=fault)
        with suppress(IdpError):
            await over(faulty, clock).update(SYSTEM, made.id, tagged(f"t{at}"))
        after = len(await everything(store, "audit")), (await over(store, clock).get(SYSTEM, made.id)).version
        assert after[0] - before[0] == after[1] - before[1], "the event belongs to the change"
        if not faulty.has_failed:
            break
    assert at > 2
