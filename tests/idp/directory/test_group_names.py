"""Where it is set, no two groups have the same name."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.directory import GroupCreate, Resource
from idp.errors import NotUnique
from idp.query import Query
from idp.schema import default_registry
from idp.store.collections import collections
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, Directory, directory_over
from tests.support.stores import Stores, new_url_of, opened

on_each_store = pytest.mark.parametrize("stores", ["sqlite", "pymongo"], indirect=True)


@pytest.fixture
async def stores(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Stores]:
    async for one in opened(new_url_of(getattr(request, "param", "sqlite"), request, tmp_path), clock):
        yield one


@pytest.fixture
async def directory(stores: Stores, clock: FakeClock) -> Directory:
    store = await stores.open(collections(default_registry(unique_group_names=True)))
    return directory_over(store, clock)


@on_each_store
async def test_a_name_belongs_to_one_group_in_whatever_case(directory: Directory) -> None:
    crew = await directory.group("Crew")
    with pytest.raises(NotUnique, match="displayName"):
        await directory.group("CREW")
    staff = await directory.group("Staff")
    with pytest.raises(NotUnique, match="displayName"):
        await directory.groups.update(SYSTEM, staff.id, lambda document: {**document, "displayName": "crew"})
    renamed = await directory.groups.update(SYSTEM, crew.id, lambda document: {**document, "displayName": "CREW"})
    assert renamed.version == 2
    await directory.groups.delete(SYSTEM, crew.id)
    assert (await directory.group("crew")).version == 1


@on_each_store
async def test_of_many_who_take_a_name_at_once_one_gets_it(directory: Directory) -> None:
    taken = await asyncio.gather(*(directory.group("Crew") for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, Resource) for one in taken) == 1
    assert sum(isinstance(one, NotUnique) for one in taken) == 7
    assert (await directory.groups.find(SYSTEM, Query())).total == 1


async def test_one_name_that_is_taken_stops_no_other_group(directory: Directory) -> None:
    creates = [GroupCreate({"displayName": name}) for name in ("Crew", "crew", "Staff")]
    outcomes = await directory.groups.write_many(SYSTEM, creates)
    assert sorted(isinstance(outcome, NotUnique) for outcome in outcomes) == [False, False, True]
