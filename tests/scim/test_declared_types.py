"""A resource type that is nothing but a file, asked for everything the protocol knows."""

from typing import Any

import pytest

from scim.messages.bulk_request import SCHEMA as BULK
from tests.support.declared import BADGE, DEVICE, WARRANTY, device
from tests.support.scim import PATCH, Api

FULL: dict[str, Any] = {
    "schemas": [DEVICE, WARRANTY],
    "serialNumber": "SN-1",
    "externalId": "asset 7",
    "displayName": "Ada's laptop",
    "kind": "laptop",
    "encrypted": True,
    "memory": 64,
    "screen": 13.3,
    "bought": "2030-01-31T12:00:00Z",
    "certificate": "AAECAw==",
    "manual": "https://example.com/manual",
    "tags": ["blue", "Loan"],
    "owner": {"value": "u1", "display": "Ada"},
    "addresses": [{"value": "10.0.0.7", "type": "wifi", "primary": True}, {"value": "10.0.0.8", "type": "ethernet"}],
    WARRANTY: {"provider": "ACME", "until": "2033-01-31T12:00:00Z"},
}


@pytest.fixture
def api(api_with_devices: Api) -> Api:
    return api_with_devices


async def test_it_is_discovered_like_the_built_in_ones(api: Api) -> None:
    kind = (await api.get("/ResourceTypes/Device")).body
    assert (kind["endpoint"], kind["schema"]) == ("/Devices", DEVICE)
    assert kind["schemaExtensions"] == [{"schema": WARRANTY, "required": True}]
    schema = (await api.get(f"/Schemas/{DEVICE}")).body
    serial = schema["attributes"][0]
    assert (serial["mutability"], serial["uniqueness"], serial["required"]) == ("immutable", "server", True)
    user = (await api.get("/ResourceTypes/User")).body
    assert {"schema": BADGE, "required": False} in user["schemaExtensions"]


async def test_every_type_of_value_comes_back_as_it_was_given(api: Api) -> None:
    made = await api.post("/Devices", FULL | {"unlockCode": "1234"})
    shown = (await api.get(f"/Devices/{made.body['id']}")).body
    assert {key: shown[key] for key in FULL} == FULL
    assert "unlockCode" not in shown
    assert shown["meta"]["resourceType"] == "Device"
    assert shown["meta"]["location"].endswith(f"/scim/v2/Devices/{made.body['id']}")


@pytest.mark.parametrize(
    ("change", "status", "scim_type"),
    [
        ({"serialNumber": None}, 400, "invalidValue"),
        ({WARRANTY: None}, 400, "invalidValue"),
        ({"memory": "much"}, 400, "invalidValue"),
        ({"bought": "yesterday"}, 400, "invalidValue"),
        ({"certificate": "?"}, 400, "invalidValue"),
        ({"serialNumber": "SN-0"}, 409, "uniqueness"),
    ],
)
async def test_declared_rules_are_demanded(api: Api, change: dict[str, Any], status: int, scim_type: str) -> None:
    await api.post("/Devices", device("SN-0"))
    answer = await api.ask("POST", "/Devices", FULL | change)
    assert (answer.status, answer.body["scimType"]) == (status, scim_type)
    assert (await api.get("/Devices")).body["totalResults"] == 1


FILTERS = [
    'serialNumber eq "SN-1"',
    'externalId eq "asset 7"',
    'displayName sw "ADA"',
    f'{DEVICE}:kind eq "LAPTOP"',
    "encrypted eq true and memory ge 64",
    "memory gt 32 and memory lt 128",
    "screen gt 13 and screen lt 13.4",
    'bought gt "2030-01-31T11:59:59+00:00"',
    "certificate pr",
    'manual ew "manual"',
    'tags eq "loan"',
    'tags[value eq "LOAN"]',
    'tags[value sw "l" and value ew "n"]',
    'not (tags[not (value pr)]) and tags[value eq "blue" or value eq "green"]',
    'owner eq "u1"',
    'owner.display co "d"',
    'addresses[type eq "wifi" and value sw "10."]',
    'addresses.value eq "10.0.0.8"',
    f'{WARRANTY}:provider eq "acme" and {WARRANTY}:until pr',
    'not (kind eq "phone") and meta.resourceType eq "Device"',
]


async def test_it_is_filtered_by_attributes_of_every_type(api: Api) -> None:
    await api.post("/Devices", FULL)
    other = {"kind": "phone", "encrypted": False, "memory": 8, "screen": 6, "bought": "2029-01-01T00:00:00Z"}
    await api.post("/Devices", device("other", **other) | {WARRANTY: {"provider": "none"}})
    for wanted in FILTERS:
        assert [found["serialNumber"] for found in await api.found("/Devices", wanted)] == ["SN-1"], wanted
    for wanted, kind in {"encrypted gt true": "invalidFilter", 'unlockCode eq "1"': "invalidFilter"}.items():
        answer = await api.ask("GET", "/Devices", filter=wanted)
        assert (answer.status, answer.body["scimType"]) == (400, kind)


async def test_it_is_sorted_paged_and_projected(api: Api) -> None:
    for memory in (16, 4, 64):
        await api.post("/Devices", device(f"SN-{memory}", memory=memory))
    page = (await api.get("/Devices", sortBy="memory", sortOrder="descending", count=2, startIndex=2)).body
    assert (page["totalResults"], [found["memory"] for found in page["Resources"]]) == (3, [16, 4])
    [one, *_] = (await api.get("/Devices", attributes=f"memory,{WARRANTY}:provider")).body["Resources"]
    assert set(one) == {"schemas", "id", "memory", WARRANTY}
    search = await api.ask("POST", "/Devices/.search", {"filter": "memory eq 4", "excludedAttributes": ["meta"]})
    assert "meta" not in search.body["Resources"][0]


