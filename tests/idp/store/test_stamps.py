"""Whatever changes a collection changes its stamp, in the eyes of every store on the same data."""

import asyncio

import pytest

from idp.errors import VersionMismatch
from idp.memory import Moment
from idp.store import Check, Delete, DeleteWhere, Insert, Replace, Store, Write
from tests.support.stores import OWNER, Stores


def note(number: int) -> dict[str, str]:
    return {"id": f"{number}", "owner": "ada", "name": f"pass {number}"}


async def changes_its_stamp(store: Store, *writes: Write) -> bool:
    """Commit them; tell whether the stamp is another one."""
    before = await store.stamp(("passes",))
    await store.commit(writes)
    return before != await store.stamp(("passes",))


async def test_every_change_makes_another_stamp(store: Store) -> None:
    changing: list[Write] = [
        Insert("passes", note(1)),
        Replace("passes", note(1), 1),
        Delete("passes", "1"),
        Insert("passes", note(2)),
        DeleteWhere("passes", OWNER, "ada"),
    ]
    assert [await changes_its_stamp(store, write) for write in changing] == [True] * 5


async def test_what_changes_nothing_in_a_collection_leaves_its_stamp(store: Store) -> None:
    await store.commit([Insert("passes", note(1))])
    keeping: list[Write] = [Insert("plain", {"id": "1"}), Check("passes", "1"), DeleteWhere("passes", OWNER, "bob")]
    assert [await changes_its_stamp(store, write) for write in keeping] == [False] * 3
    assert not await changes_its_stamp(store, Check("passes", "1"), Replace("plain", {"id": "1"}, 1))
    before = await store.stamp(("passes",))
    with pytest.raises(VersionMismatch):
        await store.commit([Replace("passes", note(1), 1), Delete("plain", "gone")])
    assert await store.stamp(("passes",)) == before


async def test_commits_that_share_a_transaction_all_change_the_stamp(store: Store) -> None:
    before = await store.stamp(("people", "passes"))
    person, write = Insert("people", {"id": "1"}), Insert("passes", note(1))
    await asyncio.gather(store.commit([person]), store.commit([write]), store.commit([Insert("plain", {"id": "1"})]))
    after = await store.stamp(("people", "passes"))
    assert before is not None
    assert after is not None
    assert before[0] != after[0]
    assert before[1] != after[1]


async def test_another_store_sees_the_change_at_once(stores: Stores) -> None:
    ours, theirs = await stores.open(), await stores.open()
    before = await ours.stamp(("passes", "people"))
    await theirs.commit([Insert("passes", note(1))])
    after = await ours.stamp(("passes", "people"))
    assert after == await theirs.stamp(("passes", "people"))
    assert before is not None
    assert before != after
    assert await ours.stamp(("people",)) == before[1:]


async def test_a_stamp_is_never_older_than_what_was_acknowledged_before_it_was_asked_for(stores: Stores) -> None:
    ours, theirs = await stores.open(), await stores.open()
    asking = True

    async def ask_all_the_time() -> None:
        while asking:
            await ours.stamp(("passes",))
            await asyncio.sleep(0)

    others = [asyncio.create_task(ask_all_the_time()) for _ in range(8)]
    seen = set()
    for number in range(20):
        await theirs.commit([Insert("passes", note(number))])
        # A look that is under way for the others may have begun before the commit.
        seen.add(await ours.stamp(("passes",)))
        seen.add(await ours.stamp(("passes",), Moment()))
    asking = False
    await asyncio.gather(*others)
    assert len(seen) == 20


async def test_a_moment_sees_what_came_before_it(stores: Stores) -> None:
    ours, theirs = await stores.open(), await stores.open()
    early = Moment()
    before = await ours.stamp(("passes",), early)
    await theirs.commit([Insert("passes", note(1))])
    assert await ours.stamp(("passes",), Moment()) != before
    # Either is right: the commit came after the moment.
    assert await ours.stamp(("passes",), early) in (before, await ours.stamp(("passes",)))
