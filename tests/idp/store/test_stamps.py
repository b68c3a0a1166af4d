"""Whatever changes a collection changes its stamp, in the eyes of every store on the same data."""

import pytest

from idp.errors import VersionMismatch
from idp.store import Check, Delete, DeleteWhere, Insert, Replace, Store, Write
from tests.support.stores import OWNER, Stores


def note(number: int) -> dict[str, str]:
    return {"id": f"{number}", "owner": "ada", "name": f"pass {number}"}


async def changes_its_stamp(store: Store, write: Write) -> bool | None:
    """Commit it; tell whether the stamp is another one, or nothing where the store has none."""
    before = store.stamp(("passes",))
    await store.commit([write])
    after = store.stamp(("passes",))
    assert (before is None) == (after is None)
    return None if before is None else before != after


async def test_every_change_makes_another_stamp(store: Store) -> None:
    changing: list[Write] = [
        Insert("passes", note(1)),
        Replace("passes", note(1), 1),
        Delete("passes", "1"),
        Insert("passes", note(2)),
        DeleteWhere("passes", OWNER, "ada"),
    ]
    assert [await changes_its_stamp(store, write) for write in changing] in ([True] * 5, [None] * 5)


async def test_what_changes_nothing_in_a_collection_leaves_its_stamp(store: Store) -> None:
    await store.commit([Insert("passes", note(1))])
    keeping: list[Write] = [Insert("plain", {"id": "1"}), Check("passes", "1"), DeleteWhere("passes", OWNER, "bob")]
    assert [await changes_its_stamp(store, write) for write in keeping] in ([False] * 3, [None] * 3)
    before = store.stamp(("passes",))
    with pytest.raises(VersionMismatch):
        await store.commit([Replace("passes", note(1), 1), Delete("plain", "gone")])
    assert store.stamp(("passes",)) == before


async def test_another_store_sees_the_change_at_once(stores: Stores) -> None:
    ours, theirs = await stores.open(), await stores.open()
    before = ours.stamp(("passes", "plain"))
    await theirs.commit([Insert("passes", note(1))])
    after = ours.stamp(("passes", "plain"))
    assert after == theirs.stamp(("passes", "plain"))
    assert before is None or (before != after and ours.stamp(("plain",)) == before[1:])
