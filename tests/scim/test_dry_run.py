"""`?dryRun=true` tells what would change, by the rules of the real request, and changes nothing."""

from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR
from idp.auth import ClientSettings
from tests.support.directory import everything
from tests.support.scim import PATCH, Answer, Api

DRY = "urn:gatehouse:params:scim:api:messages:2.0:DryRun"


async def dry(api: Api, method: str, path: str, body: Any = None) -> Answer:
    """Rehearse, and see that nothing at all has changed."""
    before = [await everything(api.behind.store, name) for name in ("users", "groups", "edges", "audit", "credentials")]
    answer = await api.ask(method, path, body, dryRun="true")
    after = [await everything(api.behind.store, name) for name in ("users", "groups", "edges", "audit", "credentials")]
    assert before == after
    return answer


def patching(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


async def test_a_patch_tells_each_attribute_before_and_after(api: Api) -> None:
    user = await api.user(userName="ann", title="Dr", active=True)
    operations = [
        {"op": "replace", "path": "title", "value": "Prof"},
        {"op": "add", "path": "nickName", "value": "A"},
        {"op": "replace", "path": "password", "value": "a river runs uphill"},
    ]
    answer = await dry(api, "PATCH", f"/Users/{user['id']}", patching(*operations))
    assert (answer.status, answer.body["schemas"], answer.body["status"]) == (200, [DRY], "200")
    [change] = answer.body["changes"]
    assert (change["resourceType"], change["id"], change["operation"]) == ("User", user["id"], "replace")
    assert change["attributes"] == [
        {"path": "nickName", "after": "A"},
        {"path": "title", "before": "Dr", "after": "Prof"},
        {"path": "password"},
    ]
    assert "uphill" not in str(answer.body)
    assert (await api.get(f"/Users/{user['id']}")).body == user


async def test_what_would_change_nothing_says_so(api: Api) -> None:
    user = await api.user(title="Dr")
    same = patching({"op": "replace", "path": "title", "value": "Dr"})
    assert (await dry(api, "PATCH", f"/Users/{user['id']}", same)).body["changes"] == []


async def test_post_and_put_tell_what_they_would_make(api: Api) -> None:
    answer = await dry(api, "POST", "/Users", {"userName": "ann", "title": "Dr"})
    assert (answer.status, answer.body["status"]) == (200, "201")
    [change] = answer.body["changes"]
    assert change["operation"] == "create"
    assert {"path": "userName", "after": "ann"} in change["attributes"]
    assert (await api.get("/Users")).body["totalResults"] == 0

    user = await api.user(userName="bo", title="Dr")
    [change] = (await dry(api, "PUT", f"/Users/{user['id']}", {"userName": "bo"})).body["changes"]
    assert change["attributes"] == [{"path": "title", "before": "Dr"}]


async def test_members_that_would_come_and_go_are_named(api: Api) -> None:
    ann, bob = await api.user(), await api.user()
    group = await api.group(ann, displayName="g")
    path = f"/Groups/{group['id']}"
    operations: list[dict[str, Any]] = [
        {"op": "add", "path": "members", "value": [{"value": bob["id"]}]},
        {"op": "remove", "path": f'members[value eq "{ann["id"]}"]'},
    ]
    answer = await dry(api, "PATCH", path, patching(*operations))
    assert answer.body["status"] == "204"
    assert answer.body["changes"] == [
        {
            "resourceType": "Group",
            "id": group["id"],
            "operation": "replace",
            "members": {"added": [bob["id"]], "removed": [ann["id"]]},
        }
    ]
    [change] = (await dry(api, "POST", "/Groups", {"displayName": "h", "members": [{"value": ann["id"]}]})).body[
        "changes"
    ]
    assert change["members"] == {"added": [ann["id"]], "removed": []}


async def test_a_deletion_tells_whom_the_groups_would_lose(api: Api) -> None:
    ann = await api.user()
    group = await api.group(ann)
    answer = await dry(api, "DELETE", f"/Users/{ann['id']}")
    assert answer.body["status"] == "204"
    assert answer.body["changes"] == [
        {"resourceType": "User", "id": ann["id"], "operation": "delete"},
        {
            "resourceType": "Group",
            "id": group["id"],
            "operation": "replace",
            "members": {"added": [], "removed": [ann["id"]]},
        },
    ]


async def test_what_would_be_refused_is_refused_in_the_same_way(api: Api) -> None:
    user = await api.user(userName="ann")
    path = f"/Users/{user['id']}"
    assert (await dry(api, "POST", "/Users", {"userName": "ANN"})).status == 409
    assert (await dry(api, "POST", "/Users", {})).status == 400
    assert (await dry(api, "PATCH", path, patching({"op": "replace", "path": "id", "value": "1"}))).status == 400
    assert (await dry(api, "PATCH", "/Users/none", patching({"op": "remove", "path": "title"}))).status == 404
    assert (await dry(api, "POST", "/Groups", {"displayName": "g", "members": [{"value": "none"}]})).status == 400
    stale = await api.ask("PUT", path, {"userName": "ann"}, headers={"If-Match": 'W/"9"'}, dryRun="true")
    assert stale.status == 412
    settings = ClientSettings(source="elsewhere")
    _, api.token = await api.behind.clients.create(SYSTEM_ACTOR("test"), "b", settings=settings)
    assert (await dry(api, "DELETE", path)).status == 403


@pytest.mark.parametrize("query", ["dryrun=TRUE", "DRYRUN=true", "attributes=id&dryRun=true"])
async def test_a_dry_run_is_one_however_it_is_written(api: Api, query: str) -> None:
    user = await api.user()
    assert (await api.ask("DELETE", f"/Users/{user['id']}?{query}")).body["schemas"] == [DRY]
    assert (await api.get(f"/Users/{user['id']}")).status == 200


async def test_what_is_neither_yes_nor_no_is_refused_and_no_is_no(api: Api) -> None:
    user = await api.user()
    path = f"/Users/{user['id']}"
    assert (await api.ask("DELETE", f"{path}?dryRun=1")).status == 400
    assert (await api.ask("DELETE", f"{path}?dryRun=")).status == 400
    assert (await api.ask("DELETE", f"{path}?dryRun=false")).status == 204


@pytest.mark.parametrize("path", ["/Users/.search", "/.search"])
async def test_a_search_changes_nothing_anyway_but_is_asked_rightly(api: Api, path: str) -> None:
    search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}
    assert [(await api.ask("POST", path, search, dryRun=text)).status for text in ("true", "maybe")] == [200, 400]


async def test_a_bulk_request_is_not_rehearsed_and_not_carried_out_either(api: Api) -> None:
    bulk = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "ann"}}],
    }
    answer = await dry(api, "POST", "/Bulk", bulk)
    assert (answer.status, "rehearsed" in answer.body["detail"]) == (400, True)


async def test_the_log_of_the_client_tells_that_it_was_a_dry_run(api: Api) -> None:
    await dry(api, "POST", "/Users", {"userName": "ann"})
    await api.behind.log.flush()
    client = await api.behind.clients.show(SYSTEM_ACTOR("test"), "hr")
    [batch] = await api.behind.log.of(SYSTEM_ACTOR("test"), client.id, 10)
    assert [entry["changed"] for entry in batch.entries] == [{"dry run": "nothing"}]
