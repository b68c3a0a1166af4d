"""Bulk requests over the real services: references, errors, versions, limits."""

from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR
from idp.auth import ClientSettings
from idp.config import Config
from idp.config.model import ScimSettings
from idp.schema.urns import ENTERPRISE_USER, GROUP, USER
from idp.store import Store
from tests.scim.conftest import OpenApi
from tests.support.scim import PATCH, Answer, Api

# What the stores have a part in is shown on both of them.
both_stores = pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def post(bulk_id: str, path: str = "/Users", **data: Any) -> dict[str, Any]:
    if path == "/Users":
        data = {"userName": bulk_id} | data
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def group(bulk_id: str, *members: str, **data: Any) -> dict[str, Any]:
    return post(bulk_id, "/Groups", displayName=bulk_id, members=[{"value": member} for member in members], **data)


def reporting(bulk_id: str, manager: str) -> dict[str, Any]:
    data = {"userName": bulk_id, ENTERPRISE_USER: {"manager": {"value": manager}}}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def patch(path: str, *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"method": "PATCH", "path": path, "data": {"schemas": [PATCH], "Operations": list(operations)}, **more}


async def sent(api: Api, *operations: dict[str, Any], **more: Any) -> Answer:
    return await api.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": list(operations), **more})


async def told(api: Api, *operations: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = await sent(api, *operations, **more)
    assert answer.status == 200, answer
    assert answer.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    return list(answer.body["Operations"])


def statuses(operations: list[dict[str, Any]]) -> list[str]:
    return [operation["status"] for operation in operations]


async def members(api: Api, location: str) -> set[str]:
    body = (await api.get(path_of(location))).body
    return {member["value"] for member in body.get("members", [])}


def path_of(location: str) -> str:
    return location.partition("/scim/v2")[2]


def id_of(operation: dict[str, Any]) -> str:
    return str(operation["location"].rpartition("/")[2])


@both_stores
async def test_every_method_is_carried_out_and_answered_in_its_place(api: Api) -> None:
    put, patched, gone = await api.user(), await api.user(), await api.user()
    found = await told(
        api,
        post("a", displayName="A"),
        {"method": "PUT", "path": f"/Users/{put['id']}", "data": {"userName": "put"}},
        patch(f"/Users/{patched['id']}", {"op": "add", "path": "title", "value": "x"}),
        {"method": "DELETE", "path": f"/Users/{gone['id']}"},
    )
    assert statuses(found) == ["201", "200", "200", "204"]
    assert [one["method"] for one in found] == ["POST", "PUT", "PATCH", "DELETE"]
    assert [one.get("version") for one in found] == ['W/"1"', 'W/"2"', 'W/"2"', None]
    assert found[0]["bulkId"] == "a"
    made = (await api.get(path_of(found[0]["location"]))).body
    assert made["meta"]["location"] == found[0]["location"]
    assert [(await api.get(path_of(one["location"]))).body.get("userName") for one in found[:2]] == ["a", "put"]
    assert (await api.get(f"/Users/{patched['id']}")).body["title"] == "x"
    assert (await api.ask("GET", f"/Users/{gone['id']}")).status == 404


async def test_a_group_is_made_of_people_who_come_before_and_after_it(api: Api) -> None:
    before, made, after = await told(api, post("a"), group("g", "bulkId:a", "bulkId:b"), post("b"))
    assert statuses([before, made, after]) == ["201"] * 3
    assert await members(api, made["location"]) == {id_of(before), id_of(after)}


async def test_references_stand_in_paths_filters_and_uris_too(api: Api) -> None:
    made = await api.group()
    add = {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}, {"$ref": "../Users/bulkId:b"}]}
    found = await told(
        api,
        patch(f"/Groups/{made['id']}", add),
        patch("/Users/bulkId:a", {"op": "add", "path": "title", "value": "first"}),
        post("a"),
        post("b"),
        post("c"),
        patch(f"/Groups/{made['id']}", {"op": "add", "path": "members", "value": [{"value": "bulkId:c"}]}),
        patch(f"/Groups/{made['id']}", {"op": "remove", "path": 'members[value eq "bulkId:b"]'}),
        patch(f"/Groups/{made['id']}", {"op": "remove", "path": 'members[$ref ew "/Users/bulkId:c"]'}),
    )
    assert statuses(found) == ["200", "200", "201", "201", "201", "200", "200", "200"]
    assert await members(api, found[0]["location"]) == {id_of(found[2])}
    assert (await api.get(path_of(found[2]["location"]))).body["title"] == "first"


