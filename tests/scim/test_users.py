"""Users over SCIM: created, read, replaced, patched, deleted."""

from typing import Any, ClassVar

import pytest

from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER, USER
from tests.support.scim import Api

FULL: dict[str, Any] = {
    "schemas": [USER, ENTERPRISE_USER],
    "userName": "bjensen@example.com",
    "externalId": "x-1",
    "name": {"givenName": "Barbara", "familyName": "Jensen"},
    "displayName": "Babs Jensen",
    "emails": [{"value": "bjensen@example.com", "type": "work", "primary": True}],
    "active": True,
    ENTERPRISE_USER: {"employeeNumber": "701984", "department": "Tours"},
}
LOCATION = "http://127.0.0.1:8080/scim/v2/Users/"


async def test_a_user_is_created_and_read_back(api: Api) -> None:
    made = await api.post("/Users", FULL)
    read = await api.get(f"/Users/{made.body['id']}")
    assert made.body == read.body
    assert {key: read.body[key] for key in FULL} == FULL | {"schemas": read.body["schemas"]}
    assert read.body["schemas"] == [USER, ENTERPRISE_USER, GATEHOUSE_USER]


async def test_where_an_account_comes_from_is_shown_to_who_asks(api: Api) -> None:
    made = await api.user(**{GATEHOUSE_USER: {"description": "d", "source": "local", "role": "root"}})
    assert made[GATEHOUSE_USER] == {"description": "d"}
    path = f"/Users/{made['id']}"
    own = (await api.get(path, attributes=GATEHOUSE_USER)).body[GATEHOUSE_USER]
    assert own.pop("source").startswith("scim:")
    assert own == {"description": "d", "role": "user"}
    await api.patch(path, {"op": "replace", "path": "active", "value": False})
    shown = (await api.get(path, attributes=f"{GATEHOUSE_USER}:status.by,active")).body
    assert (shown["active"], shown[GATEHOUSE_USER]) == (False, {"status": {"by": "client:hr"}})


async def test_a_created_user_comes_with_location_version_and_media_type(api: Api) -> None:
    made = await api.post("/Users", FULL)
    meta = made.body["meta"]
    assert made.headers["Content-Type"] == "application/scim+json"
    assert made.headers["Location"] == meta["location"] == LOCATION + made.body["id"]
    assert made.etag == meta["version"] == 'W/"1"'
    assert meta["resourceType"] == "User"
    assert meta["created"] == meta["lastModified"] == "2026-03-11T09:26:53.589Z"


async def test_a_body_is_taken_under_either_media_type_and_answered_under_the_one_asked_for(api: Api) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}
    made = await api.ask("POST", "/Users", {"userName": "a"}, headers=headers)
    assert made.status == 201
    assert made.headers["Content-Type"] == "application/json"


async def test_a_password_is_taken_and_never_shown(api: Api) -> None:
    made = await api.user(password="correct horse")
    assert "password" not in made
    assert await api.behind.store.get("credentials", made["id"])
    changed = await api.patch(f"/Users/{made['id']}", {"op": "replace", "path": "password", "value": "battery staple"})
    assert changed.status == 200
    assert "password" not in changed.body
    assert "password" not in (await api.get(f"/Users/{made['id']}", attributes="password")).body


async def test_a_second_user_of_the_name_is_refused_whatever_its_case(api: Api) -> None:
    await api.user(userName="bjensen")
    again = await api.ask("POST", "/Users", {"userName": "BJensen"})
    assert again.status == 409
    assert again.body["scimType"] == "uniqueness"
    assert "userName" in again.body["detail"]


async def test_put_replaces_what_is_there(api: Api) -> None:
    made = await api.post("/Users", FULL | {"nickName": "Babs", "title": "Tour guide"})
    put = await api.ask("PUT", f"/Users/{made.body['id']}", FULL | {"title": "Director", "id": "other", "meta": {}})
    assert put.status == 200
    assert put.etag == 'W/"2"'
    assert put.body["title"] == "Director"
    assert "nickName" not in put.body
    assert put.body["id"] == made.body["id"]
    assert put.body == (await api.get(f"/Users/{made.body['id']}")).body


