"""Commands beside a running server or without one: what they print, and how they end."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.support.idp import Idp, LoadedIdp

PASSWORD = "a river runs uphill"


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Idp]:
    """A running server; commands work on its store."""
    installation = LoadedIdp(tmp_path_factory.mktemp("idp"))
    installation.start()
    yield installation
    installation.process.kill()


# --- tokens ---


def test_a_token_stands_alone_on_standard_output_and_works_at_once(idp: Idp) -> None:
    done = Idp.run(idp, "token", "create", "hr")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"ghs_\w+\n", done.stdout)
    assert "totalResults" in idp.get("/Users", done.stdout.strip())


def test_a_token_is_limited_to_its_scopes_listed_and_revoked(idp: Idp) -> None:
    made = idp.json("token", "create", "reader", "--scope", "users:read", "--scope", "groups:read")
    assert made["scopes"] == ["groups:read", "users:read"]
    listed = {client["name"]: client for client in idp.json("token", "list")}
    assert listed["reader"]["scopes"] == ["groups:read", "users:read"]
    assert made["token"] not in json.dumps(listed)
    assert idp.command("token", "revoke", "reader").startswith("reader has been removed")
    assert "reader" not in idp.command("token", "list")
    assert idp.run("token", "revoke", "reader").returncode == 1


def test_a_person_gets_a_token_for_the_own_account(idp: Idp) -> None:
    idp.command("user", "create", "tokens", "--email", "tokens@example.com")
    made = idp.run("token", "create", "laptop", "--user", "tokens", "--expires", "1d").stdout
    assert re.fullmatch(r"ghp_\w+\n", made)
    assert idp.get("/Me", made.strip())["userName"] == "tokens"
    assert idp.run("token", "create", "laptop", "--user", "tokens", "--scope", "users:read").returncode == 2
    assert idp.run("token", "create", "laptop", "--user", "nobody").returncode == 1
    assert "no longer valid" in idp.command("token", "revoke", "laptop", "--user", "tokens")
    with pytest.raises(HTTPError, match="401"):
        idp.get("/Me", made.strip())


def test_a_client_is_made_shown_changed_and_removed(idp: Idp) -> None:
    token = idp.command(
        "client", "create", "hr2", "--rate", "2/1h", "--network", "127.0.0.1", "--expires", "30d"
    ).strip()
    assert "totalResults" in idp.get("/Users", token)
    shown = idp.json("client", "show", "HR2")
    assert (shown["name"], shown["profile"], shown["networks"]) == ("hr2", "standard", ["127.0.0.1/32"])
    assert (shown["rate"], shown["tokens"][0]["address"]) == ("2/1h", "127.0.0.1")
    assert shown["tokens"][0]["expires"] > shown["created"]
    assert token not in json.dumps(shown)
    changed = idp.json("client", "update", "hr2", "--rate", "", "--source", "people")
    assert (changed["rate"], changed["source"]) == ("", "people")
    rotated = idp.json("token", "rotate", "hr2", "--overlap", "0s")["token"]
    assert [row["scopes"] for row in idp.json("token", "list", "hr2")] == [shown["scopes"]]
    with pytest.raises(HTTPError, match="401"):
        idp.get("/Users", token)
    assert "totalResults" in idp.get("/Users", rotated)
    assert re.search(r"^hr2 +standard +people +1 ", idp.command("client", "list"), re.MULTILINE)
    assert idp.run("client", "create", "hr2").returncode == 1
    idp.command("client", "delete", "hr2")
    assert idp.run("client", "show", "hr2").returncode == 1


def test_what_a_client_asked_is_shown_and_counted(idp: Idp) -> None:
    token = idp.command("client", "create", "seen", "--profile", "strict").strip()
    idp.get("/Users", token)
    with pytest.raises(HTTPError, match="400"):
        idp.get("/Users", token, filter="odd")

    def logged() -> list[Any]:
        found = idp.json("client", "log", "seen")
        assert isinstance(found, list)
        return found

    idp.process.wait_until(lambda: len(logged()) == 2)
    assert [(one["operation"], one["status"]) for one in logged()] == [("GET /Users", 200), ("GET /Users", 400)]
    assert re.search(r" 400 +[\d.]+ms GET /Users .*filter", idp.command("client", "log", "seen"))
    with urlopen(f"{idp.url}/metrics") as answer:  # noqa: S310 -- our own address
        told = answer.read().decode()
    assert 'idp_scim_requests_total{client="seen",operation="GET /scim/v2/Users",status="400"} 1.0' in told
    assert idp.run("client", "log", "nobody").returncode == 1


@pytest.mark.parametrize(
    "option",
    [("--rate", "often"), ("--network", "home"), ("--profile", "odd"), ("--source", "É"), ("--expires", "soon")],
)
def test_a_setting_that_cannot_be_is_a_wrong_option(idp: Idp, option: tuple[str, str]) -> None:
    done = idp.run("client", "create", "odd", *option)
    assert done.returncode == 2
    assert option[0] in done.stderr


def test_an_unknown_scope_is_a_wrong_option(idp: Idp) -> None:
    done = idp.run("token", "create", "hr", "--scope", "users:everything")
    assert done.returncode == 2
    assert "users:everything" in done.stderr
    assert "users:read" in done.stderr


# --- accounts ---


def test_an_account_from_creation_to_deletion(idp: Idp) -> None:
    made = idp.json(
        "user", "create", "ada", "--email", "ada@example.org", "--name", "Ada Lovelace", "--role", "admin", "--no-mfa",
        "--password-stdin", stdin=f"{PASSWORD}\n",
    )  # fmt: skip
    assert (made["userName"], made["role"], made["source"], made["active"]) == ("ada", "admin", "local", True)
    for name in ("ada", "ADA@example.org", made["id"]):
        assert idp.json("user", "show", name)["id"] == made["id"]
    idp.command("user", "disable", "ada", "--reason", "on leave")
    shown = idp.command("user", "show", "ada")
    assert re.search(r"^active +no$", shown, re.MULTILINE)
    assert re.search(r"^status +on leave \(since .+, by system:cli:\w+\)$", shown, re.MULTILINE)
    assert "ada" in idp.command("user", "list", "--inactive")
    idp.command("user", "enable", "ada")
    assert idp.json("user", "show", "ada")["active"] is True
    idp.command("user", "delete", "ada")
    assert idp.run("user", "show", "ada").returncode == 1


def test_an_account_gets_another_role_and_its_own_rule_for_the_second_factor(idp: Idp) -> None:
    idp.command("user", "create", "rue", "--email", "rue@example.org", "--password-stdin", stdin=PASSWORD)
    assert idp.json("user", "set-role", "rue", "developer")["role"] == "developer"
    assert idp.command("user", "set-role", "rue@example.org", "admin") == "rue has the role admin."
    assert idp.json("user", "set-mfa", "rue", "off")["userName"] == "rue"
    assert idp.command("user", "set-mfa", "rue", "required") == "The second factor of rue is required."
    shown = idp.command("user", "show", "rue")
    assert re.search(r"^role +admin$", shown, re.MULTILINE)
    assert re.search(r"^mfa +required$", shown, re.MULTILINE)
    for command, value in (("set-role", "king"), ("set-mfa", "perhaps")):
        refused = idp.run("user", command, "rue", value)
        assert refused.returncode == 1
        assert f"'{value}' is none of" in refused.stderr


def test_an_id_means_its_account_before_any_name_and_a_shared_address_means_none(idp: Idp, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    people = [{"userName": name, "emails": [{"value": "team@example.org"}]} for name in ("nell", "Mae", "lou")]
    file.write_text(json.dumps(people))
    made = {change["name"]: change["id"] for change in idp.json("import", str(file))["changes"]}
    file.write_text(json.dumps([{"userName": "kit", "emails": [{"value": "lou@x.org"}]}]))
    idp.command("import", str(file))
    idp.command("user", "create", "lou@x.org", "--email", "other@example.org", "--password-stdin", stdin=PASSWORD)
    assert idp.json("user", "show", made["lou"])["userName"] == "lou"
    assert idp.json("user", "show", "lou@x.org")["userName"] == "lou@x.org"
    shared = idp.run("user", "disable", "team@example.org")
    assert shared.returncode == 1
    assert shared.stderr == "idp: 'team@example.org' belongs to several accounts: Mae, lou, nell\n"
    names = [row["userName"] for row in idp.json("user", "list")]
    assert names == sorted(names, key=str.lower)
    assert "Mae" in names


def test_a_new_account_without_a_password_gets_a_link(idp: Idp) -> None:
    done = idp.run("user", "create", "ben", "--email", "ben@example.org")
    assert "on its way to ben@example.org" in done.stderr
    [letter] = [letter for letter in idp.json("mail", "outbox") if letter["to"] == "ben@example.org"]
    assert f"{idp.url}/reset?token=" in letter["text"]


def test_a_password_can_be_reset_by_link_or_set_for_one_login(idp: Idp) -> None:
    idp.command("user", "create", "cy", "--email", "cy@example.org", "--password-stdin", stdin=PASSWORD)
    idp.command("user", "reset-password", "cy")
    assert any(
        "reset?token=" in letter["text"] for letter in idp.json("mail", "outbox") if letter["to"] == "cy@example.org"
    )
    assert "will have to change it" in idp.command(
        "user", "reset-password", "cy", "--password-stdin", stdin="b" + PASSWORD
    )
    weak = idp.run("user", "reset-password", "cy", "--password-stdin", stdin="short\n")
    assert (weak.returncode, weak.stderr) == (1, "idp: password: At least 10 characters.\n")
    assert idp.run("user", "reset-password", "cy", "--password-stdin").returncode == 2


def test_an_authenticator_is_set_up_and_removed(idp: Idp) -> None:
    idp.command("user", "create", "di", "--email", "di@example.org", "--password-stdin", stdin=PASSWORD)
    secret, *codes = idp.command("user", "enroll-totp", "di").splitlines()
    assert re.fullmatch(r"[A-Z2-7]{32}", secret)
    assert len(codes) == 10
    shown = idp.json("user", "show", "di")
    assert shown["factors"] == ["totp"]
    assert secret not in json.dumps(shown)
    idp.command("user", "reset-mfa", "di")
    assert idp.json("user", "show", "di")["factors"] == []


def test_errors_are_json_where_json_was_asked_for(idp: Idp) -> None:
    assert json.loads(idp.run("user", "show", "nobody", "--json").stderr) == {"error": "User 'nobody' does not exist"}
    wrong = idp.run("user", "list", "--json", env={"IDP_LISTN": "x"})
    assert json.loads(wrong.stderr)["key"] == "IDP_LISTN"


def test_names_from_strangers_cannot_speak_to_the_terminal(idp: Idp, tmp_path: Path) -> None:
    file = tmp_path / "evil.json"
    file.write_text(json.dumps([{"userName": "fox", "displayName": "\x1b]0;owned\x07 fox"}]))
    idp.command("import", str(file))
    assert "\x1b" not in idp.command("user", "show", "fox") + idp.command("user", "list")


# --- settings ---


def test_check_config_tells_where_values_come_from_and_hides_secrets(idp: Idp) -> None:
    env = {"IDP_SMTP": "smtps://user:s3cret@mail.example.org", "IDP_LDAP__CORP__BIND_PASSWORD": "s3cret"}
    env |= {"IDP_LDAP__CORP__URL": "ldap://h", "IDP_LDAP__CORP__BASE": "dc=x", "IDP_LDAP__CORP__BIND_DN": "cn=x"}
    done = idp.run("check-config", env=env)
    assert done.returncode == 0
    assert "s3cret" not in done.stdout
    assert 'mail.smtp = "smtps://***@mail.example.org"  (IDP_SMTP)' in done.stdout
    assert 'ldap.corp.bind_password = "***"  (IDP_LDAP__CORP__BIND_PASSWORD)' in done.stdout
    assert "All settings are right." in done.stdout


def test_check_config_lists_everything_that_is_wrong(idp: Idp) -> None:
    done = idp.run("check-config", "--json", env={"IDP_SERVER__WORKERS": "x", "IDP_LDAP__CORP__URL": "ftp://x"})
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert {problem["key"] for problem in found["problems"]} == {"server.workers", "ldap.corp.base"}
    assert found["settings"]["server.data"]["source"] == "IDP_DATA"


def test_check_config_refuses_what_could_not_work_without_asking_any_server(idp: Idp) -> None:
    env = {"IDP_SECRET_KEY": "zz", "IDP_SERVER__METRICS_FROM": '["a"]', "IDP_BOGUS": "1"}
    for name, base, users_filter in (("A", "nonsense", ""), ("B", "dc=x", "(((")):
        env |= {f"IDP_LDAP__{name}__URL": "ldap://127.0.0.1:1", f"IDP_LDAP__{name}__BASE": base}
        env[f"IDP_LDAP__{name}__USERS__FILTER"] = users_filter
    done = idp.run("check-config", "--json", env=env)
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert {problem["key"] for problem in found["problems"]} == {
        "secrets.key",
        "server.metrics_from",
        "ldap.a.base",
        "ldap.b.users.filter",
    }
    assert [warning["key"] for warning in found["warnings"]] == ["IDP_BOGUS"]


# --- import ---


def test_an_import_is_shown_first_and_then_made(idp: Idp, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("userName,email,groups\nhal,hal@example.org,Crew\nivy,ivy@example.org,Crew;Board\n")
    dry = idp.run("import", "--dry-run", str(file))
    assert dry.returncode == 0
    assert dry.stderr == "Nothing was changed. 4 new, 0 changed, 0 as before, 0 wrong.\n"
    assert idp.run("user", "show", "hal").returncode == 1
    made = idp.json("import", str(file))
    assert [change["name"] for change in made["changes"]] == ["hal", "ivy", "Crew", "Board"]
    assert {group["display"] for group in idp.json("user", "show", "ivy")["groups"]} == {"Crew", "Board"}
    assert idp.json("import", str(file))["unchanged"] == 4


def test_a_wrong_row_stops_the_import_unless_told_otherwise(idp: Idp, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("userName,active\njon,maybe\nkim,true\n")
    done = idp.run("import", str(file))
    assert done.returncode == 1
    assert f"{file}, line 2: active: " in done.stderr
    assert idp.run("user", "show", "kim").returncode == 1
    skipped = idp.run("import", "--skip-wrong", str(file))
    assert skipped.returncode == 1
    assert idp.json("user", "show", "kim")["active"] is True


def test_people_who_stand_twice_on_one_line_stop_the_import_before_it_begins(idp: Idp, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text('[{"userName":"k1"},{"userName":"k2"},{"userName":"K1"}]')
    for arguments in (["import", "--dry-run", str(file)], ["import", str(file)]):
        done = idp.run(*arguments)
        assert done.returncode == 1
        assert done.stderr.endswith("Nothing was changed. 2 new, 0 changed, 0 as before, 1 wrong.\n")
    assert idp.run("user", "show", "k1").returncode == 1


# --- help ---


def test_the_version_is_that_of_the_package(idp: Idp) -> None:
    assert idp.command("--version") == f"gatehouse {version('gatehouse')}"


def test_help_comes_without_loading_the_server(idp: Idp) -> None:
    """Loading takes most of a second; help should not."""
    done = Idp.run(idp, "--help", env={"PYTHONPROFILEIMPORTTIME": "1"})
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in loaded
    assert not loaded & {"aiohttp", "apsw", "argon2", "cryptography", "jinja2", "ldap3", "pymongo", "uvloop"}
