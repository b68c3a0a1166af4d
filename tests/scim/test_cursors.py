"""Cursor paging (RFC 9865): pages that nothing shifts, cursors that fit one list, one client and one hour."""

import re
from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR
from idp.config import Config
from idp.config.model import ScimSettings
from idp.store import Store
from scim.endpoints import Limits
from tests.scim.conftest import OpenApi
from tests.support.scim import Answer, Api

NAMES = ["delta", "Alpha", "charlie", "Golf", "bravo", "echo", "Foxtrot"]


@pytest.fixture
async def people(api: Api) -> list[Any]:
    """Seven users; one has no title, and two have the same."""
    titles = {"delta": "x", "Alpha": "x", "charlie": "y", "Golf": "Z", "bravo": "a", "Foxtrot": "m"}
    return [await api.user(userName=name, **({"title": titles[name]} if name in titles else {})) for name in NAMES]


async def walked(api: Api, path: str = "/Users", link: str = "nextCursor", cursor: str = "", **query: Any) -> list[Any]:
    """Return every page from a cursor on."""
    pages = []
    while True:
        pages.append((await api.get(path, cursor=cursor, **query)).body)
        if link not in pages[-1]:
            return pages
        cursor = pages[-1][link]


def ids(pages: list[Any]) -> list[str]:
    return [resource["id"] for page in pages for resource in page["Resources"]]


def is_refused(answer: Answer, scim_type: str) -> bool:
    return (answer.status, answer.body["scimType"]) == (400, scim_type)


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sortBy": "userName"},
        {"sortBy": "userName", "sortOrder": "descending"},
        {"sortBy": "title"},
        {"sortBy": "title", "sortOrder": "descending"},
        {"sortBy": "meta.created", "filter": "title pr"},
        {"sortBy": "active"},
        {"filter": 'userName co "a"'},
    ],
)
@pytest.mark.parametrize("count", [1, 3, 7])
async def test_pages_show_what_the_whole_list_shows_there_and_back(api: Api, query: dict[str, str], count: int) -> None:
    whole = (await api.get("/Users", **query)).body
    there = await walked(api, count=count, **query)
    assert ids(there) == ids([whole])
    assert all(page["totalResults"] == whole["totalResults"] for page in there)
    assert all(page["itemsPerPage"] == len(page["Resources"]) <= count for page in there)
    assert "previousCursor" not in there[0]
    assert not any("startIndex" in page for page in there)
    if len(there) > 1:
        back = await walked(api, link="previousCursor", cursor=there[-1]["previousCursor"], count=count, **query)
        assert ids(back[::-1]) == ids(there[:-1])
        assert (await api.get("/Users", cursor=back[-1]["nextCursor"], count=count, **query)).body["Resources"] == (
            there[1]["Resources"]
        )


async def test_what_comes_and_goes_meanwhile_shifts_nothing(api: Api, people: list[Any]) -> None:
    first = (await api.get("/Users", cursor="", count=3, sortBy="userName")).body
    assert [one["userName"] for one in first["Resources"]] == ["Alpha", "bravo", "charlie"]
    by_name = {one["userName"]: one["id"] for one in people}
    await api.user(userName="Aaron")
    for gone in ("charlie", "delta"):
        await api.ask("DELETE", f"/Users/{by_name[gone]}")
    rest = await walked(api, cursor=first["nextCursor"], count=3, sortBy="userName")
    assert [one["userName"] for page in rest for one in page["Resources"]] == ["echo", "Foxtrot", "Golf"]
    before = (await api.get("/Users", cursor=rest[0]["previousCursor"], count=9, sortBy="userName")).body
    assert [one["userName"] for one in before["Resources"]] == ["Aaron", "Alpha", "bravo"]


@pytest.mark.usefixtures("people")
async def test_a_cursor_fits_the_list_it_was_made_for_alone(api: Api) -> None:
    asked: dict[str, Any] = {"filter": "title pr", "sortBy": "userName", "count": "2"}
    cursor = (await api.get("/Users", cursor="", **asked)).body["nextCursor"]
    changed: list[dict[str, str]] = [{"filter": 'title eq "x"'}, {"sortBy": "title"}, {"sortOrder": "descending"}]
    for other in changed:
        assert is_refused(await api.ask("GET", "/Users", **asked | other | {"cursor": cursor}), "invalidCursor")
    assert is_refused(await api.ask("GET", "/Groups", filter="id pr", cursor=cursor), "invalidCursor")
    own = api.token
    _, api.token = await api.behind.clients.create(SYSTEM_ACTOR("test"), "another")
    assert is_refused(await api.ask("GET", "/Users", **asked, cursor=cursor), "invalidCursor")
    api.token = own
    assert (await api.get("/Users", **asked | {"count": "5"}, cursor=cursor, attributes="title")).body["Resources"]


