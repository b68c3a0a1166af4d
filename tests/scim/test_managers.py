"""A manager is shown by reference, and on request by name, both worked out on reading (RFC 7643 section 4.3)."""

from typing import Any

import pytest

from idp.schema.urns import ENTERPRISE_USER
from idp.store import Store
from tests.scim.conftest import OpenApi
from tests.support.faulty_store import FaultyStore
from tests.support.scim import Api

LOCATION = "http://127.0.0.1:8080/scim/v2/Users/"
MANAGER = f"{ENTERPRISE_USER}:manager"


def led_by(manager: Any) -> dict[str, Any]:
    return {ENTERPRISE_USER: {"manager": manager}}


async def manager_of(api: Api, user: Any, **query: Any) -> Any:
    return (await api.get(f"/Users/{user['id']}", **query)).body[ENTERPRISE_USER]["manager"]


@pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
async def test_a_manager_is_shown_with_name_and_reference(api: Api) -> None:
    boss = await api.user(displayName="Ann")
    made = await api.user(**led_by(boss["id"]))
    shown = {"value": boss["id"], "$ref": LOCATION + boss["id"]}
    assert made[ENTERPRISE_USER]["manager"] == shown
    assert await manager_of(api, made, attributes=MANAGER) == shown | {"displayName": "Ann"}
    await api.patched(f"/Users/{boss['id']}", {"op": "replace", "path": "displayName", "value": "Ann Lee"})
    assert await manager_of(api, made, attributes=MANAGER) == shown | {"displayName": "Ann Lee"}
    [found] = await api.found("/Users", f'{MANAGER}.displayName eq "ann lee"', attributes=f"{MANAGER}.displayName")
    assert found[ENTERPRISE_USER]["manager"]["displayName"] == "Ann Lee"
    await api.ask("DELETE", f"/Users/{boss['id']}")
    assert ENTERPRISE_USER not in (await api.get(f"/Users/{made['id']}")).body


async def test_a_new_name_of_the_manager_is_a_change_only_to_whom_it_is_shown(api: Api) -> None:
    boss = await api.user(displayName="Ann")
    path = f"/Users/{(await api.user(**led_by(boss['id'])))['id']}"
    plain, named = [(await api.get(path, **query)).etag for query in ({}, {"attributes": MANAGER})]
    await api.patched(f"/Users/{boss['id']}", {"op": "replace", "path": "displayName", "value": "Ann Lee"})
    assert (await api.ask("GET", path, headers={"If-None-Match": plain})).status == 304
    assert (await api.ask("GET", f"{path}?attributes={MANAGER}", headers={"If-None-Match": named})).status == 200
    await api.ask("DELETE", f"/Users/{boss['id']}")
    assert (await api.ask("GET", path, headers={"If-None-Match": plain})).status == 200


async def test_a_name_that_a_client_sends_is_not_the_managers(api: Api) -> None:
    boss = await api.user(displayName="Ann")
    made = await api.user(**led_by({"value": boss["id"], "displayName": "Somebody"}))
    assert (await manager_of(api, made, attributes=f"{MANAGER}.displayName")) == {"displayName": "Ann"}
    refused = await api.patch(
        f"/Users/{made['id']}", {"op": "replace", "path": f"{MANAGER}.displayName", "value": "Somebody"}
    )
    assert (refused.status, refused.body["scimType"]) == (400, "mutability")


async def test_an_unknown_manager_comes_back_as_sent(api: Api) -> None:
    made = await api.user(**led_by("4711"))
    assert made[ENTERPRISE_USER]["manager"] == await manager_of(api, made) == {"value": "4711"}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"attributes": f"{MANAGER}.value"}, {"value"}),
        ({"attributes": f"{MANAGER}.displayName"}, {"displayName"}),
        ({"attributes": f"{MANAGER}.$ref"}, {"$ref"}),
        ({"excludedAttributes": f"{MANAGER}.displayName"}, {"value", "$ref"}),
    ],
)
async def test_only_what_is_asked_for_of_a_manager_is_shown(api: Api, query: Any, shown: set[str]) -> None:
    made = await api.user(**led_by((await api.user())["id"]))
    assert (await manager_of(api, made, **query)).keys() == shown


async def test_a_page_takes_as_many_reads_with_managers_as_with_one(open_api: OpenApi, store: Store) -> None:
    counting = FaultyStore(store)
    api = await open_api(counting)
    managers = [await api.user() for _ in range(3)]
    for manager in managers * 2:
        await api.user(**led_by(manager["id"]))
    before = counting.calls
    page = await api.get("/Users", filter=f"{MANAGER} pr", attributes=f"{MANAGER}.displayName")
    assert page.body["totalResults"] == 6
    assert counting.calls - before == 2
