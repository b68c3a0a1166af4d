"""What an operator sees of a client's requests."""

from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR
from idp.auth import ClientSettings
from idp.schema.urns import ENTERPRISE_USER
from scim.request_log import redacted
from tests.support.scim import Api

SYSTEM = SYSTEM_ACTOR("test")
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


async def logged(api: Api, name: str = "hr") -> list[dict[str, Any]]:
    await api.behind.log.flush()
    client = await api.behind.clients.show(SYSTEM, name)
    return [dict(entry) for batch in await api.behind.log.of(SYSTEM, client.id, 100) for entry in batch.entries]


def short(entries: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(entry["operation"], entry["status"]) for entry in entries]


async def test_each_request_is_told_with_operation_resource_and_outcome(api: Api) -> None:
    user = await api.user(userName="ann", title="Dr")
    await api.ask("GET", f"//Users/{user['id']}/")
    await api.ask("GET", "/Users", filter="nonsense")
    await api.ask("DELETE", f"/Users/{user['id']}")
    await api.ask("GET", "/Nothing")
    entries = await logged(api)
    assert short(entries) == [
        ("POST /Users", 201),
        ("GET /Users/{id}", 200),
        ("GET /Users", 400),
        ("DELETE /Users/{id}", 204),
        ("GET unknown", 404),
    ]
    assert [entry["resource"] for entry in entries] == [user["id"], user["id"], "", user["id"], ""]
    assert all(entry["milliseconds"] > 0 and entry["address"] == "127.0.0.1" and entry["request"] for entry in entries)
    assert "filter" in entries[2]["detail"]


async def test_what_changed_is_named_and_its_values_are_not_told(api: Api) -> None:
    user = await api.user(userName="secretive", password="a river runs uphill", active=True)
    path = f"/Users/{user['id']}"
    extension = {"op": "add", "path": f"{ENTERPRISE_USER}:department", "value": "Intelligence"}
    await api.patch(path, {"op": "replace", "path": "title", "value": "Spymaster"}, extension)
    await api.patch(path, {"op": "replace", "path": "title", "value": "Spymaster"})
    await api.patch(path, {"op": "remove", "path": "title"}, {"op": "replace", "path": "active", "value": False})
    group = await api.group(displayName="Cambridge")
    await api.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": user["id"]}]})
    entries = await logged(api)
    assert entries[0]["changed"]["userName"] == "se… (9)"
    assert entries[0]["changed"]["password"] == "***"
    assert entries[1]["changed"] == {ENTERPRISE_USER: "{department: In… (12)}", "title": "Sp… (9)"}
    assert entries[2]["changed"] == {}, "it changed nothing"
    assert (entries[3]["changed"]["title"], entries[3]["changed"]["active"]) == ("-", "false")
    assert entries[5]["changed"] == {"members": "changed"}
    for told in ("secretive", "uphill", "Spymaster", "Intelligence", "Cambridge"):
        assert told not in str(entries)


async def test_a_bulk_request_is_told_by_its_outcomes(api: Api) -> None:
    made = {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "ann"}}
    odd = {"method": "POST", "path": "/Users", "bulkId": "b", "data": {}}
    await api.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": [made, odd]})
    await api.ask(
        "POST", "/Bulk", {"schemas": [BULK], "failOnErrors": 1, "Operations": [odd, made, made | {"bulkId": "c"}]}
    )
    entry, cut_short = await logged(api)
    assert (entry["operation"], entry["changed"]) == ("POST /Bulk", {"operations": "1 done, 1 failed"})
    assert cut_short["changed"] == {"operations": "0 done, 1 failed, 2 not begun"}


async def test_clients_that_are_refused_are_in_the_log_and_strangers_are_not(api: Api) -> None:
    await api.behind.clients.create(SYSTEM, "far", settings=ClientSettings(networks=("192.0.2.0/24",)))
    _, api.token = await api.behind.clients.create(SYSTEM, "far")
    await api.ask("GET", "/Users")
    [entry] = await logged(api, "far")
    assert (entry["status"], "127.0.0.1" in entry["detail"]) == (403, True)
    api.token = "ghs_" + "x" * 43
    await api.ask("GET", "/Users")
    assert len(await logged(api, "far")) == 1


async def test_a_client_that_is_slowed_down_is_in_the_log(api: Api) -> None:
    _, api.token = await api.behind.clients.create(SYSTEM, "fast", settings=ClientSettings(rate="1/1m"))
    for _ in range(2):
        await api.ask("GET", "/Users")
    assert short(await logged(api, "fast")) == [("GET /Users", 200), ("GET /Users", 429)]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "-"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ("", "…"),
        ("ab", "…"),
        ("abc", "ab… (3)"),
        ([{"value": "x"}], "1 values"),
        ({"givenName": "Ada"}, "{givenName: Ad… (3)}"),
    ],
)
def test_values_are_told_by_kind_and_size(value: Any, told: str) -> None:
    assert redacted(value) == told
