"""Several workers over the same data, with no lock in common: nothing is lost, and no rule gets broken."""

import asyncio
from typing import Any

import pytest

from idp.directory import LastRoot, Member, MemberChange, Resource
from idp.errors import CallerError, NotUnique, VersionMismatch
from idp.schema.urns import GATEHOUSE_USER
from idp.store.collections import collections
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, Directory, directory_over, everything
from tests.support.stores import BACKENDS, Stores

pytestmark = pytest.mark.parametrize("stores", BACKENDS, indirect=True)

WORKERS = 3


def same(document: dict[str, Any]) -> dict[str, Any]:
    return document


@pytest.fixture
async def workers(stores: Stores, clock: FakeClock) -> list[Directory]:
    return [directory_over(await stores.open(collections()), clock, prefix=f"{n}-") for n in range(WORKERS)]


async def test_members_added_and_removed_by_different_workers_all_come_and_go(workers: list[Directory]) -> None:
    first = workers[0]
    people = [await first.user() for _ in range(18)]
    group = await first.group("staff", *people[:9])
    changes = [MemberChange(remove=(user.id,)) for user in people[:9]]
    changes += [MemberChange(add=(Member(user.id),)) for user in people[9:]]
    await asyncio.gather(
        *(workers[n % WORKERS].groups.update(SYSTEM, group.id, same, members=c) for n, c in enumerate(changes))
    )
    assert await first.members(group) == sorted(user.id for user in people[9:])
    assert (await first.groups.get(SYSTEM, group.id)).version == 19


async def test_changes_of_one_user_by_different_workers_all_count(workers: list[Directory]) -> None:
    made = await workers[0].user("ada")

    def with_phone(number: int) -> Any:
        return lambda old: {**old, "phoneNumbers": [*old.get("phoneNumbers", []), {"value": str(number)}]}

    await asyncio.gather(
        *(workers[n % WORKERS].users.update(SYSTEM, made.id, with_phone(n)) for n in range(4 * WORKERS))
    )
    found = await workers[0].users.get(SYSTEM, made.id)
    assert sorted(int(phone["value"]) for phone in found.document["phoneNumbers"]) == list(range(4 * WORKERS))


async def test_one_of_several_workers_gets_a_name(workers: list[Directory]) -> None:
    outcomes = await asyncio.gather(
        *(worker.users.create(SYSTEM, {"userName": name}) for worker in workers for name in ("Ada", "aDA")),
        return_exceptions=True,
    )
    assert len([o for o in outcomes if isinstance(o, Resource)]) == 1
    assert len([o for o in outcomes if isinstance(o, NotUnique)]) == 2 * WORKERS - 1


async def test_a_version_is_taken_once(workers: list[Directory]) -> None:
    made = await workers[0].user("ada")
    outcomes = await asyncio.gather(
        *(w.users.replace(SYSTEM, made.id, {"userName": f"x{n}"}, expected_version=1) for n, w in enumerate(workers)),
        return_exceptions=True,
    )
    assert len([o for o in outcomes if isinstance(o, Resource)]) == 1
    assert len([o for o in outcomes if isinstance(o, VersionMismatch)]) == WORKERS - 1


async def test_roots_sent_away_by_different_workers_leave_one(workers: list[Directory]) -> None:
    roots = [await workers[0].users.create(SYSTEM, {"userName": f"root{n}"}, role="root") for n in range(WORKERS)]
    outcomes = await asyncio.gather(
        *(w.users.set_active(SYSTEM, root.id, False, "x") for w, root in zip(workers, roots, strict=True)),
        return_exceptions=True,
    )
    assert [type(o) for o in outcomes if not isinstance(o, Resource)] == [LastRoot]
    stored = await everything(workers[0].store, "users")
    assert [user["active"] for user in stored if user[GATEHOUSE_USER]["role"] == "root"].count(True) == 1


async def test_people_deleted_while_others_add_them_are_members_of_nothing(workers: list[Directory]) -> None:
    first, second, third = workers
    people = [await first.user() for _ in range(9)]
    groups = [await first.group(f"group{n}", *people[:3]) for n in range(2)]
    deeds = [
        *(first.users.delete(SYSTEM, user.id) for user in people),
        *(second.groups.update(SYSTEM, groups[0].id, same, members=MemberChange(add=(Member(u.id),))) for u in people),
        *(third.groups.update(SYSTEM, groups[1].id, same, members=MemberChange(remove=(u.id,))) for u in people),
    ]
    outcomes = await asyncio.gather(*deeds, return_exceptions=True)
    assert all(o is None or isinstance(o, Resource | CallerError) for o in outcomes)
    assert outcomes[: len(people)] == [None] * len(people)
    assert await everything(first.store, "users") == await everything(first.store, "edges") == []
