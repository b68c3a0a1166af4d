"""Users over SCIM: created, read, replaced, patched, deleted."""

from idp.schema.urns import ENTERPRISE_USER, USER
from tests.support.scim import Api

FULL = {
    "schemas": [USER, ENTERPRISE_USER],
    "userName": "bjensen@example.com",
    "externalId": "x-1",
    "name": {"givenName": "Barbara", "familyName": "Jensen"},
    "displayName": "Babs Jensen",
    "emails": [{"value": "bjensen@example.com", "type": "work", "primary": True}],
    "active": True,
    ENTERPRISE_USER: {"employeeNumber": "701984", "department": "Tours"},
}


async def test_a_user_is_created_and_read_back(api: Api) -> None:
    made = await api.post("/Users", FULL)
    read = await api.get(f"/Users/{made.body['id']}")
    assert made.body == read.body
    assert {key: read.body[key] for key in FULL if key != "schemas"} == {
        k: v for k, v in FULL.items() if k != "schemas"
    }
    assert set(FULL["schemas"]) <= set(read.body["schemas"])


async def test_a_created_user_comes_with_location_version_and_media_type(api: Api) -> None:
    made = await api.post("/Users", FULL)
    meta = made.body["meta"]
    assert made.headers["Content-Type"] == "application/scim+json"
    assert made.headers["Location"] == meta["location"] == f"http://127.0.0.1:8080/scim/v2/Users/{made.body['id']}"
    assert made.etag == meta["version"] == 'W/"1"'
    assert meta["resourceType"] == "User"
    assert meta["created"] == meta["lastModified"] == "2026-03-11T09:26:53.589Z"
