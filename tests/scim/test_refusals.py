"""Whatever is sent, the answer is a SCIM error that names what is wrong, and nothing has changed."""

import asyncio
from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR
from idp.auth.clients import SCOPES
from idp.config import Config
from idp.config.model import ServerSettings
from idp.store import Store
from tests.support.scim import Answer, Api

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
SYSTEM = SYSTEM_ACTOR("test")


def is_error(answer: Answer, status: int, scim_type: str | None = None) -> bool:
    """Tell whether this is the error message of RFC 7644 section 3.12."""
    body = answer.body
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert (body["schemas"], body["status"], body.get("scimType")) == ([ERROR], str(status), scim_type)
    return bool(body["detail"])


class TestWhoAsks:
    """A bearer token says who asks, and its scopes what may be done."""

    @pytest.mark.parametrize("path", ["/Users", "/Groups/x", "/Schemas", "/ResourceTypes", "/nosuch", "/Bulk"])
    @pytest.mark.parametrize("credentials", ["", "Basic YTpi", "Bearer", "Bearer ", "bearer"])
    async def test_without_a_token_nothing_is_answered(self, api: Api, path: str, credentials: str) -> None:
        refused = await api.ask("GET", path, headers={"Authorization": credentials})
        assert is_error(refused, 401)
        assert refused.headers["WWW-Authenticate"].startswith('Bearer realm="scim"')

    @pytest.mark.parametrize("token", ["x", "ghs_" + "A" * 43, "ghs_" + "é" * 43, "x" * 5_000])
    async def test_a_token_that_is_none_is_refused_as_one(self, api: Api, token: str) -> None:
        refused = await api.ask("GET", "/Users", headers={"Authorization": f"Bearer {token}"})
        assert is_error(refused, 401)
        assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
        assert token not in str(refused.body)

    async def test_how_to_authenticate_can_be_read_by_anybody(self, api: Api) -> None:
        config = await api.ask("GET", "/ServiceProviderConfig", headers={"Authorization": ""})
        assert config.status == 200
        assert config.body["authenticationSchemes"][0]["type"] == "oauthbearertoken"
        assert (await api.ask("GET", "/Users/ServiceProviderConfig", headers={"Authorization": ""})).status == 401

    async def test_a_revoked_token_ends_at_once(self, api: Api) -> None:
        await api.behind.clients.delete(SYSTEM, "hr")
        assert is_error(await api.ask("GET", "/Users"), 401)

    async def test_the_scheme_is_named_in_any_case(self, api: Api) -> None:
        assert (await api.ask("GET", "/Users", headers={"Authorization": f"bearer  {api.token}"})).status == 200

    @pytest.mark.parametrize("scope", SCOPES)
    async def test_a_scope_allows_what_it_says_and_no_more(self, api: Api, scope: str) -> None:
        user, group = await api.user(), await api.group()
        _, api.token = await api.behind.clients.create(SYSTEM, "narrow", [scope])
        operation = {"op": "replace", "path": "displayName", "value": "x"}
        found = {
            "users:read": (await api.ask("GET", f"/Users/{user['id']}")).status,
            "groups:read": (await api.ask("GET", f"/Groups/{group['id']}")).status,
            "users:write": (await api.patch(f"/Users/{user['id']}", operation)).status,
            "groups:write": (await api.patch(f"/Groups/{group['id']}", operation)).status,
        }
        assert [name for name, status in found.items() if status != 403] == [scope]
        other = "Groups" if scope.startswith("users") else "Users"
        assert is_error(await api.ask("GET", f"/{other}"), 403)


