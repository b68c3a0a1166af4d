"""Lists from the root, over all resource types: `GET /` and `POST /.search`."""

from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR
from idp.store import Store
from scim.endpoints import Limits
from scim.root_search import MOST_MERGED
from tests.scim.conftest import OpenApi
from tests.support.scim import Api


@pytest.fixture
async def everything(api: Api) -> tuple[list[Any], list[Any]]:
    """Three users and three groups, whose names alternate."""
    people = [await api.user(userName=f"u{n}", displayName=f"name {2 * n}") for n in range(3)]
    return people, [await api.group(people[0], displayName=f"Name {2 * n + 1}") for n in range(3)]


def ids(*bodies: Any) -> list[str]:
    return [resource["id"] for body in bodies for resource in body["Resources"]]


def named(resources: list[Any]) -> list[str]:
    return [resource["id"] for resource in sorted(resources, key=lambda one: str(one["displayName"].lower()))]


async def pages(api: Api, link: str = "nextCursor", cursor: str = "", **query: Any) -> list[Any]:
    found = []
    while True:
        found.append((await api.get("/", cursor=cursor, **query)).body)
        if link not in found[-1]:
            return found
        cursor = found[-1][link]


async def test_the_root_lists_every_type_one_after_the_other(api: Api, everything: Any) -> None:
    people, groups = everything
    order = [*sorted(one["id"] for one in people), *sorted(one["id"] for one in groups)]
    for path in ("/", ""):
        body = (await api.get(path)).body
        assert (ids(body), body["totalResults"], body["itemsPerPage"]) == (order, 6, 6)
    found = [(await api.get("/", startIndex=start, count=2)).body for start in (1, 3, 5, 7)]
    assert [ids(body) for body in found] == [order[:2], order[2:4], order[4:], []]
    assert {body["totalResults"] for body in found} == {6}
    searched = (await api.ask("POST", "/.search", {"startIndex": 2, "count": 3})).body
    assert (ids(searched), searched["startIndex"]) == (order[1:4], 2)


@pytest.mark.parametrize("count", [1, 2, 4, 6])
@pytest.mark.parametrize("order", [{}, {"sortBy": "displayName"}, {"sortBy": "displayName", "sortOrder": "descending"}])
@pytest.mark.usefixtures("everything")
async def test_cursors_go_through_all_types_there_and_back(api: Api, count: int, order: dict[str, Any]) -> None:
    whole = (await api.get("/", **order)).body
    there = await pages(api, count=count, **order)
    assert ids(*there) == ids(whole)
    assert {body["totalResults"] for body in there} == {6}
    if len(there) > 1:
        back = await pages(api, link="previousCursor", cursor=there[-1]["previousCursor"], count=count, **order)
        assert ids(*back[::-1]) == ids(*there[:-1])


async def test_a_sorted_list_merges_the_types(api: Api, everything: Any) -> None:
    people, groups = everything
    order = named([*people, *groups])
    assert ids((await api.get("/", sortBy="displayName")).body) == order
    assert ids((await api.get("/", sortBy="displayName", sortOrder="descending")).body) == order[::-1]
    found = [(await api.get("/", sortBy="displayName", startIndex=start, count=4)).body for start in (1, 5, 9)]
    assert [ids(body) for body in found] == [order[:4], order[4:], []]


async def test_the_order_of_locations_goes_through_all_types(api: Api, everything: Any) -> None:
    people, groups = everything
    by_location = sorted((*people, *groups), key=lambda one: str(one["meta"]["location"]))
    order = [one["id"] for one in by_location]
    assert ids((await api.get("/", sortBy="meta.location")).body) == order
    backwards = {"sortBy": "Meta.Location", "sortOrder": "descending"}
    assert ids((await api.get("/", startIndex=3, count=3, **backwards)).body) == order[::-1][2:5]
    there = await pages(api, count=2, **backwards)
    assert ids(*there) == order[::-1]
    back = await pages(api, link="previousCursor", cursor=there[-1]["previousCursor"], count=2, **backwards)
    assert ids(*back[::-1]) == ids(*there[:-1])


async def test_a_type_that_lacks_the_attribute_to_sort_by_comes_last(api: Api, everything: Any) -> None:
    people, groups = everything
    body = (await api.get("/", sortBy="userName")).body
    assert ids(body) == [one["id"] for one in people] + sorted(one["id"] for one in groups)
    refused = await api.ask("GET", "/", sortBy="members")
    assert (refused.status, refused.body["scimType"]) == (400, "invalidValue")


async def test_a_type_that_lacks_an_attribute_of_the_filter_has_no_match(api: Api, everything: Any) -> None:
    people, groups = everything
    body = (await api.get("/", filter='userName sw "U"', sortBy="userName")).body
    assert (ids(body), body["totalResults"]) == ([one["id"] for one in people], 3)
    assert ids((await api.get("/", filter=f'id eq "{groups[1]["id"]}"')).body) == [groups[1]["id"]]
    groups_only = (await api.get("/", filter='meta.resourceType eq "Group"', count=1)).body
    assert (groups_only["totalResults"], len(groups_only["Resources"])) == (3, 1)
    refused = await api.ask("GET", "/", filter="nosuch pr")
    assert (refused.status, refused.body["scimType"]) == (400, "invalidFilter")


async def test_the_root_shows_what_the_client_may_read(api: Api) -> None:
    await api.user()
    group = await api.group()
    _, api.token = await api.behind.clients.create(SYSTEM_ACTOR("test"), "narrow", ["groups:read"])
    body = (await api.get("/")).body
    assert (body["totalResults"], ids(body)) == (1, [group["id"]])
    _, api.token = await api.behind.clients.create(SYSTEM_ACTOR("test"), "none", ["groups:write"])
    assert (await api.ask("GET", "/")).status == 403


async def test_a_sorted_list_is_not_gone_through_by_index_for_ever(api: Api) -> None:
    assert (await api.get("/", sortBy="id", startIndex=MOST_MERGED)).body["Resources"] == []
    refused = await api.ask("GET", "/", sortBy="id", startIndex=MOST_MERGED + 2)
    assert (refused.status, refused.body["scimType"]) == (400, "tooMany")


async def test_large_groups_cut_a_page_short_and_nothing_is_lost(open_api: OpenApi, store: Store) -> None:
    api = await open_api(store, limits=Limits(100, 100, max_members=2))
    members = [await api.user(displayName=f"n{n}") for n in range(3)]
    made = [await api.group(*members, displayName=f"n{n}") for n in range(12)]
    for order in ({}, {"sortBy": "displayName"}):
        found = await pages(api, count=50, **order)
        assert len(found) > 1
        assert sorted(ids(*found)) == sorted(one["id"] for one in (*members, *made))
