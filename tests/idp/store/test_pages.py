"""Everything that matches is read, page by page."""

import pytest

from idp.query import Compare, Op
from idp.store import Insert, Store
from idp.store.pages import PAGE, every, pages
from tests.support.stores import CODE

MINE = Compare(CODE, Op.EQ, "mine")


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (3, [2, 1]), (4, [2, 2, 0])])
async def test_what_matches_comes_once_in_the_order_of_ids(store: Store, count: int, sizes: list[int]) -> None:
    people = [{"id": f"p{number}", "code": "mine"} for number in range(count)]
    await store.commit([Insert("people", person) for person in [*people, {"id": "q", "code": "theirs"}]])
    found = [page async for page in pages(store, "people", MINE, 2)]
    assert [len(page) for page in found] == sizes
    assert [record.id for page in found for record in page] == [person["id"] for person in people]
    rest = [record.id async for page in pages(store, "people", MINE, 2, "p0") for record in page]
    assert rest == [person["id"] for person in people[1:]]


async def test_one_record_after_another(store: Store) -> None:
    ids = [f"p{number:04}" for number in range(PAGE + 1)]
    await store.commit([Insert("people", {"id": one, "code": "mine"}) for one in ids])
    assert [record.id async for record in every(store, "people", MINE)] == ids
