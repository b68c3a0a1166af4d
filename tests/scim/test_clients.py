"""What provisioning services really send, one conversation each, on both kinds of store."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from idp.schema.urns import ENTERPRISE_USER, GROUP, USER
from idp.store.collections import collections
from tests.support.clock import FakeClock
from tests.support.scim import Api
from tests.support.stores import Stores, opened, url_of

MICROSOFT_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


@pytest.fixture(params=["sqlite", "pymongo"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Stores]:
    """What opens an empty store of either kind."""
    async for one in opened(url_of(request.param, request, tmp_path), clock):
        yield one


@pytest.fixture
async def api(open_api: Any, stores: Stores) -> Api:
    """SCIM over that store."""
    api: Api = await open_api(await stores.open(collections()))
    return api


ENTRA_PERSON: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE_USER],
    "externalId": "anna.adler",
    "userName": "Anna.Adler@example.com",
    "active": "True",
    "addresses": [{"type": "work", "primary": False, "formatted": "Spandauer Damm 1"}],
    "emails": [{"primary": True, "type": "work", "value": "anna.adler@example.com"}],
    "meta": {"resourceType": "User"},
    "name": {"familyName": "Adler", "givenName": "Anna", "formatted": None},
    "title": None,
    "roles": [],
}


async def test_entra_id_provisions_a_person(api: Api) -> None:
    assert (await api.found("/Users", f'userName eq "{uuid4()}"')) == []
    boss = await api.user()
    extended = {ENTERPRISE_USER: {"department": "Legal", "manager": boss["id"]}}
    made = await api.post("/Users", ENTRA_PERSON | extended)
    assert made.body["active"] is True
    assert made.body[ENTERPRISE_USER]["manager"]["value"] == boss["id"]
    assert not {"title", "roles"} & made.body.keys()
    [found] = await api.found("/Users", 'userName eq "anna.adler@EXAMPLE.com"')
    assert found == made.body


async def test_entra_id_changes_and_removes_a_person(api: Api) -> None:
    boss = await api.user()
    extended = {ENTERPRISE_USER: {"department": "Legal", "manager": boss["id"]}}
    made = await api.post("/Users", ENTRA_PERSON | extended)
    path = f"/Users/{made.body['id']}"
    shown = await api.patched(
        path,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "anna.baum@example.com"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+49 30 1"},
        {"op": "Add", "path": 'addresses[type eq "work"].Locality', "value": "Berlin"},
        {"op": "Replace", "path": "name.familyName", "value": "Baum"},
        {"op": "Replace", "path": f"{ENTERPRISE_USER}:department", "value": "Sales"},
        {"op": "Remove", "path": f"{ENTERPRISE_USER}:manager"},
    )
    assert shown["emails"] == [{"primary": True, "type": "work", "value": "anna.baum@example.com"}]
    assert shown["phoneNumbers"] == [{"type": "mobile", "value": "+49 30 1"}]
    assert shown["addresses"][0]["locality"] == "Berlin"
    assert shown["name"] == {"familyName": "Baum", "givenName": "Anna"}
    assert shown[ENTERPRISE_USER] == {"department": "Sales"}

    shown = await api.patched(path, {"op": "Replace", "path": "active", "value": "False"})
    assert shown["active"] is False
    assert (await api.ask("DELETE", path)).status == 204


async def test_entra_id_provisions_a_group(api: Api) -> None:
    people = [await api.user() for _ in range(3)]
    made = await api.post(
        "/Groups",
        {
            "schemas": [GROUP, MICROSOFT_GROUP],
            "externalId": "8aa1a0c0",
            "displayName": "Legal",
            "meta": {"resourceType": "Group"},
        },
    )
    path = f"/Groups/{made.body['id']}"
    [found] = await api.found("/Groups", 'displayName eq "Legal"', excludedAttributes="members")
    assert found["id"] == made.body["id"]
    for person in people:
        added = await api.patch(path, {"op": "Add", "path": "members", "value": [{"value": person["id"]}]})
        assert (added.status, added.body) == (204, None)
    await api.patched(path, {"op": "Remove", "path": "members", "value": [{"value": people[0]["id"]}]})
    membership = f'id eq "{made.body["id"]}" and members eq "{people[0]["id"]}"'
    assert await api.found("/Groups", membership) == []
    membership = f'id eq "{made.body["id"]}" and members eq "{people[1]["id"]}"'
    assert len(await api.found("/Groups", membership, attributes="id")) == 1


async def test_okta_provisions_a_person_and_pushes_a_group(api: Api) -> None:
    body = (await api.get("/Users", filter='userName eq "bert@example.com"', startIndex=1, count=100)).body
    assert (body["totalResults"], body["Resources"]) == (0, [])
    profile: dict[str, Any] = {
        "schemas": [USER],
        "userName": "bert@example.com",
        "name": {"givenName": "Bert", "familyName": "Brandt"},
        "emails": [{"primary": True, "value": "bert@example.com", "type": "work"}],
        "displayName": "Bert Brandt",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }
    bert = (await api.post("/Users", profile)).body
    del profile["password"]
    put = await api.ask("PUT", f"/Users/{bert['id']}", bert | profile | {"title": "Clerk"})
    assert (put.status, put.body["title"]) == (200, "Clerk")
    off = await api.patch(f"/Users/{bert['id']}", {"op": "replace", "value": {"active": False}})
    assert (off.status, off.body["active"]) == (200, False)

    group = (await api.post("/Groups", {"schemas": [GROUP], "displayName": "Clerks", "members": []})).body
    path = f"/Groups/{group['id']}"
    renamed = await api.patched(path, {"op": "replace", "value": {"id": group["id"], "displayName": "All clerks"}})
    assert renamed["displayName"] == "All clerks"
    members = [{"value": bert["id"], "display": "bert@example.com"}]
    assert len((await api.patched(path, {"op": "add", "path": "members", "value": members}))["members"]) == 1
    gone = await api.patched(path, {"op": "remove", "path": f'members[value eq "{bert["id"]}"]'})
    assert "members" not in gone
    put = await api.ask("PUT", path, {"schemas": [GROUP], "displayName": "Clerks", "members": members})
    assert [member["value"] for member in put.body["members"]] == [bert["id"]]


async def test_onelogin_provisions_a_person_in_the_words_of_the_first_scim(api: Api) -> None:
    clara = await api.user(userName="clara", title="t")
    old = ["urn:scim:schemas:core:1.0", "urn:scim:schemas:extension:enterprise:1.0"]
    put = await api.ask(
        "PUT", f"/Users/{clara['id']}?", {"schemas": old, "userName": "clara", "name": {"givenName": "C"}}
    )
    assert (put.status, put.body["name"], "title" in put.body) == (200, {"givenName": "C"}, False)
    answer = await api.ask("GET", "/Users?filter=userName%20eq%20%22clara%22&")
    assert answer.body["totalResults"] == 1


async def test_a_sync_that_pages_through_everybody_sees_each_once(api: Api) -> None:
    made = {(await api.user(userName=f"person{number:02}"))["id"] for number in range(25)}
    seen: list[str] = []
    while len(seen) < 25:
        page = (await api.get("/Users", startIndex=len(seen) + 1, count=10, sortBy="userName", attributes="id")).body
        assert page["totalResults"] == 25
        seen += [user["id"] for user in page["Resources"]]
    assert set(seen) == made
    found = await api.found("/Users", 'userName sw "PERSON1" and not (userName ew "5")', sortBy="userName")
    assert [user["userName"][-1] for user in found] == list("012346789")
