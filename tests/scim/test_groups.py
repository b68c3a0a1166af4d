"""Groups over SCIM, and their members."""

import asyncio
from typing import Any

import pytest

from idp.store import Store
from tests.scim.conftest import OpenApi
from tests.support.faulty_store import FaultyStore
from tests.support.scim import Api

BASE = "http://127.0.0.1:8080/scim/v2"


def members(group: Any) -> list[str]:
    return sorted(member["value"] for member in group.get("members", []))


def ids(*resources: Any) -> list[str]:
    return sorted(resource["id"] for resource in resources)


def values(*resources: Any) -> list[dict[str, str]]:
    return [{"value": resource["id"]} for resource in resources]


async def test_a_group_shows_its_members_with_type_and_reference(api: Api) -> None:
    anna, inner = await api.user(), await api.group()
    group = await api.group(anna, inner)
    shown = (await api.get(f"/Groups/{group['id']}")).body
    assert shown == group
    assert sorted(shown["members"], key=lambda member: str(member["type"])) == [
        {"value": inner["id"], "type": "Group", "$ref": f"{BASE}/Groups/{inner['id']}"},
        {"value": anna["id"], "type": "User", "$ref": f"{BASE}/Users/{anna['id']}"},
    ]


@pytest.mark.parametrize("attributes", ["members", "members.display,members.value"])
async def test_members_are_named_where_that_is_asked_for(api: Api, attributes: str) -> None:
    anna, inner = await api.user(displayName="Anna"), await api.group(displayName="inner")
    group = await api.group(anna, inner)
    for shown in (
        (await api.get(f"/Groups/{group['id']}", attributes=attributes)).body,
        (await api.found("/Groups", f'id eq "{group["id"]}"', attributes=attributes))[0],
    ):
        assert {member["value"]: member["display"] for member in shown["members"]} == {
            anna["id"]: "Anna",
            inner["id"]: "inner",
        }


async def test_a_group_without_members_has_no_such_attribute(api: Api) -> None:
    assert "members" not in await api.group()


async def test_members_are_added_and_taken_away(api: Api) -> None:
    a, b, c = await api.user(), await api.user(), await api.user()
    group = await api.group(a)
    path = f"/Groups/{group['id']}"
    added = await api.patched(path, {"op": "add", "path": "members", "value": values(a, b, c)})
    assert members(added) == ids(a, b, c)
    left = await api.patched(path, {"op": "remove", "path": f'members[value eq "{b["id"]}"]'})
    assert members(left) == ids(a, c)
    left = await api.patched(path, {"op": "Remove", "path": "members", "value": values(a)})
    assert members(left) == ids(c)
    replaced = await api.patched(path, {"op": "replace", "path": "members", "value": values(a, b)})
    assert members(replaced) == ids(a, b)
    assert members(await api.patched(path, {"op": "remove", "path": "members"})) == []


async def test_several_operations_are_carried_out_in_their_order(api: Api) -> None:
    a, b = await api.user(), await api.user()
    group = await api.group(a)
    shown = await api.patched(
        f"/Groups/{group['id']}",
        {"op": "add", "path": "members", "value": values(b)},
        {"op": "replace", "path": "displayName", "value": "renamed"},
        {"op": "remove", "path": f'members[value eq "{b["id"]}"]'},
        {"op": "remove", "path": f'members[value eq "{a["id"]}"]'},
        {"op": "add", "path": "members", "value": {"value": b["id"]}},
    )
    assert (shown["displayName"], members(shown)) == ("renamed", ids(b))


async def test_members_are_taken_away_by_what_they_are(api: Api) -> None:
    anna, bert, inner = await api.user(displayName="Anna"), await api.user(displayName="Bert"), await api.group()
    group = await api.group(anna, bert, inner)
    path = f"/Groups/{group['id']}"
    assert members(await api.patched(path, {"op": "remove", "path": 'members[type eq "Group"]'})) == ids(anna, bert)
    assert members(await api.patched(path, {"op": "remove", "path": 'members[display sw "an"]'})) == ids(bert)
    assert members(await api.patched(path, {"op": "remove", "path": 'members[display sw "an"]'})) == ids(bert)


@pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
async def test_members_are_taken_away_by_reference(open_api: OpenApi, store: Store) -> None:
    counting = FaultyStore(store, verbs=frozenset({"find"}))
    api = await open_api(counting)
    anna, bert, inner = await api.user(), await api.user(), await api.group()
    group = await api.group(anna, bert, inner)
    path, where = f"/Groups/{group['id']}", [one["meta"]["location"] for one in (anna, bert, inner)]
    before = counting.calls
    for target, status in {where[0]: 204, f"{where[1]}x": 204, where[2].replace("Groups", "Users"): 204}.items():
        answer = await api.patch(path, {"op": "remove", "path": f'members[$ref eq "{target}"]'})
        assert answer.status == status
    # Only those who are named are looked at, however many there are.
    assert counting.calls == before
    shown = (await api.get(path)).body
    assert (members(shown), shown["meta"]["version"]) == (ids(bert, inner), 'W/"2"')
    replaced = {"op": "replace", "path": f'members[$ref eq "{where[1]}"]', "value": {"value": anna["id"]}}
    assert members(await api.patched(path, replaced)) == ids(anna, inner)
    everyone = {"op": "remove", "path": 'members[$ref co "/Users/"]'}
    assert members(await api.patched(path, everyone)) == ids(inner)