class TestBodies:
    """Bodies that cannot be read, or not in one way only."""

    @pytest.mark.parametrize(
        ("body", "scim_type"),
        [
            (b"", "invalidSyntax"),
            (b"{", "invalidSyntax"),
            (b"[]", "invalidSyntax"),
            (b'"x"', "invalidSyntax"),
            (b'{"userName": "a", "userName": "b"}', "invalidSyntax"),
            (b'{"userName": "\xff"}', "invalidSyntax"),
            (b'{"userName": "\\ud800"}', "invalidSyntax"),
            (b'{"userName": "a\\u0000b"}', "invalidValue"),
            (b'{"userName": ' + b"[" * 50_000, "invalidSyntax"),
            (b"{}", "invalidValue"),
            (b'{"userName": ""}', "invalidValue"),
            (b'{"userName": null}', "invalidValue"),
            (b'{"userName": {"a": 1}}', "invalidValue"),
            (b'{"userName": ["a", "b"]}', "invalidValue"),
            (b'{"userName": "a", "active": "perhaps"}', "invalidValue"),
            (b'{"userName": "a", "emails": "x", "name": 5}', "invalidValue"),
            (
                b'{"userName": "a", "emails": [{"value": "x", "primary": true}, {"value": "y", "primary": true}]}',
                "invalidValue",
            ),
            (b'{"userName": "a", "x509Certificates": [{"value": "not base64!"}]}', "invalidValue"),
            (b'{"userName": "' + b"x" * 100_000 + b'"}', "invalidValue"),
        ],
    )
    async def test_a_body_that_is_no_user_is_refused(self, api: Api, body: bytes, scim_type: str) -> None:
        for method, path in (("POST", "/Users"), ("PUT", f"/Users/{(await api.user())['id']}")):
            assert is_error(await api.ask(method, path, body), 400, scim_type)
        assert (await api.get("/Users", count=0)).body["totalResults"] == 1

    @pytest.mark.parametrize(
        ("body", "scim_type"),
        [
            ({}, "invalidSyntax"),
            ({"Operations": {}}, "invalidSyntax"),
            ({"Operations": []}, "invalidSyntax"),
            ({"Operations": ["x"]}, "invalidSyntax"),
            ({"Operations": [{"op": None}]}, "invalidSyntax"),
            ({"Operations": [{"op": "move", "path": "title"}]}, "invalidSyntax"),
            ({"schemas": ["urn:x"], "Operations": [{"op": "remove", "path": "title"}]}, "invalidSyntax"),
            ({"Operations": [{"op": "remove"}]}, "noTarget"),
            ({"Operations": [{"op": "replace", "path": "title"}]}, "invalidValue"),
            ({"Operations": [{"op": "replace", "path": 5, "value": 5}]}, "invalidPath"),
            ({"Operations": [{"op": "replace", "path": "nosuch", "value": 5}]}, "invalidPath"),
            ({"Operations": [{"op": "replace", "path": "emails[", "value": 5}]}, "invalidPath"),
            ({"Operations": [{"op": "replace", "path": "emails[type]", "value": 5}]}, "invalidFilter"),
            ({"Operations": [{"op": "replace", "path": 'emails[value co "x"]', "value": {}}]}, "noTarget"),
            ({"Operations": [{"op": "replace", "path": "userName", "value": ["a", "b"]}]}, "invalidValue"),
            ({"Operations": [{"op": "remove", "path": "userName"}]}, "mutability"),
            ({"Operations": [{"op": "replace", "path": "id", "value": "x"}]}, "mutability"),
            ({"Operations": [{"op": "add", "path": "groups", "value": [{"value": "x"}]}]}, "mutability"),
        ],
    )
    async def test_a_patch_that_cannot_be_done_is_refused(self, api: Api, body: Any, scim_type: str) -> None:
        user = await api.user(title="x")
        assert is_error(await api.ask("PATCH", f"/Users/{user['id']}", body), 400, scim_type)
        assert (await api.get(f"/Users/{user['id']}")).body == user

    @pytest.mark.parametrize(
        "media_type", ["text/plain", "application/xml", "multipart/form-data", "x", "application/"]
    )
    async def test_other_media_types_are_refused(self, api: Api, media_type: str) -> None:
        assert is_error(await api.ask("POST", "/Users", {"userName": "a"}, headers={"Content-Type": media_type}), 415)

    async def test_a_body_over_the_limit_is_refused(self, open_api: Any, store: Store) -> None:
        api = await open_api(store, Config(server=ServerSettings(max_body=1_000)))
        assert is_error(await api.ask("POST", "/Users", {"userName": "a" * 2_000}), 413)

    async def test_a_body_that_is_not_compressed_as_it_says_is_refused(self, api: Api) -> None:
        headers = {"Content-Encoding": "gzip"}
        assert is_error(await api.ask("POST", "/Users", b'{"userName": "a"}', headers=headers), 400, "invalidSyntax")

    @pytest.mark.parametrize("encoding", ["compress", "x-gzip", "gzip, gzip", "klingon"])
    async def test_a_body_encoded_as_nobody_here_reads_is_refused(self, api: Api, encoding: str) -> None:
        headers = {"Content-Encoding": encoding}
        refused = await api.ask("POST", "/Users", b'{"userName": "a"}', headers=headers)
        assert is_error(refused, 415)
        assert refused.headers["Accept-Encoding"] == "gzip, deflate"
        plain = {"Content-Encoding": "Identity"}
        assert (await api.ask("POST", "/Users", b'{"userName": "a"}', headers=plain)).status == 201