@both_stores
async def test_groups_that_have_each_other_as_members_are_made_at_once(api: Api) -> None:
    a, b, c, outside = await told(
        api, group("a", "bulkId:b"), group("b", "bulkId:c"), group("c", "bulkId:a"), group("d", "bulkId:a")
    )
    assert statuses([a, b, c, outside]) == ["201"] * 4
    for one, inside in ((a, b), (b, c), (c, a), (outside, a)):
        assert await members(api, one["location"]) == {id_of(inside)}


@both_stores
async def test_people_who_are_each_others_managers_are_made(api: Api) -> None:
    a, b = await told(
        api,
        reporting("a", "bulkId:b"),
        reporting("b", "bulkId:a"),
    )
    for one, other in ((a, b), (b, a)):
        shown = (await api.get(path_of(one["location"]))).body
        assert shown[ENTERPRISE_USER]["manager"]["value"] == id_of(other)


@both_stores
async def test_a_circle_of_which_one_part_cannot_be_made_is_not_made_at_all(api: Api) -> None:
    found = await told(api, group("a", "bulkId:b"), group("b", "bulkId:a", "nobody"), group("c", "bulkId:a"), post("d"))
    assert statuses(found) == ["400", "400", "409", "201"]
    assert (await api.get("/Groups")).body["totalResults"] == 0


@both_stores
async def test_a_circle_of_managers_is_made_whole_or_not_at_all(api: Api) -> None:
    await api.user(userName="taken")
    taken = reporting("c", "bulkId:a")
    taken["data"]["userName"] = "TAKEN"
    found = await told(api, reporting("a", "bulkId:b"), reporting("b", "bulkId:c"), taken, reporting("d", "bulkId:a"))
    assert statuses(found) == ["409"] * 4
    assert found[0]["response"]["scimType"] == "uniqueness"
    assert found[3]["response"]["detail"] == "bulkId:a was not made"
    wrong = reporting("c", "bulkId:a")
    wrong["data"]["name"] = 5
    found = await told(api, reporting("a", "bulkId:b"), reporting("b", "bulkId:c"), wrong, failOnErrors=9)
    assert statuses(found) == ["400"] * 3
    assert (await api.get("/Users")).body["totalResults"] == 1


async def test_what_refers_to_something_that_was_not_made_fails_and_the_rest_goes_on(api: Api) -> None:
    await api.user(userName="taken")
    found = await told(
        api,
        post("x", userName="taken"),
        group("g", "bulkId:x"),
        group("h", "bulkId:g"),
        group("i", "bulkId:?"),
        post("y"),
    )
    assert statuses(found) == ["409", "409", "409", "400", "201"]
    assert found[0]["response"]["scimType"] == "uniqueness"
    assert found[0]["response"]["status"] == "409"
    assert "location" not in found[0]
    assert found[1]["response"]["detail"] == "bulkId:x was not made"
    assert (await api.get("/Groups")).body["totalResults"] == 0


async def test_what_fails_leaves_everything_as_it_was(api: Api) -> None:
    made = await api.user()
    before = (await api.get(f"/Users/{made['id']}")).body
    refused = patch(
        f"/Users/{made['id']}",
        {"op": "add", "path": "title", "value": "x"},
        {"op": "replace", "path": "id", "value": "y"},
    )
    [found] = await told(api, refused)
    assert (found["status"], found["response"]["scimType"]) == ("400", "mutability")
    assert found["location"] == before["meta"]["location"]
    assert (await api.get(f"/Users/{made['id']}")).body == before


