"""Searches come out right whichever way they are made: along an order, or by all that match."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from idp.query import And, Compare, Filter, Op, Or, Query, Sort
from idp.store import Insert, Store
from tests.support.clock import FakeClock
from tests.support.reference import answer
from tests.support.stores import ACTIVE, AGE, CODE, USER_NAME, opened


def person(n: int) -> dict[str, Any]:
    """Somebody; what is sought of them stands far from both ends of every order, close together, or everywhere."""
    code = "mid" if 1000 < n < 1200 else "end"
    return {"id": f"{n:04}", "userName": f"u{n}", "code": code, "age": n % 50, "active": n % 2 > 0}


PEOPLE = [person(n) for n in range(2000)]
MIDDLE: Filter = Compare(CODE, Op.EQ, "mid")
OLD: Filter = Compare(AGE, Op.GT, 45)
ODD: Filter = Compare(ACTIVE, Op.EQ, True)


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    """A store that holds all of them."""
    async for stores in opened(f"sqlite:{tmp_path / 'store.sqlite'}", clock):
        store = await stores.open()
        await store.commit([Insert("people", one) for one in PEOPLE])
        yield store


@pytest.mark.parametrize("sort", [None, Sort(AGE), Sort(AGE, True), Sort(USER_NAME), Sort(CODE, True)])
async def test_every_way_leads_to_the_same_page(store: Store, sort: Sort | None) -> None:
    pages: list[dict[str, Any]] = [{}, {"offset": 90, "limit": 20}, {"offset": 1990}, {"limit": 2000}]
    if sort is None:
        pages += [{"after": "1050"}, {"after": "1190", "total": False}]
    for wanted in (MIDDLE, OLD, ODD, And((MIDDLE, ODD)), And((ODD, OLD)), Or((MIDDLE, OLD))):
        for more in pages:
            query = Query(wanted, sort, **more)
            page = await store.find("people", query)
            ids, total = answer(query, PEOPLE)
            assert [record.id for record in page.records] == ids
            assert page.total == (total if query.total else None)
