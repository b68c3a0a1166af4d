"""Events tell who did what to whom, and when."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.access import ANONYMOUS, SYSTEM_ACTOR, Actor, ActorKind
from idp.audit import AuditLog, Tag, event
from idp.errors import PermissionDenied
from idp.query import Compare, Field, Op, Query
from idp.store import Store, open_store
from idp.store.collections import collections
from tests.support.clock import FakeClock

ADMIN = Actor(ActorKind.USER, "u-1", "ada", role="admin", address="192.0.2.7")


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    opened = await open_store(f"sqlite:{tmp_path / 'idp.sqlite'}", collections(), clock)
    yield opened
    await opened.close()


def test_an_event_names_actor_target_and_moment(clock: FakeClock) -> None:
    document = dict(event(Tag.DIRECTORY_USER_DISABLED, ADMIN, "u-2", clock, {"reason": "left"}).document)
    assert document.pop("id")
    assert document == {
        "at": "2026-03-11T09:26:53.589Z",
        "tag": "directory:user:disabled",
        "actor": "u-1",
        "actorKind": "user",
        "actorName": "ada",
        "address": "192.0.2.7",
        "target": "u-2",
        "details": {"reason": "left"},
    }


def test_events_of_one_moment_are_told_apart_and_stay_in_order(clock: FakeClock) -> None:
    made = [event(Tag.DIRECTORY_USER_UPDATED, ADMIN, "u-2", clock).document["id"] for _ in range(1_000)]
    clock.advance(0.001)
    made.append(event(Tag.DIRECTORY_USER_UPDATED, ADMIN, "\ud800", clock).document["id"])
    assert made == sorted(set(made))


def test_every_tag_has_a_source_a_subject_and_an_action() -> None:
    assert all(len(tag.split(":")) == 3 for tag in Tag)


async def test_the_log_is_read_newest_first_by_those_who_may(store: Store, clock: FakeClock) -> None:
    for target in ("a", "b", "c"):
        await store.commit([event(Tag.DIRECTORY_USER_CREATED, SYSTEM_ACTOR("cli"), target, clock)])
        clock.advance(1)
    log = AuditLog(store)
    page = await log.find(ADMIN, Query(limit=2))
    assert [record.document["target"] for record in page.records] == ["c", "b"]
    assert page.total == 3
    only = await log.find(ADMIN, Query(Compare(Field(("target",)), Op.EQ, "a")))
    assert [record.document["actorName"] for record in only.records] == ["cli"]
    with pytest.raises(PermissionDenied):
        await log.find(ANONYMOUS("192.0.2.1"), Query())
