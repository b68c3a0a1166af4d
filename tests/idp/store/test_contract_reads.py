"""What every backend promises about reads."""

import asyncio
from typing import Any

import pytest

from idp.errors import TooLarge
from idp.query import (
    EVERYTHING,
    VERSION,
    And,
    Compare,
    Field,
    In,
    Kind,
    Not,
    Op,
    Or,
    Place,
    Present,
    Query,
    Sort,
    ValuePath,
)
from idp.store import Delete, Insert, Replace, Settings, Store
from tests.support.stores import ACTIVE, AGE, BORN, CODE, MAIL, USER_NAME, Stores

TITLE = Field(("title",), case_exact=False)


async def fill(store: Store, *documents: dict[str, Any]) -> None:
    """Insert documents, each named after its id."""
    await store.commit([Insert("people", {"userName": document["id"]} | document) for document in documents])


async def ids(store: Store, query: Query) -> list[str]:
    """The ids of the page."""
    return [record.id for record in (await store.find("people", query)).records]


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    assert await store.get("people", "nobody") is None
    assert await store.get("people", "") is None
    assert await store.get("people", "\ud800") is None
    assert await store.get_many("people", []) == {}
    page = await store.find("people", Query())
    assert (page.records, page.total) == ([], 0)


async def test_many_are_read_at_once_and_those_missing_left_out(store: Store) -> None:
    await fill(store, *({"id": f"{n:03}"} for n in range(150)))
    wanted = [f"{n:03}" for n in range(0, 300, 2)]
    found = await store.get_many("people", wanted)
    assert sorted(found) == wanted[:75]
    assert found["004"].document["id"] == found["004"].id == "004"
    assert list(await store.get_many("people", ["007", "\ud800", "x"])) == ["007"]


async def test_collections_do_not_see_each_other(store: Store) -> None:
    await store.commit([Insert("plain", {"id": "a"}), Insert("people", {"id": "b"})])
    assert await store.get("people", "a") is None
    assert await store.count("people", EVERYTHING) == await store.count("plain", EVERYTHING) == 1


async def test_without_a_sort_the_order_is_that_of_the_ids(store: Store) -> None:
    mixed = ["b", "é", "B", "a\x00", "a", "\U0001f600", "10", "9"]
    await store.commit([Insert("plain", {"id": one}) for one in mixed])
    page = await store.find("plain", Query())
    assert [record.id for record in page.records] == ["10", "9", "B", "a", "a\x00", "b", "é", "\U0001f600"]


async def test_records_without_a_value_sort_last_and_first_when_descending(store: Store) -> None:
    await fill(store, {"id": "1", "age": 2}, {"id": "2"}, {"id": "3", "age": 1.5}, {"id": "4", "age": 2}, {"id": "5"})
    assert await ids(store, Query(sort=Sort(AGE))) == ["3", "1", "4", "2", "5"]
    assert await ids(store, Query(sort=Sort(AGE, descending=True))) == ["5", "2", "4", "1", "3"]


@pytest.mark.parametrize("field", [MAIL, Field(("emails", "type"))], ids=["indexed", "scanned"])
async def test_a_list_sorts_by_its_primary_element_else_by_its_first(store: Store, field: Field) -> None:
    def mails(*values: str) -> list[dict[str, Any]]:
        return [{"value": value.strip("!"), "type": value.strip("!"), "primary": "!" in value} for value in values]

    await fill(
        store,
        {"id": "1", "emails": mails("z", "b!")},
        {"id": "2", "emails": mails("a", "x!")},
        {"id": "3", "emails": mails("c", "a")},
        {"id": "4", "emails": []},
    )
    assert await ids(store, Query(sort=Sort(field))) == ["1", "3", "2", "4"]