class TestAddresses:
    """Addresses, methods and parameters that there are not."""

    @pytest.mark.parametrize("path", ["/nosuch", "/Users/a/b", "/Schemas/urn:x", "/ResourceTypes/x"])
    async def test_what_is_not_there_is_not_found(self, api: Api, path: str) -> None:
        assert is_error(await api.ask("GET", path), 404)

    @pytest.mark.parametrize(
        "id", ["nobody", "%00", "%FF", "...", "%2e%2e%2f", "a" * 3_000, "%F0%9F%A6%8A", "$where", "'"]
    )
    async def test_nobody_has_an_id_like_that(self, api: Api, id: str) -> None:
        for kind in ("Users", "Groups"):
            answer = await api.ask("GET", f"/{kind}/{id}")
            assert is_error(answer, 404)

    @pytest.mark.parametrize(
        ("method", "path"), [("DELETE", "/Users"), ("PUT", "/Users"), ("POST", "/Users/x"), ("POST", "/Schemas")]
    )
    async def test_a_method_that_is_not_known_there_is_named_with_those_that_are(
        self, api: Api, method: str, path: str
    ) -> None:
        refused = await api.ask(method, path)
        assert is_error(refused, 405)
        assert "GET" in refused.headers["Allow"]

    @pytest.mark.parametrize("path", ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig", "/ResourceTypes/User"])
    async def test_discovery_takes_no_filters(self, api: Api, path: str) -> None:
        assert is_error(await api.ask("GET", path, filter="id pr"), 403)

    @pytest.mark.parametrize(
        "query",
        [{"count": "x"}, {"startIndex": "1.5"}, {"sortOrder": "up"}, {"attributes": "id", "excludedAttributes": "id"}],
    )
    async def test_parameters_that_make_no_sense_are_refused(self, api: Api, query: dict[str, Any]) -> None:
        assert is_error(await api.ask("GET", "/Users", **query), 400, "invalidValue")


EVIL_FILTERS = [
    "(" * 1_000 + "userName pr" + ")" * 1_000,
    " or ".join(["userName pr"] * 1_000),
    'userName eq "' + "\\" * 1_001 + '"',
    'userName co "%_*?$"',
    'userName sw ".*(a+)+$"',
    'userName eq "\\u0000"',
    'userName eq "\\ud83d"',
    'emails[emails[type eq "x"]]',
    "userName eq \u2028",
    "\x00",
    "userName eq 1e400",
    'meta.created gt "9999-12-31T23:59:59.999999-23:59"',
    'meta.created gt "0001-01-01T00:00:00+23:59"',
    'meta.created gt "2026-02-30T00:00:00Z"',
    "a" * 8_000 + ' eq "x"',
    'members[value eq "x"].value.value eq "y"',
    'id eq "' + "x" * 7_000 + '"',
    "not not not",
    "[]",
    "userName eq eq eq",
]


@pytest.mark.parametrize("text", EVIL_FILTERS)
async def test_no_filter_makes_the_server_stumble(api: Api, text: str) -> None:
    await api.user()
    for path in ("/Users", "/Groups"):
        answer = await api.ask("GET", path, filter=text)
        assert answer.status in (200, 400), answer
        posted = await api.ask("POST", f"{path}/.search", {"filter": text})
        assert (posted.status, posted.body) == (answer.status, answer.body)


async def test_a_store_that_is_away_is_told_with_a_time_to_come_back(api: Api, store: Store) -> None:
    await api.user()
    await store.close()
    answer = await api.ask("GET", "/Users")
    assert is_error(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


async def test_many_bad_requests_at_once_leave_the_server_well(api: Api) -> None:
    bad = [api.ask("GET", "/Users", filter=text) for text in EVIL_FILTERS]
    bad += [api.ask("POST", "/Users", b"{" * 1_000) for _ in range(20)]
    assert {answer.status for answer in await asyncio.gather(*bad)} <= {200, 400}
    await api.user()