@both_stores
async def test_after_as_many_errors_as_are_accepted_nothing_more_is_done(api: Api) -> None:
    operations = [post("a"), post("b", userName=""), post("c"), post("d", userName=""), post("e")]
    assert statuses(await told(api, *operations, failOnErrors=1)) == ["201", "400"]
    assert (await api.get("/Users")).body["totalResults"] == 1
    found = await told(api, *operations[1:], failOnErrors=2)
    assert statuses(found) == ["400", "201", "400"]
    found = await told(api, *operations)
    assert statuses(found) == ["409", "400", "409", "400", "201"]


async def test_errors_are_counted_in_the_requests_order_also_where_the_store_finds_them(api: Api) -> None:
    operations = [post(f"u{number}") for number in range(8)]
    operations[3]["data"]["userName"] = "u1"
    assert statuses(await told(api, *operations, failOnErrors=1)) == ["201", "201", "201", "409"]
    assert (await api.get("/Users")).body["totalResults"] == 3
    groups = [group("g"), group("h", "nobody"), group("i")]
    assert statuses(await told(api, *groups, failOnErrors=1)) == ["201", "400"]


@both_stores
async def test_an_operation_may_ask_for_a_version(api: Api) -> None:
    made = await api.user()
    change = {"op": "add", "path": "title", "value": "x"}
    path = f"/Users/{made['id']}"
    found = await told(api, patch(path, change, version='W/"1"'), patch(path, change, version='W/"7"'))
    assert statuses(found) == ["200", "412"]
    deletion = {"method": "DELETE", "path": path, "version": 'W/"1"'}
    assert statuses(await told(api, deletion, deletion | {"version": 'W/"2"'})) == ["412", "204"]


@both_stores
async def test_operations_on_one_resource_come_in_their_order(api: Api) -> None:
    made = await api.user()
    path = f"/Users/{made['id']}"
    titles = [patch(path, {"op": "replace", "path": "title", "value": str(number)}) for number in range(5)]
    found = await told(api, *titles, {"method": "DELETE", "path": path}, titles[0])
    assert statuses(found) == ["200"] * 5 + ["204", "404"]
    assert [one.get("version") for one in found[:5]] == [f'W/"{number}"' for number in range(2, 7)]


async def test_an_operation_that_cannot_be_read_fails_alone(api: Api) -> None:
    found = await told(
        api,
        {"method": "GET", "path": "/Users"},
        {"method": "POST", "path": "/Users", "data": {"userName": "x"}},
        post("a", "/Nowhere"),
        post("b", "/Users/1"),
        {"method": "PATCH", "path": "/Users/1", "data": []},
        {"method": "DELETE", "path": "/Users"},
        {"method": "post", "PATH": "/users", "BulkID": "c", "data": {"userName": "c"}},
        post("c"),
        patch("/Users/1", {"op": "add", "path": "nothing[", "value": 1}),
    )
    assert statuses(found) == ["400", "400", "404", "400", "400", "400", "201", "400", "404"]


@pytest.mark.parametrize(
    ("operation", "detail"),
    [
        (5, "Operations[1]: expected an object"),
        ({"method": "GET", "path": "/Users"}, "Operations[1].method: 'GET' is none of POST, PUT, PATCH, DELETE"),
        (post("b", "/Nowhere/1"), "Operations[1].path: endpoint '/Nowhere/1' does not exist"),
        (post("b", "/Users/1"), "Operations[1].path: POST needs /Users, not '/Users/1'"),
        (patch("/Groups"), "Operations[1].path: PATCH needs /Groups/ID, not '/Groups'"),
        (patch("/Groups/1/members"), "Operations[1].path: PATCH needs /Groups/ID, not '/Groups/1/members'"),
        (patch("/Users/1?x=y"), "Operations[1].path: PATCH needs /Users/ID, not '/Users/1?x=y'"),
        (patch("/Users/bulkId:x"), "Operations[1].path: no operation has the bulkId 'x'"),
        (group("g", "bulkId:x"), "Operations[1].data: no operation has the bulkId 'x'"),
        (post("a"), "Operations[1].bulkId: 'a' is another operation's"),
    ],
)
async def test_what_cannot_be_read_is_told_with_its_place(api: Api, operation: Any, detail: str) -> None:
    assert (await told(api, post("a"), operation))[1]["response"]["detail"] == detail


