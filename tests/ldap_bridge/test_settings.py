"""A directory's section is checked key by key, and every error names the key."""

from pathlib import Path
from typing import Any

import pytest

from idp.errors import ConfigError
from ldap_bridge.sections import RuleSettings
from ldap_bridge.settings import parse

GOOD: dict[str, Any] = {"url": "ldap://localhost:3890", "base": "dc=example"}


def test_the_preset_gives_what_the_section_leaves_out() -> None:
    source = parse("corp", GOOD)
    assert source.stable_id == "entryUUID"
    assert source.users.classes == ["inetOrgPerson"]
    assert source.users.attributes["userName"] == "uid"
    assert source.key == "ldap:corp"
    assert source.where == "ldap://localhost:3890"


def test_the_section_wins_over_the_preset_rule_by_rule() -> None:
    users = {"attributes": {"userName": "mail", "title": "", "nickName": {"from": "cn", "transform": "lower"}}}
    source = parse("corp", {**GOOD, "users": users})
    assert source.users.attributes["userName"] == "mail"
    assert source.users.attributes["title"] == ""
    assert source.users.attributes["nickName"] == RuleSettings(source="cn", transform="lower")
    assert source.users.attributes["name.familyName"] == "sn"
    assert source.users.classes == ["inetOrgPerson"]


@pytest.mark.parametrize(
    ("url", "host", "port", "ldaps"),
    [
        ("ldap://a", "a", 389, False),
        ("ldaps://a", "a", 636, True),
        ("ldap://a:1389/", "a", 1389, False),
        ("ldaps://[::1]:1636", "::1", 1636, True),
    ],
)
def test_addresses_are_read(url: str, host: str, port: int, ldaps: bool) -> None:
    server = parse("corp", {**GOOD, "url": url}).server
    assert server is not None
    assert (server.host, server.port, server.ldaps) == (host, port, ldaps)


@pytest.mark.parametrize(
    ("settings", "starttls"),
    [
        ({"url": "ldap://ldap.example.org"}, True),
        ({"url": "ldap://ldap.example.org", "starttls": False}, False),
        ({"url": "ldap://localhost"}, False),
        ({"url": "ldap://127.0.0.1:3890"}, False),
        ({"url": "ldap://127.0.0.1:3890", "starttls": True}, True),
        ({"url": "ldaps://ldap.example.org"}, False),
    ],
)
def test_the_network_is_crossed_encrypted_unless_told_otherwise(settings: dict[str, Any], starttls: bool) -> None:
    server = parse("corp", {**GOOD, **settings}).server
    assert server is not None
    assert server.starttls is starttls
    assert server.verify is True


def test_a_local_socket_is_named_by_its_file() -> None:
    for url in ("ldapi:///run/ldapi", "ldapi://%2Frun%2Fldapi", "LDAPI:///run/ldapi"):
        server = parse("corp", {**GOOD, "url": url, "bind": "external"}).server
        assert server is not None
        assert (server.socket, server.starttls, server.external) == ("/run/ldapi", False, True)
        assert server.url == "ldapi://%2Frun%2Fldapi"


def test_lists_and_tables_from_the_environment_are_json() -> None:
    source = parse(
        "corp",
        {
            **GOOD,
            "url": '["ldap://a", "ldap://b"]',
            "users": {"classes": '["person"]', "attributes": '{"userName": "mail"}', "filter": '["(a=b)", "(c=d)"]'},
            "bind_dn": "cn=x",
            "bind_password": '["secret"]',
        },
    )
    assert source.server is not None
    assert [server.host for server in source.server.all] == ["a", "b"]
    assert source.server.bind_password == '["secret"]'
    assert (source.users.classes, source.users.filter) == (["person"], ["(a=b)", "(c=d)"])
    assert source.users.attributes == {"userName": "mail"}


def test_an_address_with_an_account_in_it_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match=r"ldap\.corp\.url: names an account.*bind_dn") as caught:
        parse("corp", {**GOOD, "url": "ldap://cn=admin:hunter2@host"})
    assert "hunter2" not in str(caught.value)


def test_values_from_the_environment_come_as_text() -> None:
    source = parse("corp", {**GOOD, "starttls": "true", "page_size": "500", "interval": "15", "verify": "false"})
    assert source.server is not None
    assert (source.server.starttls, source.server.page_size, source.server.verify) == (True, 500, False)
    assert source.interval == 900


def test_a_file_is_a_source() -> None:
    source = parse("sample", {"url": "ldif:config/sample/directory.ldif"})
    assert (source.server, source.file) == (None, Path("config/sample/directory.ldif"))
    assert source.where == "ldif:config/sample/directory.ldif"


