"""What SCIM asks of HTTP: the version in the path, methods, media types and their charsets, challenges."""

from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR
from idp.auth import ClientSettings
from idp.schema.urns import ENTERPRISE_USER
from tests.scim.test_refusals import is_error
from tests.support.scim import Api

SITE = "http://127.0.0.1:8080"


def references(value: Any) -> set[str]:
    """Return every URI in an answer that leads to a resource."""
    if isinstance(value, dict):
        own = {inner for key, inner in value.items() if key in ("location", "$ref") and isinstance(inner, str)}
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


class TestVersionsInThePath:
    """RFC 7644 section 3.13: with a version, and without one."""

    @pytest.mark.parametrize("form", ["/scim", "/scim/v2"])
    async def test_uris_in_answers_are_of_the_form_that_was_asked(self, api: Api, form: str) -> None:
        api.base = form
        boss = await api.user()
        made = await api.post("/Users", {"userName": "ann", ENTERPRISE_USER: {"manager": boss["id"]}})
        group = await api.group(made.body)
        bulk = {"method": "PATCH", "path": f"/Groups/{group['id']}", "data": {"Operations": [{"op": "add"}]}}
        answers = [
            made.body,
            (await api.get(f"/Users/{made.body['id']}")).body,
            (await api.get("/Users", cursor="")).body,
            (await api.get(f"/Groups/{group['id']}")).body,
            (await api.get("", filter='userName eq "ann"')).body,
            (await api.ask("POST", "/Bulk", {"Operations": [bulk]})).body,
            (await api.get("/Schemas")).body,
            (await api.get("/ResourceTypes/User")).body,
            (await api.get("/ServiceProviderConfig")).body,
        ]
        for answer in answers:
            assert references(answer)
            assert all(uri.startswith(f"{SITE}{form}/") for uri in references(answer))
            assert not any(uri.startswith(f"{SITE}/scim/v2/") for uri in references(answer) if form == "/scim")
        assert made.headers["Location"] == f"{SITE}{form}/Users/{made.body['id']}"

    async def test_both_forms_show_the_same_and_remember_apart(self, api: Api) -> None:
        made = await api.post("/Users", {"userName": "ann"})
        path = f"/Users/{made.body['id']}"
        for form in ("/scim", "/scim/v2", "/scim"):
            api.base = form
            shown = await api.get(path)
            assert (shown.headers["Location"], shown.etag) == (f"{SITE}{form}{path}", made.etag)

    @pytest.mark.parametrize("base", ["/scim/v1", "/scim/v3"])
    async def test_another_version_is_refused(self, api: Api, base: str) -> None:
        api.base = base
        assert is_error(await api.ask("GET", "/Users"), 404)
        assert is_error(await api.ask("GET", "/Users", headers={"Authorization": ""}), 401)


ALLOWED = {
    "/Users": {"GET", "POST"},
    "/Users/x": {"DELETE", "GET", "PATCH", "PUT"},
    "/Bulk": {"POST"},
    "/Me": {"DELETE", "GET", "PATCH", "PUT"},
    "/ServiceProviderConfig": {"GET"},
    "/ResourceTypes": {"GET"},
    "/ResourceTypes/User": {"GET"},
    "/Schemas": {"GET"},
    "/Schemas/urn:x": {"GET"},
}


@pytest.mark.parametrize("path", ALLOWED)
async def test_a_method_that_is_not_there_is_answered_with_those_that_are(api: Api, path: str) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - ALLOWED[path]:
        refused = await api.ask(method, path, {})
        assert is_error(refused, 405)
        assert set(refused.headers["Allow"].split(",")) - {"HEAD"} == ALLOWED[path]