@pytest.mark.parametrize("sort", [None, Sort(USER_NAME, True), Sort(AGE), Sort(TITLE)], ids=["id", "name", "age", "ti"])
@pytest.mark.parametrize(
    "wanted", [EVERYTHING, Compare(ACTIVE, Op.EQ, True), Compare(TITLE, Op.NE, "t5")], ids=["all", "indexed", "scanned"]
)
async def test_pages_cover_everything_once_and_know_the_total(store: Store, sort: Sort | None, wanted: Any) -> None:
    some = ({"age": n % 7, "active": n % 2 == 0, "title": f"t{n % 9}"} for n in range(250))
    await fill(store, *({"id": f"{n * 37 % 250:03}"} | one for n, one in enumerate(some)))
    whole = await store.find("people", Query(wanted, sort, limit=1000))
    assert whole.total == len(whole.records) == len({record.id for record in whole.records}) > 100
    paged = []
    for offset in range(0, 300, 60):
        page = await store.find("people", Query(wanted, sort, offset, limit=60))
        assert page.total == whole.total
        paged += page.records
    assert paged == whole.records
    beyond = await store.find("people", Query(wanted, sort, offset=10**30, limit=10**30))
    assert (beyond.records, beyond.total) == ([], whole.total)
    assert (await store.find("people", Query(wanted, sort, limit=0))).total == whole.total
    assert await store.count("people", wanted) == whole.total


@pytest.mark.parametrize("wanted", [EVERYTHING, Compare(ACTIVE, Op.EQ, True), Compare(TITLE, Op.NE, "t5")])
async def test_going_on_after_an_id_survives_what_changes_before_it(store: Store, wanted: Any) -> None:
    await fill(store, *({"id": f"{n:03}", "active": n % 2 == 0, "title": f"t{n % 9}"} for n in range(200)))
    expected = await ids(store, Query(wanted, limit=1000))
    seen: list[str] = []
    while True:
        query = Query(wanted, limit=25, after=seen[-1] if seen else "", total=False)
        page = (await store.find("people", query)).records
        if not page:
            break
        assert len(page) <= 25
        seen += [record.id for record in page]
        await store.commit([Delete("people", page[0].id), Insert("people", {"id": f"000{len(seen)}", "active": True})])
    assert seen == expected


async def test_the_page_after_an_id_still_tells_the_whole_total(store: Store) -> None:
    await fill(store, *({"id": f"{n}", "title": "t"} for n in range(9)))
    for wanted in (EVERYTHING, Present(USER_NAME), Compare(TITLE, Op.EQ, "T")):
        page = await store.find("people", Query(wanted, limit=2, after="6"))
        assert ([record.id for record in page.records], page.total) == (["7", "8"], 9)


async def test_counts_follow_every_kind_of_write(store: Store) -> None:
    await fill(store, *({"id": f"{n}"} for n in range(10)))
    await store.commit([Delete("people", "0"), Insert("people", {"id": "x"}), Replace("people", {"id": "1"}, 1)])
    await store.commit([Delete("people", "x")])
    assert await store.count("people", EVERYTHING) == 9
    assert await store.count("people", Not(Compare(USER_NAME, Op.EQ, "5"))) == 8
    assert await store.count("people", Or(())) == 0


async def test_keys_of_a_replaced_record_are_those_of_the_new_document_only(store: Store) -> None:
    before = {"id": "1", "code": "x", "emails": [{"value": "a"}, {"value": "b"}], "age": 5}
    await fill(store, before)
    await store.commit([Replace("people", {"id": "1", "emails": [{"value": "b"}, {"value": "c"}], "age": 6}, 1)])
    for field, value, found in (
        *((CODE, "x", 0), (MAIL, "a", 0), (MAIL, "b", 1), (MAIL, "c", 1)),
        *((AGE, 5, 0), (AGE, 6.0, 1), (USER_NAME, "1", 0)),
    ):
        assert len(await ids(store, Query(Compare(field, Op.EQ, value)))) == found