async def test_a_location_is_never_that_of_a_reference(api: Api) -> None:
    await api.user(userName="taken")
    wrong = {"op": "replace", "path": "active", "value": "perhaps"}
    operations = [patch(f"/Users/bulkId:{name}", wrong) for name in ("a", "b")]
    failed, lost, made, _ = await told(api, *operations, post("a"), post("b", userName="taken"))
    assert (failed["status"], failed["location"]) == ("400", made["location"])
    assert (lost["status"], "location" in lost) == ("409", False)


async def test_a_client_does_in_bulk_what_its_token_allows(api: Api) -> None:
    _, api.token = await api.behind.clients.create(SYSTEM_ACTOR("test"), "few", ["users:read", "users:write"])
    assert statuses(await told(api, post("a"), group("g"))) == ["201", "403"]


async def test_a_message_that_is_no_bulk_request_is_refused_whole(api: Api) -> None:
    bodies: list[dict[str, Any]] = [
        {"Operations": []},
        {"Operations": {}},
        {},
        {"schemas": [PATCH], "Operations": [post("a")]},
    ]
    for body in bodies:
        answer = await api.ask("POST", "/Bulk", body)
        assert (answer.status, answer.body["scimType"]) == (400, "invalidSyntax")
    for count in ("1", 1.5, True, 0, -1):
        answer = await sent(api, post("a"), failOnErrors=count)
        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert (await api.get("/Users")).body["totalResults"] == 0


async def test_limits_are_shown_and_kept(open_api: OpenApi, store: Store) -> None:
    api = await open_api(store, Config(scim=ScimSettings(bulk_max_operations=2, bulk_max_payload=500)))
    shown = (await api.get("/ServiceProviderConfig")).body["bulk"]
    assert shown == {"supported": True, "maxOperations": 2, "maxPayloadSize": 500}
    assert (await sent(api, post("a"), post("b"), post("c"))).status == 413
    assert (await sent(api, post("a", title="x" * 500))).status == 413
    assert statuses(await told(api, post("a"), post("b"))) == ["201", "201"]


async def test_operations_are_read_by_the_profile_of_the_client(api: Api) -> None:
    settings = ClientSettings("strict")
    _, api.token = await api.behind.clients.create(SYSTEM_ACTOR("test"), "strict", settings=settings)
    done = await told(
        api,
        post("ann", schemas=[USER], active=True),
        post("bob", schemas=[USER], active="True"),
        post("cyd", schemas=[USER], shoeSize=44),
        post("dan"),
        group("odd", "bulkId:ann", schemas=[GROUP], active="True"),
        patch("/Users/bulkId:ann", {"op": "Replace", "path": "title", "value": "Dr"}),
    )
    assert statuses(done) == ["201", "400", "400", "400", "400", "400"]
    circle = [
        group("g", "bulkId:h", schemas=[GROUP]),
        group("h", "bulkId:g"),
    ]
    assert statuses(await told(api, *circle)) == ["400", "400"]
    people = [reporting("x", "bulkId:y"), reporting("y", "bulkId:x")]
    assert statuses(await told(api, *people)) == ["400", "400"]
    assert [user["userName"] for user in (await api.get("/Users")).body["Resources"]] == ["ann"]


async def test_a_circle_through_several_types_is_refused_with_the_reason(api: Api) -> None:
    found = await told(api, reporting("a", "bulkId:g"), group("g", "bulkId:a"))
    assert statuses(found) == ["409", "409"]
    assert "of several types" in found[0]["response"]["detail"]