async def test_it_is_patched_replaced_and_deleted_under_its_entity_tag(api: Api) -> None:
    made = await api.post("/Devices", FULL)
    path = f"/Devices/{made.body['id']}"
    operations = [
        {"op": "replace", "path": 'addresses[type eq "wifi"].value', "value": "10.9.9.9"},
        {"op": "add", "path": "tags", "value": ["new", "old"]},
        {"op": "replace", "path": 'tags[value eq "LOAN"]', "value": "lent"},
        {"op": "remove", "path": 'tags[value sw "o"]'},
        {"op": "remove", "path": "owner"},
        {"op": "replace", "path": f"{WARRANTY}:provider", "value": "Other"},
    ]
    patched = await api.ask("PATCH", path, {"schemas": [PATCH], "Operations": operations})
    assert patched.status == 200
    assert patched.body["addresses"][0]["value"] == "10.9.9.9"
    assert patched.body["tags"] == ["blue", "lent", "new"]
    assert patched.body[WARRANTY]["provider"] == "Other"
    assert "owner" not in patched.body
    immutable = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "serialNumber", "value": "X"}]}
    assert (await api.ask("PATCH", path, immutable)).body["scimType"] == "mutability"
    required = {"schemas": [PATCH], "Operations": [{"op": "remove", "path": f"{WARRANTY}:provider"}]}
    assert (await api.ask("PATCH", path, required)).status == 400
    assert (await api.ask("PUT", path, device("SN-1"), headers={"If-Match": made.etag})).status == 412
    replaced = await api.ask("PUT", path, device("SN-1", memory=1), headers={"If-Match": patched.etag})
    assert (replaced.status, "kind" in replaced.body, replaced.body["memory"]) == (200, False, 1)
    assert (await api.ask("GET", path, headers={"If-None-Match": replaced.etag})).status == 304
    assert (await api.ask("DELETE", path)).status == 204
    assert (await api.ask("GET", path)).status == 404


async def test_a_dry_run_tells_no_secret(api: Api) -> None:
    made = await api.post("/Devices", FULL | {"unlockCode": "1234"})
    change = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "unlockCode", "value": "5678"}]}
    answer = await api.ask("PATCH", f"/Devices/{made.body['id']}", change, dryRun="true")
    assert answer.body["changes"][0]["attributes"] == [{"path": "unlockCode"}]
    assert "1234" not in str(answer.body)


async def test_people_have_the_declared_extension(api: Api) -> None:
    made = await api.user(userName="ada@example.com", **{BADGE: {"number": "B-7", "floors": [1, 2]}})
    assert made[BADGE] == {"number": "B-7", "floors": [1, 2]}
    assert BADGE in made["schemas"]
    assert [found["id"] for found in await api.found("/Users", f'{BADGE}:number eq "B-7"')] == [made["id"]]
    again = await api.ask("POST", "/Users", {"userName": "ben@example.com", BADGE: {"number": "B-7"}})
    assert (again.status, again.body["scimType"]) == (409, "uniqueness")


async def test_a_search_at_the_root_finds_it_among_the_others(api: Api) -> None:
    await api.user(userName="ada@example.com")
    await api.post("/Devices", device("SN-1"))
    found = (await api.ask("POST", "/.search", {"filter": "meta.resourceType pr"})).body["Resources"]
    assert {one["meta"]["resourceType"] for one in found} == {"User", "Device"}


async def test_whole_numbers_of_any_size_are_shown_found_and_paged(api: Api) -> None:
    sizes = [5, 2**31, 2**62, -(2**40), 2**63 - 1]
    for size in sizes:
        made = await api.post("/Devices", device(f"SN{size}", memory=size))
        assert (await api.get(f"/Devices/{made.body['id']}")).body["memory"] == size
        assert [found["memory"] for found in await api.found("/Devices", f"memory eq {size}")] == [size]
    seen, more = [], {"cursor": ""}
    while more:
        page = (await api.get("/Devices", sortBy="memory", count=2, **more)).body
        seen += [found["memory"] for found in page["Resources"]]
        more = {"cursor": page["nextCursor"]} if "nextCursor" in page else {}
    assert seen == sorted(sizes)


async def test_resources_that_refer_to_each_other_are_made_in_one_bulk_request_or_not_at_all(api: Api) -> None:
    def post(name: str, other: str, **more: Any) -> dict[str, Any]:
        data = device(name, owner={"value": f"bulkId:{other}"}, **more)
        return {"method": "POST", "path": "/Devices", "bulkId": name, "data": data}

    made = await api.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": [post("a", "b"), post("b", "a")]})
    ids = [one["location"].rpartition("/")[2] for one in made.body["Operations"]]
    owners = [(await api.get(f"/Devices/{one}")).body["owner"]["value"] for one in ids]
    assert owners == ids[::-1]
    wrong = [post("c", "d"), post("d", "c", memory="much")]
    refused = await api.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": wrong})
    assert [one["status"] for one in refused.body["Operations"]] == ["400", "400"]
    assert (await api.get("/Devices")).body["totalResults"] == 2