async def test_a_key_whose_type_alone_changes_is_a_new_key(store: Store) -> None:
    await fill(store, {"id": "1", "code": 1})
    await store.commit([Replace("people", {"id": "1", "code": True}, 1)])
    assert await ids(store, Query(Compare(CODE, Op.EQ, True))) == ["1"]
    assert await ids(store, Query(Compare(CODE, Op.EQ, 1))) == []


async def test_a_list_may_be_longer_than_any_statement(store: Store) -> None:
    await fill(store, {"id": "1", "emails": [{"value": f"{n}@x"} for n in range(3000)]})
    assert await ids(store, Query(Compare(MAIL, Op.EQ, "2999@X"))) == ["1"]
    await store.commit([Replace("people", {"id": "1", "emails": [{"value": f"{n}@y"} for n in range(3000)]}, 1)])
    assert await ids(store, Query(Compare(MAIL, Op.EW, "@x"))) == []
    assert await ids(store, Query(Compare(MAIL, Op.EW, "9@y"))) == ["1"]


async def test_moments_compare_as_moments_whatever_their_offset(store: Store) -> None:
    await fill(store, {"id": "1", "meta": {"born": "2024-01-01T00:00:00Z"}})
    await fill(store, {"id": "2", "meta": {"born": "2024-01-01T01:30:00+01:00"}})
    assert await ids(store, Query(Compare(BORN, Op.EQ, "2024-01-01T01:00:00+01:00"))) == ["1"]
    assert await ids(store, Query(Compare(BORN, Op.GT, "2024-01-01T00:00:00.000Z"))) == ["2"]
    assert await ids(store, Query(sort=Sort(Field(("meta", "born"), Kind.DATETIME), True))) == ["2", "1"]


async def test_one_element_has_to_satisfy_a_whole_value_path(store: Store) -> None:
    both = {"id": "1", "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x", "type": "home"}]}
    await fill(store, both, {"id": "2", "emails": [{"value": "a@x", "type": "home"}]})
    value, type_ = Field(("value",), case_exact=False), Field(("type",))
    mails = Field(("emails",), Kind.COMPLEX)
    assert await ids(store, Query(ValuePath(mails, Compare(value, Op.EQ, "A@X")))) == ["1", "2"]
    home = ValuePath(mails, And((Compare(value, Op.EQ, "a@x"), Compare(type_, Op.EQ, "home"))))
    assert await ids(store, Query(home)) == ["2"]


async def test_an_element_that_is_no_object_is_its_value(store: Store) -> None:
    labels, value = Field(("labels",), case_exact=False), Field(("value",), case_exact=False)
    await fill(store, {"id": "1", "labels": ["red", "Blue"]}, {"id": "2", "labels": ["red"]}, {"id": "3"})
    await fill(store, {"id": "4", "labels": [{"value": "blue"}]})
    asked = {"BLUE": ["1"], "red": ["1", "2"], "b": []}
    for text, found in asked.items():
        assert await ids(store, Query(ValuePath(labels, Compare(value, Op.EQ, text)))) == found
    both = And((Compare(value, Op.SW, "b"), Compare(value, Op.EW, "d")))
    assert await ids(store, Query(ValuePath(labels, both))) == []
    assert await ids(store, Query(ValuePath(labels, Not(Compare(value, Op.EQ, "red"))))) == ["1"]
    assert await ids(store, Query(Not(ValuePath(labels, Present(value))))) == ["3", "4"]


async def test_a_batch_is_found_by_its_values_in_one_query(store: Store) -> None:
    await fill(store, *({"id": f"{n:04}", "code": f"c{n}"} for n in range(400)))
    page = await store.find("people", Query(In(CODE, tuple(f"c{n}" for n in range(0, 2000, 4))), limit=1000))
    assert [record.document["code"] for record in page.records] == [f"c{n}" for n in range(0, 400, 4)]
    assert page.total == 100
    with pytest.raises(TooLarge):
        await store.find("people", Query(In(CODE, tuple(map(str, range(10_001))))))


