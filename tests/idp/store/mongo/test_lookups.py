"""Searches for a few values that share a command: which ones do, and what each is told."""

import asyncio
from collections.abc import Mapping, Sequence, Set
from typing import Final

import pytest

from idp.query import And, Compare, Field, In, Op, Query, Sort
from idp.store import Page, Record
from idp.store.mongo.layout import Layout, lay_out
from idp.store.mongo.lookups import Lookups
from tests.support.stores import AGE, CODE, SAMPLES, TAGS, USER_NAME


class Server:
    """Knows so many records of every value, and remembers what it was asked."""

    def __init__(self, each: int = 2) -> None:
        self.each = each
        self.reads: list[tuple[str, list[str], int]] = []

    async def read(
        self, layout: Layout, field: Field, values: Set[str], most: int
    ) -> Mapping[str, Sequence[Record]] | None:
        self.reads.append((field.name, sorted(values), most))
        if self.each * len(values) > most:
            return None
        return {value: [self.record(value, number) for number in range(self.each)] for value in values}

    def record(self, value: str, number: int) -> Record:
        return Record(f"{value}{number}", 1, {"id": f"{value}{number}", "tags": []})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def lookups(server: Server) -> Lookups:
    return Lookups(lay_out(SAMPLES), server.read, timeout=60)


def equal(field: Field, value: str, limit: int = 100, *, total: bool = True) -> Query:
    return Query(Compare(field, Op.EQ, value), limit=limit, total=total)


async def test_values_of_one_field_are_looked_up_together_and_each_is_told_its_own(
    server: Server, lookups: Lookups
) -> None:
    asked = [equal(USER_NAME, "Ada", limit=1), equal(USER_NAME, "bob", total=False), equal(USER_NAME, "ADA")]
    pages = await asyncio.gather(*(lookups.find("people", query) for query in asked))
    ada, bob = ([server.record(name, number) for number in range(2)] for name in ("ada", "bob"))
    assert pages == [Page(ada[:1], 2), Page(bob, None), Page(ada, 2)]
    assert server.reads == [("userName", ["ada", "bob"], 200)]


async def test_nobody_is_given_what_another_one_may_change(lookups: Lookups) -> None:
    pages = await asyncio.gather(*(lookups.find("people", equal(CODE, "x")) for _ in range(2)))
    first, second = (page.records[0] for page in pages if page)
    first.document["tags"].append("mine")
    assert second.document["tags"] == []


async def test_who_looks_for_several_values_is_told_of_each_record_once() -> None:
    shared, own = (Record(key, 1, {"id": key}) for key in ("1", "0"))
    having = {"x": [shared], "y": [own, shared], "z": [own]}

    async def read(layout: Layout, field: Field, values: Set[str], most: int) -> Mapping[str, Sequence[Record]] | None:
        assert values == having.keys()
        return having

    lookups = Lookups(lay_out(SAMPLES), read, timeout=60)
    asked = [Query(In(TAGS, ("y", "x"))), Query(In(TAGS, ("x", "y")), limit=1), Query(In(TAGS, ("z",)), total=False)]
    pages = await asyncio.gather(*(lookups.find("people", query) for query in asked))
    assert pages == [Page([own, shared], 2), Page([own], 2), Page([own], None)]


async def test_a_field_is_let_alone_for_a_while_after_a_value_that_many_share(server: Server, lookups: Lookups) -> None:
    server.each = 101
    assert await asyncio.gather(*(lookups.find("people", equal(CODE, value)) for value in "xy")) == [None, None]
    server.each = 1
    assert [await lookups.find("people", equal(CODE, "x")) for _ in range(1000)] == [None] * 1000
    assert server.reads == [("code", ["x", "y"], 200)]
    for field in (USER_NAME, CODE):
        assert await lookups.find("people", equal(field, "x")) == Page([server.record("x", 0)], 1)


SAME: Final = Compare(CODE, Op.EQ, "x")


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(And((SAME, SAME))),
        Query(Compare(CODE, Op.NE, "x")),
        Query(Compare(CODE, Op.EQ, None)),
        Query(Compare(CODE, Op.EQ, "\ud800")),
        Query(Compare(AGE, Op.EQ, 7)),
        Query(In(CODE, ())),
        Query(In(CODE, ("x", None))),
        Query(In(CODE, tuple(map(str, range(21))))),
        Query(Compare(Field(("note",)), Op.EQ, "x")),
        Query(SAME, sort=Sort(CODE)),
        Query(SAME, offset=1),
        Query(SAME, after="1"),
    ],
)
async def test_what_there_is_more_to_is_searched_for_by_itself(server: Server, lookups: Lookups, query: Query) -> None:
    assert await lookups.find("people", query) is None
    assert server.reads == []