@pytest.mark.parametrize(
    "path", ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/Schemas/x", "/ResourceTypes/User"]
)
async def test_discovery_takes_no_filter(api: Api, path: str) -> None:
    answer = await api.ask("GET", path, filter="id pr")
    assert is_error(answer, 404 if path.endswith("/x") else 403)


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", "application/scim+json"),
        ("*/*", "application/scim+json"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/scim+json, application/json", "application/scim+json"),
        ("application/scim+json; charset=utf-8", "application/scim+json"),
        ("text/html", "application/scim+json"),
    ],
)
async def test_the_media_type_is_the_one_asked_for(api: Api, accept: str, answered: str) -> None:
    for path in ("/Users", "/Users/nobody"):
        answer = await api.ask("GET", path, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == answered


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "iso-8859-1", "windows-1252", "utf-16"])
async def test_a_body_is_read_in_the_charset_that_it_names(api: Api, charset: str) -> None:
    kind = {"Content-Type": f"application/scim+json; charset={charset}"}
    made = await api.ask("POST", "/Users", '{"userName": "zoë", "title": "Ärztin"}'.encode(charset), headers=kind)
    assert (made.status, made.body["userName"], made.body["title"]) == (201, "zoë", "Ärztin")


async def test_a_slash_too_many_at_the_end_of_base_or_path_does_no_harm(api: Api) -> None:
    made = await api.ask("POST", "//Users/", {"userName": "ada"})
    assert (made.status, made.headers["Location"]) == (201, made.body["meta"]["location"])
    assert made.body["meta"]["location"].endswith(f"/scim/v2/Users/{made.body['id']}")
    for path in ("//Users", "/Users/", f"//Users/{made.body['id']}", f"/Users/{made.body['id']}/", "//Schemas/"):
        assert (await api.get(path)).status == 200, path
    dry = await api.ask("DELETE", f"//Users/{made.body['id']}", dryRun="true")
    assert dry.body["status"] == "204"
    public = await api.ask("GET", "//ServiceProviderConfig/", headers={"Authorization": ""})
    assert public.status == 200
    assert (await api.ask("PUT", "/Users/", {})).headers["Allow"] == "GET,HEAD,POST"
    for path in ("///Users", "/Users//", f"/Users//{made.body['id']}"):
        assert (await api.ask("GET", path)).status == 404, path


async def test_a_byte_order_mark_before_a_body_is_passed_over(api: Api) -> None:
    made = await api.ask("POST", "/Users", '{"userName": "zoë"}'.encode("utf-8-sig"))
    assert (made.status, made.body["userName"]) == (201, "zoë")


async def test_a_body_in_no_charset_or_not_in_the_one_named_is_refused(api: Api) -> None:
    for charset, status, scim_type in (("rot13", 415, None), ("klingon", 415, None), ("utf-16", 400, "invalidSyntax")):
        kind = {"Content-Type": f"application/scim+json; charset={charset}"}
        assert is_error(await api.ask("POST", "/Users", b'{"userName": "a"} ', headers=kind), status, scim_type)


@pytest.mark.parametrize(
    ("given", "told"), [("", False), ("Basic YTpi", False), ("Bearer ", False), ("Bearer x", True)]
)
async def test_a_challenge_names_an_error_only_to_who_brought_a_token(api: Api, given: str, told: bool) -> None:
    refused = await api.ask("GET", "/Users", headers={"Authorization": given})
    assert is_error(refused, 401)
    challenge = 'Bearer realm="scim"' + (', error="invalid_token"' if told else "")
    assert refused.headers["WWW-Authenticate"] == challenge


async def test_a_challenge_names_the_scope_that_a_token_lacks(api: Api) -> None:
    user = await api.user()
    _, api.token = await api.behind.clients.create(SYSTEM_ACTOR("test"), "reader", ["groups:read", "users:read"])
    for method, path, scope in (
        ("POST", "/Users", "users:write"),
        ("PATCH", f"/Users/{user['id']}", "users:write"),
        ("DELETE", "/Groups/nobody", "groups:write"),
    ):
        refused = await api.ask(method, path, {"userName": "a", "Operations": [{"op": "remove", "path": "title"}]})
        assert is_error(refused, 403)
        assert scope in refused.body["detail"]
        assert refused.headers["WWW-Authenticate"] == (
            f'Bearer realm="scim", error="insufficient_scope", scope="{scope}"'
        )
    # Whom another client owns is out of reach with any scope.
    _, api.token = await api.behind.clients.create(
        SYSTEM_ACTOR("test"), "bound", settings=ClientSettings(source="elsewhere")
    )
    refused = await api.ask("DELETE", f"/Users/{user['id']}")
    assert is_error(refused, 403)
    assert "WWW-Authenticate" not in refused.headers