def test_a_password_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    server = parse("corp", {**GOOD, "bind_dn": "cn=x", "bind_password_file": str(secret)}).server
    assert server is not None
    assert server.bind_password == "hunter2"
    assert "hunter2" not in repr(server)


@pytest.mark.parametrize(
    ("change", "key", "why"),
    [
        ({"url": None}, "ldap.corp.url", "expected"),
        ({"url": "http://x"}, "ldap.corp.url", "ldap://host:port"),
        ({"url": "ldap://"}, "ldap.corp.url", "ldap://host:port"),
        ({"url": "ldap://host:99999"}, "ldap.corp.url", "no address"),
        ({"base": ""}, "ldap.corp.base", "missing"),
        ({"bsae": "x"}, "ldap.corp.bsae", "did you mean base"),
        ({"users": {"clases": []}}, "ldap.corp.users.clases", "did you mean classes"),
        ({"users": {"classes": []}}, "ldap.corp.users.classes", "missing"),
        ({"preset": "novell"}, "ldap.corp.preset", "389ds, active-directory, freeipa, openldap"),
        ({"page_size": 0}, "ldap.corp.page_size", ">= 1"),
        ({"limits": {"percent": 120}}, "ldap.corp.limits.percent", "<= 100"),
        ({"bind_dn": "cn=x"}, "ldap.corp.bind_password", "belong together"),
        ({"bind_password": "x"}, "ldap.corp.bind_dn", "belong together"),
        ({"bind_dn": "x", "bind_password_file": "/nowhere"}, "ldap.corp.bind_password_file", "cannot be read"),
        ({"ca_file": "/nowhere"}, "ldap.corp.ca_file", "does not exist"),
        ({"url": "ldaps://x", "starttls": True}, "ldap.corp.starttls", "one or the other"),
        ({"url": "ldapi:///x", "starttls": True}, "ldap.corp.starttls", "leave it out"),
        ({"url": "ldapi:///"}, "ldap.corp.url", "names no socket"),
        ({"url": "ldapi:///x", "cert_file": __file__}, "ldap.corp.cert_file", "not encrypted"),
        ({"bind": "external"}, "ldap.corp.cert_file", "or ldapi://"),
        ({"users": {"classes": "[person"}}, "ldap.corp.users.classes", "expected array"),
        ({"stable_id": ""}, "ldap.corp.stable_id", "missing"),
        ({"url": "ldif:x", "users": {"filter": "(a=b)"}}, "ldap.corp.users.filter", "not filtered"),
        ({"users": {"attributes": {"userName": 7}}}, "ldap.corp.users.attributes", "expected"),
    ],
)
def test_each_mistake_is_named_by_its_key(change: dict[str, Any], key: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        parse("corp", {**GOOD, **change})
    assert caught.value.key == key


def test_a_missing_url_is_named() -> None:
    with pytest.raises(ConfigError, match=r"ldap\.corp\.url: is missing"):
        parse("corp", {"base": "dc=x"})


def test_a_name_that_could_not_be_a_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="small letters"):
        parse("My Corp", GOOD)


def test_no_message_tells_a_secret() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("corp", {**GOOD, "bind_dn": "cn=x", "bind_password": ["hunter2"]})
    assert "hunter2" not in str(caught.value)


def test_a_broken_preset_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("stable_id = ")
    with pytest.raises(ConfigError, match=r"own\.toml: cannot be read"):
        parse("corp", {**GOOD, "preset": "own"}, tmp_path)


@pytest.mark.parametrize(
    ("login", "key"),
    [
        ({"limits": ["often"]}, "ldap.corp.login.limits[0]"),
        ({"outage": "guess"}, "ldap.corp.login.outage"),
        ({"cached_hours": 0}, "ldap.corp.login.cached_hours"),
        ({"outtage": "refuse"}, "ldap.corp.login.outtage"),
    ],
)
def test_what_is_said_of_logins_is_checked(login: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse("corp", {**GOOD, "login": login})
    assert caught.value.key == key


@pytest.mark.parametrize("value", [float("inf"), 1e300, 1e12])
@pytest.mark.parametrize("key", ["timeout", "connect_timeout", "bind_idle", "interval", "full_every", "purge_after"])
def test_times_that_no_clock_can_count_are_refused(key: str, value: float) -> None:
    with pytest.raises(ConfigError) as caught:
        parse("corp", {**GOOD, key: value})
    assert caught.value.key == f"ldap.corp.{key}"


def test_no_directory_is_called_as_this_store_is() -> None:
    with pytest.raises(ConfigError, match="what this store itself is called"):
        parse("internal", GOOD)
