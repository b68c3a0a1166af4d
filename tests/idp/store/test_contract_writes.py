"""What every backend promises about writes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from idp.clock import to_text
from idp.errors import InvalidValue, NotUnique, VersionMismatch
from idp.query import EVERYTHING, Compare, Field, Op, Query
from idp.store import Check, Delete, DeleteWhere, Insert, Replace, Store, Write
from tests.support.clock import FakeClock
from tests.support.stores import CODE, NAME, OWNER, TAGS, USER_NAME, Stores


def person(id: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    """A document whose userName is its id unless given."""
    return {"id": id, "userName": name or id, **more}


async def ids(store: Store, collection: str = "people", query: Query | None = None) -> list[str]:
    """The ids of all records, or of those a query finds."""
    return [record.id for record in (await store.find(collection, query or Query())).records]


async def fails_whole(store: Store, error: type[Exception], writes: Sequence[Write]) -> None:
    """The commit is refused, and nothing of it is to be seen."""
    before = (await store.find("people", Query())).records
    with pytest.raises(error):
        await store.commit(writes)
    assert (await store.find("people", Query())).records == before


async def test_an_inserted_document_comes_back_as_it_was(store: Store) -> None:
    document = person("a", n=7, f=1.5, t=True, x=None, deep={"$ref": "r", "a.b": [{"c": [1, "é", False]}]}, empty=[])
    document["urn:example:2.0:User"] = {"id": "i", "$ref": "b", "$id": "c", "ключ": "\x00 \U0001f600"}
    await store.commit([Insert("people", document)])
    record = await store.get("people", "a")
    assert record is not None
    assert (record.id, record.version, record.document) == ("a", 1, document)


async def test_numbers_come_back_as_plain_numbers_however_large(store: Store) -> None:
    numbers = [0, -1, 2**31, 2**53, 2**63 - 1, -(2**63), 10**40, 0.5, 1e300]
    await store.commit([Insert("plain", {"id": "n", "numbers": numbers, "in": {"it": 2**40}})])
    for read in (await store.get("plain", "n"), (await store.find("plain", Query())).records[0]):
        assert read is not None
        assert read.document["numbers"] == numbers
        assert {type(number) for number in read.document["numbers"]} == {int, float}
        assert type(read.document["in"]["it"]) is int


async def test_a_document_read_is_the_readers_own(store: Store) -> None:
    document = person("a", list=[1])
    await store.commit([Insert("people", document)])
    document["list"].append(2)
    first = await store.get("people", "a")
    assert first is not None
    first.document["list"].append(3)
    second = await store.get("people", "a")
    assert second is not None
    assert second.document["list"] == [1]


async def test_an_id_is_taken_once_per_collection(store: Store) -> None:
    await store.commit([Insert("people", person("a")), Insert("plain", {"id": "a"})])
    with pytest.raises(NotUnique) as caught:
        await store.commit([Insert("plain", {"id": "a"})])
    assert (caught.value.collection, caught.value.attribute) == ("plain", "id")


async def test_each_replacement_raises_the_version_by_one(store: Store) -> None:
    await store.commit([Insert("people", person("a"))])
    for version in (1, 2, 3):
        await store.commit([Replace("people", person("a", n=version), version)])
    record = await store.get("people", "a")
    assert record is not None
    assert (record.version, record.document["n"]) == (4, 3)


@pytest.mark.parametrize(
    "write",
    [
        Replace("people", person("a", "other"), 1),
        Replace("people", person("a", "other"), 3),
        Replace("people", person("none"), 1),
        Delete("people", "a", 1),
        Delete("people", "none"),
        Check("people", "a", 1),
        Check("people", "none"),
        Insert("people", person("a", "other")),
        Insert("people", person("x", "A")),
    ],
)
async def test_a_commit_with_one_refused_write_changes_nothing(store: Store, write: Write) -> None:
    await store.commit([Insert("people", person("a")), Insert("people", person("b"))])
    await store.commit([Replace("people", person("a", n=2), 1)])
    error = NotUnique if isinstance(write, Insert) else VersionMismatch
    others: list[Write] = [
        Insert("people", person("c")),
        Replace("people", person("b", "bb"), 1),
        Delete("people", "b", 2),
    ]
    await fails_whole(store, error, [*others, write])
    await fails_whole(store, error, [write, *others])
    await store.commit([Insert("people", person("c"))])


async def test_writes_of_one_commit_build_on_each_other(store: Store) -> None:
    await store.commit(
        [
            Insert("people", person("a")),
            Replace("people", person("a", "b"), 1),
            Insert("people", person("c", "a")),
            Delete("people", "c", 1),
            Check("people", "a", 2),
            Insert("people", person("d", "a")),
        ]
    )
    assert await ids(store) == ["a", "d"]


async def test_what_a_check_finds_is_not_changed(store: Store) -> None:
    await store.commit([Insert("people", person("a"))])
    await store.commit([Check("people", "a", 1), Check("people", "a")])
    record = await store.get("people", "a")
    assert record is not None
    assert record.version == 1


async def test_an_empty_commit_is_nothing(store: Store) -> None:
    await store.commit([])
    assert await store.count("people", EVERYTHING) == 0


# --- uniqueness ---


@pytest.mark.parametrize("name", ["ANNA", "Anna", "\uff41\uff4e\uff4e\uff41"])
async def test_a_unique_value_is_one_whatever_its_case_and_width(store: Store, name: str) -> None:
    await store.commit([Insert("people", person("1", "anna"))])
    with pytest.raises(NotUnique) as caught:
        await store.commit([Insert("people", person("2", name))])
    assert (caught.value.collection, caught.value.attribute) == ("people", "userName")


async def test_every_value_of_a_unique_list_counts_and_case_where_it_is_exact(store: Store) -> None:
    await store.commit([Insert("people", person("1", tags=["x", "y", "x"])), Insert("people", person("2", tags=["X"]))])
    await fails_whole(store, NotUnique, [Insert("people", person("3", tags=["z", "y"]))])
    await fails_whole(
        store, NotUnique, [Insert("people", person("3", tags=["z"])), Insert("people", person("4", tags=["z"]))]
    )


async def test_a_unique_value_is_free_again_when_its_record_lets_go(store: Store) -> None:
    await store.commit([Insert("people", person("1", "a", tags=["x", "y"]))])
    await store.commit([Replace("people", person("1", "b", tags=["y", "z"]), 1)])
    await store.commit([Insert("people", person("2", "a", tags=["x"]))])
    await store.commit([Delete("people", "1")])
    await store.commit([Insert("people", person("3", "B", tags=["y", "z"]))])


async def test_two_records_exchange_their_unique_values_in_one_commit(store: Store) -> None:
    await store.commit([Insert("people", person("1", "a")), Insert("people", person("2", "b"))])
    await store.commit([Replace("people", person("1", "b"), 1), Replace("people", person("2", "a"), 1)])
    found = await store.find("people", Query(Compare(USER_NAME, Op.EQ, "A")))
    assert [record.id for record in found.records] == ["2"]
    await fails_whole(store, NotUnique, [Insert("people", person("3", "b"))])


async def test_text_and_numbers_and_booleans_are_different_unique_values(store: Store) -> None:
    tags: list[Any] = ["1", 1, True, "true", "", "|", "a|b"]
    await store.commit([Insert("people", person(str(n), tags=[tag])) for n, tag in enumerate(tags)])
    for tag in tags:
        await fails_whole(store, NotUnique, [Insert("people", person("x", tags=[tag]))])


async def test_of_many_who_want_a_unique_value_at_once_one_gets_it(stores: Stores) -> None:
    first, second = await stores.open(), await stores.open()
    tries = [
        (first, second)[n % 2].commit(
            [Insert("people", person(f"p{n}", f"name{n % 4}")), Insert("plain", {"id": f"p{n}"})]
        )
        for n in range(40)
    ]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 4
    assert all(isinstance(outcome, NotUnique) for outcome in outcomes if outcome is not None)
    assert await first.count("people", EVERYTHING) == await first.count("plain", EVERYTHING) == 4


# --- races ---


async def test_of_many_who_replace_the_same_version_one_wins(stores: Stores) -> None:
    first, second = await stores.open(), await stores.open()
    await first.commit([Insert("people", person("a", n=0))])

    async def add(store: Store) -> int:
        refused = 0
        while True:
            record = await store.get("people", "a")
            assert record is not None
            try:
                await store.commit([Replace("people", person("a", n=record.document["n"] + 1), record.version)])
            except VersionMismatch:
                refused += 1
            else:
                return refused

    await asyncio.gather(*(add((first, second)[n % 2]) for n in range(24)))
    record = await first.get("people", "a")
    assert record is not None
    assert (record.document["n"], record.version) == (24, 25)


async def test_a_check_and_a_deletion_of_the_same_record_never_both_pass_unseen(stores: Stores) -> None:
    first, second = await stores.open(), await stores.open()
    for n in range(15):
        await first.commit([Insert("plain", {"id": f"group{n}"})])
        add: list[Write] = [Check("plain", f"group{n}"), Insert("people", person(f"edge{n}", code=f"group{n}"))]
        drop: list[Write] = [DeleteWhere("people", CODE, f"group{n}"), Delete("plain", f"group{n}")]
        added, dropped = await asyncio.gather(first.commit(add), second.commit(drop), return_exceptions=True)
        assert added is None or isinstance(added, VersionMismatch)
        assert dropped is None
        # An edge added after the deletion had looked would outlive its group.
        assert await first.get("people", f"edge{n}") is None


async def test_many_commits_at_once_are_all_made(store: Store) -> None:
    await asyncio.gather(*(store.commit([Insert("people", person(f"{n:03}"))]) for n in range(100)))
    assert await ids(store, query=Query(limit=1000)) == [f"{n:03}" for n in range(100)]


# --- DeleteWhere ---


async def test_delete_where_removes_all_with_that_value_and_frees_what_they_held(store: Store) -> None:
    await store.commit([Insert("people", person(str(n), code=("x", "y")[n % 2], tags=[f"t{n}"])) for n in range(10)])
    await store.commit([DeleteWhere("people", CODE, "x"), DeleteWhere("people", CODE, "nobody")])
    assert await ids(store) == ["1", "3", "5", "7", "9"]
    assert await store.count("people", EVERYTHING) == 5
    await store.commit([Insert("people", person("0", tags=["t0", "t2"]))])


async def test_delete_where_finds_any_case_and_any_value_of_a_list(store: Store) -> None:
    await store.commit([Insert("people", person("Ann", tags=["a", "b"])), Insert("people", person("Bob", tags=["c"]))])
    await store.commit([DeleteWhere("people", TAGS, "b"), DeleteWhere("people", USER_NAME, "bOB")])
    assert await ids(store) == []


async def test_delete_where_sees_what_the_same_commit_wrote_before(store: Store) -> None:
    await store.commit([Insert("people", person("1", code="x"))])
    await store.commit(
        [
            Insert("people", person("2", code="x")),
            Replace("people", person("1", code="y"), 1),
            DeleteWhere("people", CODE, "x"),
            Insert("people", person("3", code="x")),
        ]
    )
    assert await ids(store) == ["1", "3"]


async def test_delete_where_needs_an_index(store: Store) -> None:
    with pytest.raises(ValueError, match="no index on colour"):
        await store.commit([DeleteWhere("people", Field(("colour",)), "red")])


# --- expiry ---


def a_pass(id: str, clock: FakeClock, seconds: float | None = 60, **more: Any) -> dict[str, Any]:
    """A document that expires after so many seconds, or never."""
    expires = {} if seconds is None else {"expires": to_text(clock.now() + timedelta(seconds=seconds))}
    return {"id": id, "owner": "anna", **expires, **more}


async def test_an_expired_record_is_seen_by_nobody(store: Store, clock: FakeClock) -> None:
    await store.commit([Insert("passes", a_pass("a", clock)), Insert("passes", a_pass("b", clock, None))])
    owned = Query(Compare(OWNER, Op.EQ, "anna"))
    assert await ids(store, "passes", owned) == ["a", "b"]
    clock.advance(60)
    assert await store.get("passes", "a") is None
    assert list(await store.get_many("passes", ["a", "b"])) == ["b"]
    for query in (
        Query(),
        owned,
        Query(Compare(Field(("id",)), Op.GT, "")),
        Query(Compare(Field(("no",)), Op.EQ, None)),
    ):
        page = await store.find("passes", query)
        assert ([record.id for record in page.records], page.total) == (["b"], 1)
        assert await store.count("passes", query.filter) == 1


@pytest.mark.parametrize(
    "write", [Replace("passes", {"id": "a"}, 1), Delete("passes", "a"), Delete("passes", "a", 1), Check("passes", "a")]
)
async def test_an_expired_record_is_gone_for_writes_too(store: Store, clock: FakeClock, write: Write) -> None:
    await store.commit([Insert("passes", a_pass("a", clock))])
    clock.advance(61)
    with pytest.raises(VersionMismatch):
        await store.commit([write])


async def test_an_expired_record_blocks_neither_its_id_nor_its_unique_value(store: Store, clock: FakeClock) -> None:
    await store.commit(
        [Insert("passes", a_pass("a", clock, name="gold")), Insert("passes", a_pass("b", clock, name="tin"))]
    )
    with pytest.raises(NotUnique):
        await store.commit([Insert("passes", a_pass("c", clock, name="Gold"))])
    clock.advance(61)
    await store.commit(
        [Insert("passes", a_pass("c", clock, name="Gold")), Insert("passes", a_pass("b", clock, name="iron"))]
    )
    assert await ids(store, "passes") == ["b", "c"]
    record = await store.get("passes", "b")
    assert record is not None
    assert (record.version, record.document["name"]) == (1, "iron")
    with pytest.raises(NotUnique):
        await store.commit([Insert("passes", a_pass("d", clock, name="GOLD"))])


async def test_a_record_lives_on_when_its_expiry_moves(store: Store, clock: FakeClock) -> None:
    await store.commit([Insert("passes", a_pass("a", clock, name="gold"))])
    clock.advance(59)
    await store.commit([Replace("passes", a_pass("a", clock, 60, name="gold"), 1)])
    clock.advance(59)
    assert await store.get("passes", "a") is not None
    with pytest.raises(NotUnique):
        await store.commit([Insert("passes", a_pass("b", clock, name="gold"))])


async def test_a_sweep_removes_what_has_expired_and_nothing_else(store: Store, clock: FakeClock) -> None:
    await store.commit([Insert("passes", a_pass(f"{n}", clock, 10 + n, name=f"n{n}")) for n in range(9)])
    await store.commit([Insert("passes", a_pass("stays", clock, None)), Insert("people", person("a"))])
    clock.advance(14)
    assert await store.sweep() == 5
    assert await store.sweep() == 0
    assert await ids(store, "passes") == ["5", "6", "7", "8", "stays"]
    await store.commit([Insert("passes", a_pass("new", clock, name="N0"))])
    assert await ids(store, "passes", Query(Compare(NAME, Op.SW, "n0"))) == ["new"]


# --- what cannot be stored ---


@pytest.mark.parametrize(
    "document",
    [
        person("a", meta={"born": "yesterday"}),
        person("a", meta={"born": 5}),
        person("a", age=2**64),
        person("a", note="\ud800"),
        person("a", code="\ud800"),
    ],
)
async def test_what_no_index_or_file_can_hold_is_refused_with_its_name(store: Store, document: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        await store.commit([Insert("people", document)])
    assert await ids(store) == []


async def test_a_check_of_the_write_path_passes(store: Store) -> None:
    await store.check()
    await store.check()
