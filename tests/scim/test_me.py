"""/Me: people and their own account, by a token of their own."""

from datetime import timedelta
from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR
from idp.errors import InvalidValue
from idp.schema.urns import USER
from tests.support.scim import Api

ME = SYSTEM_ACTOR("test")


@pytest.fixture
async def ada(api: Api) -> Any:
    """A person with a token, which the client uses from then on."""
    made = await api.user(userName="ada", emails=[{"value": "ada@example.com"}], title="Countess")
    api.token = await api.behind.personal_tokens.create(ME, made["id"], "laptop")
    return made


async def test_me_is_the_account_of_who_asks_with_its_own_address(api: Api, ada: Any) -> None:
    shown = await api.get("/Me")
    assert shown.body == ada
    assert shown.headers["Location"] == ada["meta"]["location"]
    assert shown.body["meta"]["location"].endswith(f"/Users/{ada['id']}")
    assert (await api.get("/Me", attributes="title")).body["title"] == "Countess"
    assert (await api.ask("GET", "/Me", headers={"If-None-Match": shown.etag})).status == 304


async def test_people_change_what_is_theirs_to_change(api: Api, ada: Any) -> None:
    patched = await api.patch("/Me", {"op": "replace", "path": "nickName", "value": "Ada"})
    assert (patched.status, patched.body["nickName"]) == (200, "Ada")
    put = await api.ask("PUT", "/Me", patched.body | {"displayName": "Ada L."}, headers={"If-Match": patched.etag})
    assert (put.status, put.body["displayName"], put.headers["Location"]) == (200, "Ada L.", ada["meta"]["location"])
    stale = await api.ask("PUT", "/Me", patched.body, headers={"If-Match": patched.etag})
    assert stale.status == 412


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "userName", "value": "root"},
        {"op": "replace", "path": "active", "value": False},
        {"op": "add", "path": "emails", "value": [{"value": "other@example.com"}]},
        {"op": "replace", "path": "password", "value": "correct horse battery"},
        {"op": "add", "path": "roles", "value": [{"value": "admin"}]},
    ],
)
async def test_people_do_not_change_what_is_not(api: Api, ada: Any, operation: dict[str, Any]) -> None:
    assert (await api.patch("/Me", operation)).status == 403
    assert (await api.get("/Me")).body == ada


async def test_a_put_that_leaves_out_what_is_not_theirs_is_refused(api: Api, ada: Any) -> None:
    refused = await api.ask("PUT", "/Me", {"schemas": [USER], "userName": "ada"})
    assert refused.status == 403
    assert (await api.get("/Me")).body == ada


async def test_a_personal_token_reaches_nothing_else(api: Api, ada: Any) -> None:
    other = await api.behind.users.create(ME, {"userName": "other"})
    await api.behind.users.assign_role(ME, ada["id"], "root")
    refused = [("GET", "/Users"), ("GET", f"/Users/{other.id}"), ("GET", "/Groups"), ("DELETE", "/Me"), ("GET", "/")]
    for method, path in refused:
        assert (await api.ask(method, path)).status == 403, path
    assert (await api.ask("POST", "/Users", {"userName": "x"})).status == 403
    assert (await api.get(f"/Users/{ada['id']}")).body["userName"] == "ada"


@pytest.mark.usefixtures("ada")
async def test_a_client_has_no_account(api: Api) -> None:
    _, api.token = await api.behind.clients.create(ME, "another")
    for method in ("GET", "DELETE"):
        assert (await api.ask(method, "/Me")).status == 404
    assert (await api.ask("POST", "/Me", {})).status == 405


async def test_tokens_end_with_the_account_and_when_it_is_switched_off(api: Api, ada: Any) -> None:
    await api.behind.users.set_active(ME, ada["id"], active=False, reason="left")
    assert (await api.ask("GET", "/Me")).status == 401
    with pytest.raises(InvalidValue, match="switched off"):
        await api.behind.personal_tokens.create(ME, ada["id"], "again")
    await api.behind.users.set_active(ME, ada["id"], active=True, reason="back")
    assert (await api.ask("GET", "/Me")).status == 401
    api.token = await api.behind.personal_tokens.create(ME, ada["id"], "new")
    assert (await api.get("/Me")).status == 200
    await api.behind.users.delete(ME, ada["id"])
    assert (await api.ask("GET", "/Me")).status == 401


async def test_tokens_expire_and_are_ended_by_name(api: Api, ada: Any) -> None:
    tokens = api.behind.personal_tokens
    short = await tokens.create(ME, ada["id"], "short", timedelta(minutes=1))
    await tokens.end(ME, ada["id"], "laptop")
    assert (await api.ask("GET", "/Me")).status == 401
    api.token = short
    assert (await api.get("/Me")).status == 200
    api.behind.clock.advance(61)
    assert (await api.ask("GET", "/Me")).status == 401
