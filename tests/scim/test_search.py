"""Lists: filtered, sorted, by pages, and asked for in a body."""

import json
from typing import Any

import pytest

from idp.config import Config
from idp.config.model import ScimSettings
from idp.schema import GROUP, USER
from idp.schema.urns import ENTERPRISE_USER
from idp.store import Store
from scim.endpoints import Limits
from scim.etag import tag
from tests.support.scim import Api


@pytest.fixture
async def people(api: Api) -> list[Any]:
    """Seven users, made a minute after each other, in no order of names."""
    made = []
    for name in ("delta", "Alpha", "charlie", "Golf", "bravo", "echo", "Foxtrot"):
        title = {"title": name[0].upper()} if name != "echo" else {}
        made.append(await api.user(userName=name, **title))
        api.behind.clock.advance(60)
    return made


def names(body: Any) -> list[str]:
    return [user["userName"] for user in body["Resources"]]


def ids(*bodies: Any) -> list[str]:
    return [resource["id"] for body in bodies for resource in body["Resources"]]


async def test_a_list_says_how_many_there_are_and_where_it_begins(api: Api, people: list[Any]) -> None:
    body = (await api.get("/Users")).body
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    assert (body["totalResults"], body["startIndex"], body["itemsPerPage"]) == (7, 1, 7)
    assert sorted(names(body)) == sorted(user["userName"] for user in people)
    assert (await api.get(f"/Users/{body['Resources'][0]['id']}")).body == body["Resources"][0]


async def test_pages_show_everybody_once(api: Api, people: list[Any]) -> None:
    seen: list[str] = []
    for start in (1, 4, 7, 10):
        body = (await api.get("/Users", startIndex=start, count=3)).body
        assert (body["totalResults"], body["startIndex"]) == (7, start)
        assert body["itemsPerPage"] == len(body["Resources"])
        seen += names(body)
    assert sorted(seen) == sorted(user["userName"] for user in people)


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(("count", "start"), [("0", "1"), ("-5", "0"), ("0", "-3")])
async def test_a_count_of_nothing_tells_the_total_alone(api: Api, count: str, start: str) -> None:
    body = (await api.get("/Users", count=count, startIndex=start)).body
    assert (body["totalResults"], body["startIndex"], body["Resources"]) == (7, 1, [])


async def test_a_page_is_never_larger_than_the_limit(open_api: Any, store: Store) -> None:
    api = await open_api(store, Config(scim=ScimSettings(default_count=2, max_results=3)))
    for _ in range(5):
        await api.user()
    assert len((await api.get("/Users")).body["Resources"]) == 2
    assert len((await api.get("/Users", count=100)).body["Resources"]) == 3
    assert (await api.get("/Users", count=10**30, startIndex=-(10**30))).body["itemsPerPage"] == 3
    assert (await api.get("/ServiceProviderConfig")).body["filter"] == {"supported": True, "maxResults": 3}


@pytest.mark.usefixtures("people")
async def test_lists_are_sorted_without_regard_to_case(api: Api) -> None:
    ascending = ["Alpha", "bravo", "charlie", "delta", "echo", "Foxtrot", "Golf"]
    assert names((await api.get("/Users", sortBy="userName")).body) == ascending
    assert names((await api.get("/Users", sortBy="USERNAME", sortOrder="descending")).body) == ascending[::-1]
    assert names((await api.get("/Users", sortBy="userName", startIndex=3, count=2)).body) == ascending[2:4]


@pytest.mark.usefixtures("people")
async def test_who_has_no_value_comes_last_ascending_and_first_descending(api: Api) -> None:
    assert names((await api.get("/Users", sortBy="title")).body)[-1] == "echo"
    assert names((await api.get("/Users", sortBy="title", sortOrder="descending")).body)[0] == "echo"


async def test_moments_are_sorted_and_compared_as_moments(api: Api, people: list[Any]) -> None:
    assert names((await api.get("/Users", sortBy="meta.created")).body) == [user["userName"] for user in people]
    third = people[2]["meta"]["created"].replace("Z", "+00:00")
    found = await api.found("/Users", f'meta.created gt "{third}"', sortBy="meta.created")
    assert [user["userName"] for user in found] == [user["userName"] for user in people[3:]]
    elsewhere = "2026-03-11T10:28:53.589+01:00"
    assert [user["userName"] for user in await api.found("/Users", f'meta.created eq "{elsewhere}"')] == ["charlie"]


async def test_a_complex_attribute_is_sorted_by_its_value(api: Api) -> None:
    for address in ("b@example.com", "c@example.com", "a@example.com"):
        await api.user(emails=[{"value": address}])
    found = (await api.get("/Users", sortBy="emails")).body["Resources"]
    assert [user["emails"][0]["value"][0] for user in found] == ["a", "b", "c"]