async def test_patch_answers_with_the_user(api: Api) -> None:
    made = await api.post("/Users", FULL)
    api.behind.clock.advance(60)
    patched = await api.patch(f"/Users/{made.body['id']}", {"op": "replace", "path": "name.givenName", "value": "Bea"})
    assert patched.status == 200
    assert patched.etag == 'W/"2"'
    assert patched.body["name"] == {"givenName": "Bea", "familyName": "Jensen"}
    assert patched.body["meta"]["lastModified"] > made.body["meta"]["lastModified"]
    assert patched.body == (await api.get(f"/Users/{made.body['id']}")).body


async def test_patch_that_changes_nothing_keeps_the_version(api: Api) -> None:
    made = await api.post("/Users", FULL)
    patched = await api.patch(f"/Users/{made.body['id']}", {"op": "replace", "path": "active", "value": "True"})
    assert patched.body == made.body


async def test_patch_is_all_or_nothing(api: Api) -> None:
    made = await api.post("/Users", FULL)
    refused = await api.patch(
        f"/Users/{made.body['id']}",
        {"op": "replace", "path": "title", "value": "x"},
        {"op": "replace", "path": "id", "value": "2"},
    )
    assert refused.status == 400
    assert refused.body["scimType"] == "mutability"
    assert (await api.get(f"/Users/{made.body['id']}")).body == made.body


async def test_a_deleted_user_is_gone(api: Api) -> None:
    made = await api.user()
    assert (await api.ask("DELETE", f"/Users/{made['id']}")).status == 204
    for method in ("GET", "DELETE"):
        assert (await api.ask(method, f"/Users/{made['id']}")).status == 404
    assert (await api.patch(f"/Users/{made['id']}", {"op": "add", "path": "title", "value": "x"})).status == 404
    assert (await api.ask("PUT", f"/Users/{made['id']}", {"userName": "x"})).status == 404


async def test_attributes_are_chosen_on_every_answer(api: Api) -> None:
    made = await api.post("/Users", FULL, attributes="userName")
    assert set(made.body) == {"schemas", "id", "userName"}
    path = f"/Users/{made.body['id']}"
    assert set((await api.get(path, attributes="name.givenName")).body) == {"schemas", "id", "name"}
    assert "emails" not in (await api.get(path, excludedAttributes="emails")).body
    put = await api.ask("PUT", path, FULL, attributes="emails.value")
    assert put.body["emails"] == [{"value": "bjensen@example.com"}]
    operation = {"op": "add", "path": "title", "value": "x"}
    assert set((await api.patch(path, operation, attributes="title")).body) == {"schemas", "id", "title"}
    found = await api.get("/Users", attributes="displayName")
    assert set(found.body["Resources"][0]) == {"schemas", "id", "displayName"}


async def test_a_user_shows_the_groups_it_is_in(api: Api) -> None:
    user = await api.user()
    inner = await api.group(user, displayName="inner")
    outer = await api.group(inner, displayName="outer")
    groups = (await api.get(f"/Users/{user['id']}")).body["groups"]
    base = LOCATION.replace("Users", "Groups")
    assert groups == [
        {"value": inner["id"], "display": "inner", "type": "direct", "$ref": base + inner["id"]},
        {"value": outer["id"], "display": "outer", "type": "indirect", "$ref": base + outer["id"]},
    ]
    found = await api.found("/Users", f'id eq "{user["id"]}"')
    assert found[0]["groups"] == groups
    assert "groups" not in (await api.get(f"/Users/{user['id']}", excludedAttributes="groups")).body