async def test_patch_answers_without_a_body_unless_attributes_are_asked_for(api: Api) -> None:
    anna, group = await api.user(), await api.group()
    operation = {"op": "add", "path": "members", "value": values(anna)}
    silent = await api.patch(f"/Groups/{group['id']}", operation)
    assert (silent.status, silent.body, silent.etag) == (204, None, 'W/"2"')
    told = await api.patch(f"/Groups/{group['id']}", operation, attributes="members.value,displayName")
    assert told.status == 200
    assert told.body == {
        "schemas": group["schemas"],
        "id": group["id"],
        "displayName": group["displayName"],
        "members": [{"value": anna["id"]}],
    }
    slim = await api.patch(f"/Groups/{group['id']}", operation, excludedAttributes="members")
    assert slim.status == 200
    assert "members" not in slim.body


async def test_an_operation_that_changes_nobody_changes_no_version(api: Api) -> None:
    anna, bert = await api.user(), await api.user()
    group = await api.group(anna)
    for operation in (
        {"op": "add", "path": "members", "value": values(anna)},
        {"op": "remove", "path": "members", "value": values(bert)},
        {"op": "remove", "path": f'members[value eq "{bert["id"]}"]'},
    ):
        answer = await api.patch(f"/Groups/{group['id']}", operation)
        assert (answer.status, answer.etag) == (204, 'W/"1"')


async def test_put_replaces_the_members(api: Api) -> None:
    a, b, c = await api.user(), await api.user(), await api.user()
    group = await api.group(a, b)
    path = f"/Groups/{group['id']}"
    put = await api.ask(
        "PUT", path, {"displayName": "new", "members": [{"value": c["id"], "display": "x"}, *values(a)]}
    )
    assert put.status == 200
    assert (put.body["displayName"], members(put.body)) == ("new", ids(a, c))
    assert members((await api.ask("PUT", path, {"displayName": "new"})).body) == []


async def test_a_member_that_does_not_exist_is_refused_and_nothing_changes(api: Api) -> None:
    anna, group = await api.user(), await api.group()
    refused = await api.patch(
        f"/Groups/{group['id']}",
        {"op": "replace", "path": "displayName", "value": "renamed"},
        {"op": "add", "path": "members", "value": [*values(anna), {"value": "nobody"}]},
    )
    assert (refused.status, refused.body["scimType"]) == (400, "invalidValue")
    assert "nobody" in refused.body["detail"]
    assert (await api.get(f"/Groups/{group['id']}")).body == group


async def test_a_deleted_user_leaves_its_groups(api: Api) -> None:
    a, b = await api.user(), await api.user()
    group = await api.group(a, b)
    await api.ask("DELETE", f"/Users/{a['id']}")
    left = await api.get(f"/Groups/{group['id']}")
    assert members(left.body) == ids(b)
    assert left.etag == 'W/"2"'


@pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
async def test_clients_that_add_and_remove_members_side_by_side_lose_nobody(
    api: Api, open_api: OpenApi, store: Store
) -> None:
    other = await open_api(store)
    people = [await api.user() for _ in range(32)]
    group = await api.group(*people[:8])
    path = f"/Groups/{group['id']}"

    async def client(number: int, person: Any) -> list[int]:
        """Add and remove one person in one of the ways there are; every other person stays."""
        named = f'members[value eq "{person["id"]}"]'
        seen = f'members[value eq "{person["id"]}" and type eq "User"]'
        add = {"op": "add", "path": "members", "value": values(person)}
        removals: list[dict[str, Any]] = [
            {"op": "remove", "path": named},
            {"op": "remove", "path": "members", "value": values(person)},
            {"op": "remove", "path": seen},
            {"op": "remove", "path": f"{named}.value"},
        ]
        remove = removals[number // 2 % 4]
        deeds = (remove, add) if number % 2 else (add, remove)
        worker = other if number % 8 == 0 else api
        return [(await worker.patch(path, deed)).status for deed in deeds]

    statuses = await asyncio.gather(*(client(number, person) for number, person in enumerate(people)))
    assert statuses == [[204, 204]] * 32
    assert members((await other.get(path)).body) == ids(*people[1::2])


async def test_groups_are_found_by_their_members(api: Api) -> None:
    anna, bert = await api.user(), await api.user()
    first, second = await api.group(anna), await api.group(anna, bert)
    for text, wanted in {
        f'members eq "{anna["id"]}"': [first, second],
        f'members.value eq "{bert["id"]}"': [second],
        f'members[value eq "{bert["id"]}"]': [second],
        f'id eq "{first["id"]}" and members eq "{anna["id"]}"': [first],
        f'id eq "{first["id"]}" and members eq "{bert["id"]}"': [],
        f'not (members eq "{bert["id"]}")': [first],
    }.items():
        found = await api.found("/Groups", text, excludedAttributes="members")
        assert ids(*found) == ids(*wanted), text
        assert all("members" not in group for group in found)


async def test_users_are_found_by_their_groups(api: Api) -> None:
    anna, bert = await api.user(), await api.user()
    group = await api.group(anna)
    assert ids(*await api.found("/Users", f'groups.value eq "{group["id"]}"')) == ids(anna)
    assert ids(*await api.found("/Users", f'not (groups eq "{group["id"]}")')) == ids(bert)


@pytest.mark.parametrize("path", ["members.value", 'members[value eq "x"].display', "nosuch"])
async def test_what_a_member_is_cannot_be_changed(api: Api, path: str) -> None:
    group = await api.group()
    refused = await api.patch(f"/Groups/{group['id']}", {"op": "replace", "path": path, "value": "x"})
    assert refused.status == 400
    assert refused.body["scimType"] in ("mutability", "invalidPath")