@pytest.mark.usefixtures("people")
async def test_a_cursor_that_was_tampered_with_is_refused(api: Api) -> None:
    cursor = (await api.get("/Users", cursor="", count=2)).body["nextCursor"]
    assert cursor.replace(".", "").replace("-", "").replace("_", "").isalnum()
    for forged in (cursor.upper(), cursor[:-1], f"{cursor}xxxx", cursor[9:], "1", "é", "\0", "x" * 12_001):
        body = {"cursor": forged, "count": 2}
        assert is_refused(await api.ask("POST", "/Users/.search", body), "invalidCursor")


async def test_a_cursor_expires(open_api: OpenApi, store: Store) -> None:
    api = await open_api(store, Config(scim=ScimSettings(cursor_timeout=60)))
    for _ in range(3):
        await api.user()
    pagination = (await api.get("/ServiceProviderConfig")).body["pagination"]
    assert (pagination["cursor"], pagination["cursorTimeout"]) == (True, 60)
    cursor = (await api.get("/Users", cursor="", count=1)).body["nextCursor"]
    api.behind.clock.advance(59)
    assert (await api.get("/Users", cursor=cursor, count=1)).body["Resources"]
    api.behind.clock.advance(1)
    assert is_refused(await api.ask("GET", "/Users", cursor=cursor, count=1), "expiredCursor")


async def test_a_count_that_is_none_or_too_large_has_an_error_of_its_own(open_api: OpenApi, store: Store) -> None:
    api = await open_api(store, limits=Limits(default_count=1, max_results=2))
    for _ in range(3):
        await api.user()
    for path in ("/Users", "/"):
        for count in ("3", "many", "1.5", str(2**70)):
            assert is_refused(await api.ask("GET", path, cursor="", count=count), "invalidCount"), (path, count)
        assert len((await api.get(path, cursor="", count=2)).body["Resources"]) == 2
    too_many = await api.ask("POST", "/Users/.search", {"cursor": "", "count": 3})
    assert is_refused(too_many, "invalidCount")
    assert "at most 2" in too_many.body["detail"]


@pytest.mark.usefixtures("people")
async def test_a_count_of_nothing_tells_the_total_alone_by_cursors_too(api: Api) -> None:
    for count in (0, -1):
        page = (await api.get("/Users", cursor="", count=count)).body
        assert (page["totalResults"], page["itemsPerPage"], page["Resources"]) == (7, 0, [])


async def test_the_first_page_is_asked_for_with_or_without_a_sign_of_equality(api: Api) -> None:
    first, second = await api.user(), await api.user()
    bare = await api.get("/Users?cursor&count=1")
    assert ids([bare.body]) == ids([(await api.get("/Users", cursor="", count=1)).body])
    assert "startIndex" not in bare.body
    # RFC 9865 section 2: nothing in a cursor needs escaping in a URI.
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", bare.body["nextCursor"])
    rest = await api.get(f"/Users?cursor={bare.body['nextCursor']}&count=1")
    assert {first["id"], second["id"]} == set(ids([bare.body, rest.body]))


@pytest.mark.usefixtures("people")
async def test_a_posted_search_is_paged_by_cursors_too(api: Api) -> None:
    first = await api.ask("POST", "/Users/.search", {"cursor": "", "count": 4, "sortBy": "userName"})
    body = {"cursor": first.body["nextCursor"], "count": 4, "sortBy": "userName"}
    second = await api.ask("POST", "/Users/.search", body)
    assert ids([first.body, second.body]) == ids([(await api.get("/Users", sortBy="userName")).body])


async def test_large_groups_cut_a_page_short_and_nothing_is_lost(open_api: OpenApi, store: Store) -> None:
    api = await open_api(store, limits=Limits(100, 100, max_members=2))
    members = [await api.user() for _ in range(3)]
    made = [await api.group(*members) for _ in range(20)]
    pages = await walked(api, "/Groups", count=10)
    assert [len(page["Resources"]) for page in pages] == [8, 8, 4]
    assert ids(pages) == sorted(one["id"] for one in made)
    back = await walked(api, "/Groups", link="previousCursor", cursor=pages[-1]["previousCursor"], count=10)
    assert set(ids(back)) <= {one["id"] for one in made}


@pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
async def test_both_stores_go_through_a_list_alike(api: Api) -> None:
    for number in range(6):
        await api.user(displayName=f"n{number % 2}", **({"title": "t"} if number % 3 else {}))
    for sort in ("displayName", "title", "userName", "active"):
        for order in ("ascending", "descending"):
            query = {"sortBy": sort, "sortOrder": order}
            assert ids(await walked(api, count=2, **query)) == ids([(await api.get("/Users", **query)).body])
