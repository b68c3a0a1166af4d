"""What every backend does when callers leave, and when declarations change between two starts."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from idp.errors import IdpError, Unavailable
from idp.query import EVERYTHING, Compare, Field, Op, Query, Sort
from idp.store import Collection, Insert, Settings
from tests.support.stores import CODE, Stores

TITLE = Field(("title",), case_exact=False)
BEFORE = {"things": Collection("things", indexed=(CODE,))}
AFTER = {"things": Collection("things", indexed=(TITLE,), unique=(TITLE,))}


async def opened_and_checked(stores: Stores, collections: Mapping[str, Collection]) -> None:
    """A backend may look at its data when it is opened, or when it is first used."""
    # MongoDB's is looked at for half of this time before it is said that it cannot be used.
    await (await stores.open(collections, Settings(timeout=10))).check()


async def test_a_commit_whose_caller_has_left_is_made(stores: Stores) -> None:
    store = await stores.open()
    await store.check()
    leaving = [asyncio.create_task(store.commit([Insert("plain", {"id": f"{n}"})])) for n in range(20)]
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    await asyncio.wait(leaving)
    assert all(task.cancelled() for task in leaving)
    await store.close()
    again = await stores.open()
    assert await again.count("plain", EVERYTHING) == 20


async def test_a_read_whose_caller_has_left_disturbs_nobody(stores: Stores) -> None:
    store = await stores.open()
    await store.commit([Insert("plain", {"id": f"{n}", "title": "t"}) for n in range(500)])
    scan = Query(Compare(TITLE, Op.EQ, "T"))
    leaving = [asyncio.create_task(store.find("plain", scan)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in leaving[:19]:
        task.cancel()
    assert (await leaving[19]).total == 500
    assert (await store.find("plain", scan)).total == 500


async def test_verbs_of_a_closed_store_fail_and_do_not_hang(stores: Stores) -> None:
    store = await stores.open()
    await store.check()
    await store.close()
    with pytest.raises(IdpError):
        await store.commit([Insert("plain", {"id": "1"})])


async def test_records_are_indexed_anew_when_the_declaration_has_changed(stores: Stores) -> None:
    old = await stores.open(BEFORE)
    kept = [{"id": f"{n:03}", "code": f"c{n}", "title": f"T{n % 700}"} for n in range(700)]
    for start in range(0, 700, 100):
        await old.commit([Insert("things", document) for document in kept[start : start + 100]])
    new = await stores.open(AFTER, Settings(max_scan=10))
    # Without an index these would read more than the scan's limit.
    assert (await new.find("things", Query(Compare(TITLE, Op.EQ, "t55")))).total == 1
    assert (await new.find("things", Query(sort=Sort(TITLE), limit=1))).records[0].document["title"] == "T0"
    assert await new.count("things", EVERYTHING) == 700
    with pytest.raises(IdpError):
        await new.commit([Insert("things", {"id": "x", "title": "t5"})])
    # Whoever still indexes the old way hears so before it writes keys that nobody looks for.
    with pytest.raises(Unavailable, match="restart"):
        await old.check()
    with pytest.raises(Unavailable, match="restart"):
        await old.commit([Insert("things", {"id": "x", "code": "c"})])


async def test_values_that_are_not_unique_cannot_be_declared_so(stores: Stores) -> None:
    old = await stores.open(BEFORE)
    await old.commit([Insert("things", {"id": f"{n}", "title": "same"}) for n in range(2)])
    with pytest.raises(IdpError, match=r"things.* share a value"):
        await opened_and_checked(stores, AFTER)
    again = await stores.open({"things": replace(BEFORE["things"], indexed=(CODE, TITLE))})
    assert (await again.find("things", Query(Compare(TITLE, Op.EQ, "SAME")))).total == 2


async def test_a_record_that_cannot_be_indexed_as_declared_is_named(stores: Stores) -> None:
    old = await stores.open({"things": replace(BEFORE["things"], lists=(CODE,))})
    codes = {"one": ["a"], "two": ["a", "b"]}
    await old.commit([Insert("things", {"id": key, "code": found}) for key, found in codes.items()])
    with pytest.raises(IdpError, match="the record two does not fit what is declared: code: has more than one value"):
        await opened_and_checked(stores, BEFORE)
