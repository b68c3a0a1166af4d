"""Large commits, which backends may make in other ways than small ones: nobody can tell from what comes of them."""

from datetime import timedelta

import pytest

from idp.clock import to_text
from idp.errors import NotUnique, VersionMismatch
from idp.query import Compare, Document, Filter, In, Op, Query, matches
from idp.store import Check, Delete, Insert, Replace, Store, Write
from tests.support.clock import FakeClock
from tests.support.stores import ACTIVE, AGE, BORN, CODE, MAIL, TAGS, USER_NAME

MANY = 130


def person(number: int) -> Document:
    """A document with a value in every index, and some without."""
    document = {"id": f"p{number:03d}", "userName": f"Person{number}", "active": number % 2 == 0}
    if number % 3 == 0:
        return document
    mails = [{"value": f"a{number}@example.org"}, {"value": f"B{number}@example.org", "primary": True}]
    born = {"born": f"2026-01-01T00:{number % 60:02d}:00Z"}
    return {
        **document,
        "code": f"C{number}",
        "age": number,
        "tags": [f"t{number}", f"u{number}"],
        "emails": mails,
        "meta": born,
    }


def people() -> list[Write]:
    return [Insert("people", person(number)) for number in range(MANY)]


async def found(store: Store, filter: Filter) -> list[str]:
    return [record.id for record in (await store.find("people", Query(filter, limit=1000))).records]


FILTERS: list[Filter] = [
    Compare(USER_NAME, Op.EQ, "pERSON17"),
    Compare(CODE, Op.GE, "C28"),
    Compare(AGE, Op.LT, 20),
    Compare(ACTIVE, Op.EQ, True),
    Compare(BORN, Op.EQ, "2026-01-01T01:31:00+01:00"),
    In(MAIL, ("A31@example.org", "b32@example.org", "c33@example.org")),
    Compare(TAGS, Op.EQ, "u128"),
]


async def test_what_a_large_commit_adds_is_found_by_every_index(store: Store) -> None:
    await store.commit(people())
    for wanted in FILTERS:
        expected = [document["id"] for document in map(person, range(MANY)) if matches(wanted, document)]
        assert await found(store, wanted) == expected != []


async def test_a_large_commit_with_one_name_that_is_taken_is_refused_whole(store: Store) -> None:
    await store.commit([Insert("people", {"id": "x", "userName": "person123"})])
    with pytest.raises(NotUnique) as caught:
        await store.commit(people())
    assert caught.value.attribute == "userName"
    assert (await store.find("people", Query())).total == 1


async def test_a_large_commit_with_one_check_that_fails_is_refused_whole(store: Store) -> None:
    with pytest.raises(VersionMismatch):
        await store.commit([*people(), Check("plain", "nobody")])
    assert (await store.find("people", Query())).total == 0


async def test_the_writes_of_a_large_commit_build_on_each_other(store: Store) -> None:
    await store.commit([*people(), Check("people", "p001"), Replace("people", {**person(1), "age": 7}, 1)])
    record = await store.get("people", "p001")
    assert record is not None
    assert (record.version, record.document["age"]) == (2, 7)


async def test_a_name_that_goes_and_comes_in_one_large_commit_is_free_for_it(store: Store) -> None:
    await store.commit([Insert("people", {"id": "x", "userName": "person123"}), Insert("plain", {"id": "y"})])
    await store.commit([*people(), Delete("people", "x", 1), Check("plain", "y")])
    assert await found(store, Compare(USER_NAME, Op.EQ, "person123")) == ["p123"]


async def test_who_has_expired_is_in_the_way_of_no_large_commit(store: Store, clock: FakeClock) -> None:
    ends = to_text(clock.now() + timedelta(minutes=1))
    passes = [{"id": f"p{number}", "name": f"pass {number}", "expires": ends} for number in range(MANY)]
    await store.commit([Insert("passes", one) for one in passes])
    clock.advance(120)
    await store.commit([Insert("passes", {**one, "expires": None}) for one in passes])
    assert (await store.find("passes", Query())).total == MANY
