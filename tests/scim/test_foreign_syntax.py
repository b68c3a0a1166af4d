"""What is syntax to a store is text to us: operators, patterns and paths are kept or refused as they stand."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.scim import Api

pytestmark = pytest.mark.parametrize("store", ["sqlite", "pymongo"], indirect=True)

TEXTS = ["$where", "$ne", "$title", "{$gt: ''}", ".*", "(a+)+$", "%", "_", "a.b", "'; drop table users; --", '"', "\\"]


async def test_text_is_found_by_itself_and_matches_nothing_else(api: Api) -> None:
    for text in TEXTS:
        await api.user(title=text, displayName=f"a{text}z")
    await api.user(title="plain", displayName="plain")
    for text in TEXTS:
        written = text.replace("\\", "\\\\").replace('"', '\\"')
        for asked in (f'title eq "{written}"', f'displayName eq "a{written}z"', f'displayName sw "a{written}"'):
            assert [user["title"] for user in await api.found("/Users", asked)] == [text]
        assert len(await api.found("/Users", f'displayName co "{written}"')) == len([t for t in TEXTS if text in t])
        assert await api.found("/Users", f'displayName ew "{written}"') == []


@pytest.mark.parametrize("value", [{"$ne": None}, {"$gt": ""}, {"$where": "1"}, "a\x00b", {"value": "x"}])
async def test_a_value_that_is_no_text_or_holds_a_nul_is_refused(api: Api, value: Any) -> None:
    user = await api.user(title="x")
    path = f"/Users/{user['id']}"
    refusals = [
        await api.ask("POST", "/Users", {"userName": value}),
        await api.patch(path, {"op": "replace", "path": "userName", "value": value}),
        await api.patch(path, {"op": "replace", "value": {"nickName": value, "title": "y"}}),
        await api.ask("POST", "/Groups", {"displayName": "g", "members": [{"value": value}]}),
    ]
    assert {(answer.status, answer.body["scimType"]) for answer in refusals} == {(400, "invalidValue")}
    assert (await api.get(path)).body == user


async def test_names_with_dots_and_dollars_are_nobodys_attributes(api: Api) -> None:
    odd = {"$set": {"active": False}, "a.b": 1, "meta.created": "x", "$where": "1", "": 2, "emails.0.value": "x"}
    made = await api.user(userName="ada", **odd)
    shown = (await api.get(f"/Users/{made['id']}")).body
    assert shown == made
    assert shown["active"] is True
    assert not odd.keys() & shown.keys()
    for name in ("$where", "emails.$.value", "$set.title", "a.b", "emails.0.value"):
        refused = await api.ask("GET", "/Users", filter=f'{name} eq "x"')
        assert (refused.status, refused.body["scimType"]) == (400, "invalidFilter")
        refused = await api.patch(f"/Users/{made['id']}", {"op": "replace", "path": name, "value": "x"})
        assert (refused.status, refused.body["scimType"]) == (400, "invalidPath")


@pytest.mark.parametrize("id", ['{"$ne": null}', "$ne", "a\x00", ".*"])
async def test_an_id_is_an_id(api: Api, id: str) -> None:
    user = await api.user()
    for path in (f"/Users/{quote(id)}", f"/Groups/{quote(id)}"):
        assert (await api.ask("DELETE", path)).status == 404
    refused = await api.ask("POST", "/Groups", {"displayName": "g", "members": [{"value": id}]})
    assert (refused.status, refused.body["scimType"]) == (400, "invalidValue")
    assert (await api.get("/Users")).body["Resources"] == [user]