@pytest.mark.parametrize("sort_by", ["nosuch", "name", "password", "groups", "groups.display"])
async def test_a_list_cannot_be_sorted_by_everything(api: Api, sort_by: str) -> None:
    refused = await api.ask("GET", "/Users", sortBy=sort_by)
    assert (refused.status, refused.body["scimType"]) == (400, "invalidValue")
    assert "sortBy" in refused.body["detail"]


async def test_filters_find_what_they_say(api: Api) -> None:
    one = await api.user(displayName='a"b', emails=[{"value": "w@example.com", "type": "work"}], title="t1")
    two = await api.user(
        displayName="ab", emails=[{"value": "w@example.com", "type": "home"}], title="t2", active=False
    )
    for text, wanted in {
        f'userName eq "{one["userName"].upper()}"': [one],
        f'USERNAME EQ "{one["userName"]}"': [one],
        'displayName eq "a\\"b"': [one],
        'emails[type eq "work"].value eq "w@example.com"': [one],
        'emails[type eq "home" and value sw "W@"]': [two],
        'emails.value eq "w@example.com"': [one, two],
        f'userName eq "{one["userName"]}" or userName eq "{two["userName"]}" and title eq "nope"': [one],
        f'(userName eq "{one["userName"]}" or userName eq "{two["userName"]}") and title eq "nope"': [],
        "active eq false": [two],
        "not (active eq false)": [one],
        "title pr and not (title eq null)": [one, two],
        'title ge "T2"': [two],
        'schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"': [one, two],
        'meta.resourceType eq "User" and title co "1"': [one],
        'userName eq "nobody"': [],
    }.items():
        found = await api.found("/Users", text)
        assert sorted(user["id"] for user in found) == sorted(user["id"] for user in wanted), text


@pytest.mark.usefixtures("people")
async def test_a_search_can_be_posted(api: Api) -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": 'userName co "a"',
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 2,
        "count": 2,
        "attributes": ["userName"],
    }
    answer = await api.ask("POST", "/Users/.search", body)
    assert answer.status == 200
    assert answer.body["totalResults"] == 4
    assert names(answer.body) == ["charlie", "bravo"]
    assert set(answer.body["Resources"][0]) == {"schemas", "id", "userName"}


@pytest.mark.parametrize(
    "filter",
    ["", "userName eq", 'nosuch eq "x"', "active gt true", 'password eq "x"', "userName eq 'x'", '" or 1=1 --'],
)
async def test_an_unreadable_filter_finds_nobody_and_says_why(api: Api, filter: str) -> None:
    await api.user()
    refused = await api.ask("GET", "/Users", filter=filter)
    assert (refused.status, refused.body["scimType"]) == (400, "invalidFilter")
    assert "Resources" not in refused.body
    assert refused.body["detail"]


async def test_a_page_of_large_groups_is_cut_short_and_nothing_is_lost(open_api: Any, store: Store) -> None:
    api = await open_api(store, limits=Limits(default_count=100, max_results=100, max_members=10))
    people = [await api.user(userName=f"u{n}") for n in range(3)]
    groups = [(await api.group(*people))["id"] for _ in range(12)]
    for path, total in (("/Groups/.search", 12), ("/.search", 15)):
        seen: list[Any] = []
        pages = 0
        while len(seen) < total:
            page = (await api.ask("POST", path, {"startIndex": len(seen) + 1})).body
            assert (page["totalResults"], page["itemsPerPage"]) == (total, len(page["Resources"]))
            seen += page["Resources"]
            pages += 1
        assert pages == 2
        assert sorted(each["id"] for each in seen if "members" in each) == sorted(groups)
        assert all(len(each["members"]) == 3 for each in seen if "members" in each)
    assert len((await api.get("/Groups", excludedAttributes="members")).body["Resources"]) == 12


@pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
async def test_a_resource_is_found_and_sorted_by_its_location(api: Api) -> None:
    users, group = [await api.user() for _ in range(3)], await api.group()
    where = users[1]["meta"]["location"]
    assert await api.found("/Users", f'meta.location eq "{where}"') == [users[1]]
    assert await api.found("/Groups", f'meta.location eq "{where}"') == []
    assert await api.found("/", f'META.Location eq "{where}" or meta.location co "/Groups/"') == [users[1], group]
    backwards = await api.found("/Users", "meta.location pr", sortBy="meta.location", sortOrder="descending")
    assert [user["id"] for user in backwards] == sorted((user["id"] for user in users), reverse=True)


@pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
async def test_resources_are_sorted_by_how_often_they_have_changed(api: Api) -> None:
    first, second, third = [await api.user() for _ in range(3)]
    group = await api.group(first, second, third)
    changes = {first["id"]: 10, third["id"]: 9}
    for id_, count in changes.items():
        for number in range(count - 1):
            await api.patch(f"/Users/{id_}", {"op": "add", "path": "title", "value": f"t{number}"})
    await api.patch(f"/Groups/{group['id']}", {"op": "remove", "path": "members"})
    # As numbers, not as the text of the tags.
    order = [second["id"], third["id"], first["id"]]
    for asked in ({}, {"filter": "title pr or active eq true"}):
        query = {"sortBy": "meta.version", **asked}
        assert ids((await api.get("/Users", **query)).body) == order
        pages = [(await api.get("/Users", cursor="", count=1, **query)).body]
        while "nextCursor" in pages[-1]:
            pages.append((await api.get("/Users", cursor=pages[-1]["nextCursor"], count=1, **query)).body)
        assert ids(*pages) == order
    merged = (await api.get("/", sortBy="META.Version", sortOrder="descending")).body
    assert ids(merged) == [first["id"], third["id"], group["id"], second["id"]]


@pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
async def test_a_resource_is_found_by_what_is_worked_out_for_it(api: Api) -> None:
    boss = await api.user()
    ada = await api.user(**{ENTERPRISE_USER: {"manager": {"value": boss["id"]}}})
    crew = await api.group(ada)
    above = await api.group(boss, members=[{"value": boss["id"]}, {"value": crew["id"]}])
    await api.patch(f"/Users/{boss['id']}", {"op": "add", "path": "title", "value": "Dr"})
    boss, ada = [(await api.get(f"/Users/{one['id']}")).body for one in (boss, ada)]
    where = {name: one["meta"]["location"] for name, one in {"boss": boss, "ada": ada, "crew": crew}.items()}
    asked = {
        f"meta.version eq {json.dumps(boss['meta']['version'])}": ["boss"],
        f"meta.version ne {json.dumps(tag(2))}": ["ada"],
        f'id eq "{ada["id"]}" and meta[version eq {json.dumps(tag(1))} and location pr]': ["ada"],
        'meta.version eq "2"': [],
        f'{ENTERPRISE_USER}:manager.$ref eq "{where["boss"]}"': ["ada"],
        f"{ENTERPRISE_USER}:manager[$ref pr]": ["ada"],
        f'groups.$ref eq "{where["crew"]}"': ["ada"],
        f'groups[$ref eq "{above["meta"]["location"]}" and type eq "indirect"]': ["ada"],
        'groups.$ref co "/Groups/"': ["ada", "boss"],
        f'not (groups.$ref eq "{where["crew"]}")': ["boss"],
    }
    people = {ada["id"]: "ada", boss["id"]: "boss"}
    for text, wanted in asked.items():
        assert sorted(people[one["id"]] for one in await api.found("/Users", text)) == wanted, text
    led_first = (await api.get("/Users", sortBy=f"{ENTERPRISE_USER}:manager.$ref")).body
    assert ids(led_first) == [ada["id"], boss["id"]]
    groups = {crew["id"]: "crew", above["id"]: "above"}
    asked = {
        f'members.$ref eq "{where["ada"]}"': ["crew"],
        'members.$ref co "/Groups/"': ["above"],
        f'members[$ref eq "{where["crew"]}" and type eq "User"]': [],
        f'members.$ref ne "{where["boss"]}"': ["crew"],
        "members.$ref pr": ["above", "crew"],
    }
    for text, wanted in asked.items():
        assert sorted(groups[one["id"]] for one in await api.found("/Groups", text)) == wanted, text


async def test_a_list_shows_of_a_resource_what_a_read_of_it_shows_whatever_is_asked_for(api: Api) -> None:
    boss = await api.user()
    manager = {"department": "Art", "manager": {"value": boss["id"]}}
    name, emails = {"familyName": "Bo"}, [{"value": "b@x.example", "type": "work"}]
    user = await api.user(title="Dr", name=name, emails=emails, **{ENTERPRISE_USER: manager})
    for path, kind, id_ in (("/Users", USER, user["id"]), ("/Groups", GROUP, (await api.group(user))["id"])):
        names = [".".join(target.keys) for target in kind.targets()]
        asked = [{parameter: name} for name in names for parameter in ("attributes", "excludedAttributes")]
        for query in ({}, *asked):
            listed = (await api.get(path, **query)).body["Resources"]
            assert (await api.get(f"{path}/{id_}", **query)).body in listed, query