class TestEntityTags:
    """Versions keep writers from overwriting each other."""

    CHANGE: ClassVar[dict[str, Any]] = {"Operations": [{"op": "replace", "path": "title", "value": "x"}]}

    async def test_a_reader_who_has_the_version_gets_no_body(self, api: Api) -> None:
        made = await api.post("/Users", FULL)
        path = f"/Users/{made.body['id']}"
        same = await api.ask("GET", path, headers={"If-None-Match": made.etag})
        assert (same.status, same.body, same.etag) == (304, None, made.etag)
        assert (await api.ask("GET", path, headers={"If-None-Match": 'W/"7", W/"1"'})).status == 304
        assert (await api.ask("GET", path, headers={"If-None-Match": 'W/"7"'})).status == 200

    @pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)
    async def test_what_others_change_of_the_representation_is_not_kept_from_a_reader(self, api: Api) -> None:
        boss = await api.user(displayName="Ann")
        made = await api.post("/Users", {"userName": "bob", ENTERPRISE_USER: {"manager": boss["id"]}})
        path, tags = f"/Users/{made.body['id']}", [made.etag]

        async def changed() -> bool:
            """Tell whether somebody who has the last tag is shown another representation, and remember its tag."""
            await api.get(path)
            answer = await api.ask("GET", path, headers={"If-None-Match": tags[-1]})
            if answer.status == 200:
                assert answer.body["meta"]["version"] == answer.etag
                [listed] = await api.found("/Users", 'userName eq "bob"')
                assert listed["meta"]["version"] == answer.etag
                tags.append(answer.etag)
            return answer.status == 200

        assert not await changed()
        group = await api.group(made.body)
        assert await changed()
        assert not await changed()
        await api.patched(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "crew"})
        assert await changed()
        # What the manager is called is shown on request only.
        await api.patched(f"/Users/{boss['id']}", {"op": "replace", "path": "displayName", "value": "Ann Lee"})
        assert not await changed()
        assert len(set(tags)) == len(tags)
        # None of it was a change of the person: a writer loses nothing.
        written = await api.ask("PATCH", path, self.CHANGE, headers={"If-Match": tags[0]})
        assert (written.status, written.body["meta"]["version"]) == (200, written.etag)
        assert not (await api.ask("GET", path, headers={"If-None-Match": written.etag})).body

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("tag", ['W/"7"', '"x"', "nonsense", 'W/"7", W/"8"'])
    async def test_a_writer_with_another_version_is_refused(self, api: Api, method: str, tag: str) -> None:
        made = await api.post("/Users", FULL)
        body = {"PUT": FULL, "PATCH": self.CHANGE, "DELETE": None}[method]
        refused = await api.ask(method, f"/Users/{made.body['id']}", body, headers={"If-Match": tag})
        assert refused.status == 412
        assert (await api.get(f"/Users/{made.body['id']}")).body == made.body

    @pytest.mark.parametrize(("method", "status"), [("PUT", 200), ("PATCH", 200), ("DELETE", 204)])
    @pytest.mark.parametrize("tag", ['W/"1"', '"1"', "*", 'W/"7", W/"1"'])
    async def test_a_writer_with_the_version_is_heard(self, api: Api, method: str, status: int, tag: str) -> None:
        made = await api.post("/Users", FULL)
        body = {"PUT": FULL, "PATCH": self.CHANGE, "DELETE": None}[method]
        answer = await api.ask(method, f"/Users/{made.body['id']}", body, headers={"If-Match": tag})
        assert answer.status == status

    @pytest.mark.parametrize(("method", "status"), [("PUT", 200), ("PATCH", 200), ("DELETE", 204)])
    async def test_a_writer_may_say_which_versions_must_not_be_there(self, api: Api, method: str, status: int) -> None:
        made = await api.post("/Users", FULL)
        path, body = f"/Users/{made.body['id']}", {"PUT": FULL, "PATCH": self.CHANGE, "DELETE": None}[method]
        for headers in ({"If-None-Match": "*"}, {"If-None-Match": 'W/"7", W/"1"'}, {"If-None-Match": made.etag}):
            refused = await api.ask(method, path, body, headers=headers)
            assert (refused.status, "If-None-Match" in refused.body["detail"]) == (412, True)
        both = await api.ask(method, path, body, headers={"If-None-Match": 'W/"7"', "If-Match": 'W/"8"'})
        assert both.status == 412
        assert (await api.get(path)).body == made.body
        heard = await api.ask(method, path, body, headers={"If-None-Match": 'W/"7"', "If-Match": 'W/"1"'})
        assert heard.status == status
        assert (await api.ask(method, "/Users/nobody", body, headers={"If-None-Match": "*"})).status == 404