async def test_a_scan_over_the_limit_is_refused_and_an_indexed_search_is_not(stores: Stores) -> None:
    store = await stores.open(settings=Settings(max_scan=100))
    await fill(store, *({"id": f"{n:03}", "code": "x" if n % 2 else "y"} for n in range(300)))
    with pytest.raises(TooLarge):
        await store.find("people", Query(Compare(TITLE, Op.EQ, "t")))
    assert (await store.find("people", Query(Compare(CODE, Op.EQ, "x")))).total == 150


async def test_text_that_no_document_can_hold_matches_nothing(store: Store) -> None:
    await fill(store, {"id": "1", "code": "x"}, {"id": "2"})
    assert await ids(store, Query(Compare(CODE, Op.EQ, "\ud800"))) == []
    assert await ids(store, Query(Compare(CODE, Op.NE, "\ud800"))) == ["1", "2"]
    assert await ids(store, Query(Compare(AGE, Op.LT, 2**80))) == []


async def test_every_read_sees_what_was_acknowledged_before_it(stores: Stores) -> None:
    first, second = await stores.open(), await stores.open()
    for n in range(30):
        await first.commit([Insert("people", {"id": f"{n:02}", "userName": f"name{n}"})])
        assert await second.get("people", f"{n:02}") is not None
        assert (await second.find("people", Query(Compare(USER_NAME, Op.EQ, f"NAME{n}")))).total == 1
        assert await second.count("people", EVERYTHING) == n + 1


async def test_readers_and_writers_at_once_never_see_half_a_commit(stores: Stores) -> None:
    first, second = await stores.open(), await stores.open()
    await first.commit([Insert("plain", {"id": "a", "n": 0}), Insert("plain", {"id": "b", "n": 0})])

    async def write() -> None:
        for n in range(1, 40):
            await first.commit([Replace("plain", {"id": one, "n": n}, n) for one in ("a", "b")])

    async def read() -> None:
        while not writing.done():
            found = await second.get_many("plain", ["a", "b"])
            assert found["a"].document["n"] == found["b"].document["n"]
            await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    await asyncio.gather(writing, read(), read())


async def test_records_are_found_by_their_version_beside_everything_else(store: Store) -> None:
    await fill(store, *({"id": f"{n}", "age": n % 2} for n in range(6)))
    for n in (1, 2, 3):
        await store.commit([Replace("people", {"id": f"{n}", "userName": f"{n}", "age": n % 2}, 1)])
    second = Compare(VERSION, Op.EQ, 2)
    assert await ids(store, Query(second)) == ["1", "2", "3"]
    assert await ids(store, Query(Not(second), limit=2, total=False)) == ["0", "4"]
    assert await ids(store, Query(And((Compare(AGE, Op.EQ, 1), second)), sort=Sort(AGE))) == ["1", "3"]
    assert await ids(store, Query(And((Compare(USER_NAME, Op.EQ, "3"), second)))) == ["3"]
    assert await ids(store, Query(And((Compare(Field(("id",)), Op.EQ, "0"), second)))) == []
    assert await store.count("people", Compare(VERSION, Op.GT, 1)) == 3
    assert all("@version" not in one.document for one in (await store.find("people", Query(second))).records)
    newest = Sort(VERSION, descending=True)
    assert await ids(store, Query(sort=newest)) == ["3", "2", "1", "5", "4", "0"]
    assert await ids(store, Query(sort=Sort(VERSION), after=Place(1, "5"))) == ["1", "2", "3"]
    assert await ids(store, Query(Compare(USER_NAME, Op.SW, ""), sort=newest, offset=2, limit=2)) == ["1", "5"]
    assert await ids(store, Query(In(USER_NAME, ("0", "2", "4")), sort=newest)) == ["2", "4", "0"]
