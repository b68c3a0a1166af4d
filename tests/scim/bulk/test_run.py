"""How bulk requests use the store: few commits, and what becomes of the rest when it fails or time is over."""

from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR
from idp.errors import DeadlineExceeded, Unavailable
from idp.query import EVERYTHING
from idp.schema import GROUP, USER
from idp.store import Store
from scim.bulk.items import Kind
from scim.bulk.run import AT_ONCE, BulkRunner
from scim.bulk.steps import Done, LinkedSteps, UserSteps
from scim.bulk.wiring import groups_together
from scim.dialect import Dialects
from scim.messages.bulk_request import read
from scim.provider import GroupProvider, UserProvider
from tests.support.clock import FakeClock
from tests.support.faulty_store import FaultyStore
from tests.support.scim import BASE, provisioning_over

ME = SYSTEM_ACTOR("test")


def runner(store: Store, clock: FakeClock, *, seconds: float = 60.0) -> BulkRunner:
    behind = provisioning_over(store, clock)
    ids = iter(range(10_000))
    times = iter(range(10_000))
    users = UserSteps(Dialects(USER, BASE), UserProvider(behind.users), behind.users)
    groups = LinkedSteps(Dialects(GROUP, BASE), GroupProvider(behind.groups), groups_together(behind.groups))
    kinds = {"/users": Kind(USER, users, "/Users"), "/groups": Kind(GROUP, groups, "/Groups")}
    return BulkRunner(kinds, lambda: f"id-{next(ids)}", lambda: float(next(times)), seconds)


def people(count: int) -> list[dict[str, Any]]:
    return [
        {"method": "POST", "path": "/Users", "bulkId": f"u{number}", "data": {"userName": f"u{number}"}}
        for number in range(count)
    ]


COMMITS = frozenset({"commit"})


async def test_people_are_made_in_few_commits(store: Store, clock: FakeClock) -> None:
    counted = FaultyStore(store, verbs=COMMITS)
    request = read({"Operations": people(2 * AT_ONCE + 1)}, 1_000)
    _, outcomes = await runner(counted, clock).run(ME, request)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert counted.calls == 3


async def test_where_the_store_fails_midway_what_was_done_is_told(store: Store, clock: FakeClock) -> None:
    failing = FaultyStore(store, at=2, verbs=COMMITS)
    request = read({"Operations": people(2 * AT_ONCE + 1)}, 1_000)
    _, outcomes = await runner(failing, clock).run(ME, request)
    assert [type(outcome) for outcome in outcomes] == [Done] * AT_ONCE + [Unavailable] * AT_ONCE + [Done]
    assert await store.count("users", EVERYTHING) == AT_ONCE + 1


async def test_where_the_store_fails_at_once_the_request_fails(store: Store, clock: FakeClock) -> None:
    with pytest.raises(Unavailable):
        await runner(FaultyStore(store, at=1, verbs=COMMITS), clock).run(ME, read({"Operations": people(3)}, 10))
    assert await store.count("users", EVERYTHING) == 0


async def test_what_there_is_no_time_for_is_not_begun(store: Store, clock: FakeClock) -> None:
    request = read({"Operations": people(3 * AT_ONCE)}, 1_000)
    _, outcomes = await runner(store, clock, seconds=1.5).run(ME, request)
    assert [type(outcome) for outcome in outcomes] == [Done] * AT_ONCE + [DeadlineExceeded] * 2 * AT_ONCE
    assert await store.count("users", EVERYTHING) == AT_ONCE
