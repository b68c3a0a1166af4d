"""The failing store fails when and how it is told to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idp.errors import DeadlineExceeded, NotUnique, Unavailable, VersionMismatch
from idp.query import EVERYTHING, Query
from idp.store import Delete, Insert, Store
from tests.support.clock import FakeClock
from tests.support.faulty_store import Fault, FaultyStore
from tests.support.stores import opened


@pytest.fixture
async def inner(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    """A store that works."""
    async for stores in opened(f"sqlite:{tmp_path / 'store.sqlite'}", clock):
        yield await stores.open()


@pytest.mark.parametrize(
    ("fault", "error", "is_made"),
    [(Fault.BEFORE, Unavailable, False), (Fault.AFTER, DeadlineExceeded, True), (Fault.DENIED, NotUnique, True)],
)
async def test_the_chosen_call_fails_and_no_other(
    inner: Store, fault: Fault, error: type[Exception], is_made: bool
) -> None:
    store = FaultyStore(inner, at=3, fault=fault)
    await store.commit([Insert("plain", {"id": "1"})])
    assert await store.get("plain", "1") is not None
    failed_before = store.has_failed
    with pytest.raises(error):
        await store.commit([Insert("plain", {"id": "2"})])
    assert (failed_before, store.has_failed) == (False, True)
    await store.commit([Insert("plain", {"id": "3"})])
    assert (await inner.get("plain", "2") is not None) is is_made
    assert await store.count("plain", EVERYTHING) == 2 + is_made


async def test_without_a_chosen_call_it_is_the_store_it_wraps(inner: Store) -> None:
    store = FaultyStore(inner)
    await store.commit([Insert("plain", {"id": "1"})])
    assert list(await store.get_many("plain", ["1"])) == ["1"]
    assert (await store.find("plain", Query())).total == 1
    await store.check()
    assert await store.sweep() == 0
    assert store.calls == 3
    assert not store.has_failed


async def test_only_watched_verbs_count_and_a_denied_deletion_is_a_mismatch(inner: Store) -> None:
    store = FaultyStore(inner, at=2, fault=Fault.DENIED, verbs=frozenset({"commit"}))
    await store.commit([Insert("plain", {"id": "1"})])
    assert await store.get("plain", "1") is not None
    with pytest.raises(VersionMismatch):
        await store.commit([Delete("plain", "1")])
    assert await store.get("plain", "1") is None
