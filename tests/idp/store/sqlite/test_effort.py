"""What a search costs is what it finds, wherever that stands and whatever stands beside it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from idp.query import And, Compare, Field, Filter, Not, Op, Place, Present, Query, Sort
from idp.store import Insert
from idp.store.sqlite.catalogue import load
from idp.store.sqlite.find import Finder
from idp.store.sqlite.rows import Rows
from tests.support.clock import FakeClock
from tests.support.reference import answer
from tests.support.stores import CODE, SAMPLES, USER_NAME, Stores, opened

MANY = 4_000
ID = Field(("id",))
Steps = Callable[[Query], int]


def person(n: int) -> dict[str, Any]:
    """Somebody; ids and codes go the same way, and half of all names begin alike."""
    return {"id": f"{n:05}", "code": f"{n:05}", "userName": f"{'a' if n < MANY / 2 else 'b'}{n}"}


PEOPLE = [person(n) for n in range(MANY)]


async def fill(path: Path, clock: FakeClock) -> None:
    async for stores in opened(f"sqlite:{path}", clock):
        await _all(stores)


async def _all(stores: Stores) -> None:
    store = await stores.open()
    await store.commit([Insert("people", one) for one in PEOPLE])


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all of them."""
    path = tmp_path_factory.mktemp("effort") / "store.sqlite"
    asyncio.run(fill(path, FakeClock()))
    return path


@pytest.fixture(scope="module")
def steps(people: Path) -> Iterator[Steps]:
    """What tells how many steps of SQLite's machine a search takes, once it has found what it is to find."""
    connection = apsw.Connection(str(people))
    tables, _ = load(connection, SAMPLES)
    finder, taken = Finder(Rows(connection, FakeClock()), MANY), list[int]()

    def count(query: Query) -> int:
        taken.clear()
        page = finder.find(tables["people"], query)
        ids, total = answer(query, PEOPLE)
        assert [record.id for record in page.records] == ids
        assert page.total == (total if query.total else None)
        return sum(taken)

    connection.trace_v2(
        apsw.SQLITE_TRACE_PROFILE, lambda event: taken.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])
    )
    yield count
    connection.close()


def test_a_range_costs_what_stands_in_it(steps: Steps) -> None:
    middle = And((Compare(CODE, Op.GE, "02000"), Compare(CODE, Op.LT, "02020")))
    for sort in (None, Sort(CODE), Sort(CODE, descending=True)):
        assert steps(Query(middle, sort, limit=20)) < MANY


def test_a_page_costs_the_same_wherever_in_a_range_it_begins(steps: Steps) -> None:
    everybody = And((Compare(CODE, Op.GE, "00000"), Compare(CODE, Op.LE, "99999")))
    for descending in (False, True):
        order = Sort(CODE, descending)
        first, deep = (
            steps(Query(everybody, order, limit=20, after=Place(key, key), total=False))
            for key in (("00010", "03900") if not descending else ("03990", "00100"))
        )
        assert deep < 1.2 * first


def test_a_page_costs_the_same_however_many_ids_come_before(steps: Steps) -> None:
    half = And((Compare(USER_NAME, Op.SW, "b"), Compare(ID, Op.LT, "99999")))
    first, deep = (steps(Query(half, limit=20, after=key, total=False)) for key in ("02000", "03900"))
    assert deep < 1.2 * first


def test_a_page_of_a_range_that_holds_nearly_all_is_read_and_not_collected(steps: Steps) -> None:
    nearly_all = Compare(CODE, Op.GE, "00100")
    for sort in (None, Sort(USER_NAME), Sort(USER_NAME, descending=True)):
        counted, page = (steps(Query(nearly_all, sort, limit=limit)) for limit in (0, 10))
        assert page < 1.2 * counted


def test_what_is_read_in_order_is_what_matches(steps: Steps) -> None:
    ranges: list[Filter] = [
        Compare(CODE, Op.GE, "00100"),
        And((Compare(CODE, Op.SW, "0"), Compare(USER_NAME, Op.CO, "1"))),
        Not(Compare(USER_NAME, Op.SW, "a1")),
        And((Present(CODE), Compare(ID, Op.GT, "00500"), Compare(USER_NAME, Op.LT, "b9"))),
    ]
    for one in ranges:
        for sort in (None, Sort(USER_NAME), Sort(CODE, descending=True)):
            pages: list[dict[str, Any]] = [{"offset": 30}, {"total": False}]
            for page in pages:
                steps(Query(one, sort, limit=7, **page))
        steps(Query(one, limit=7, after="02000", total=False))


def test_bounds_of_different_types_leave_nothing_between_them(steps: Steps) -> None:
    for sort in (None, Sort(CODE)):
        steps(Query(And((Compare(CODE, Op.GT, 4), Compare(CODE, Op.LT, "z"))), sort))


def test_reading_in_order_is_no_reason_to_refuse_what_keys_find(people: Path) -> None:
    connection = apsw.Connection(str(people))
    tables, _ = load(connection, SAMPLES)
    half = Query(Compare(USER_NAME, Op.SW, "b"), limit=10, total=False)
    found = Finder(Rows(connection, FakeClock()), 1_000).find(tables["people"], half)
    assert [record.id for record in found.records] == answer(half, PEOPLE)[0]
    connection.close()
