"""Settings: where they come from, which one wins, and what is said of wrong ones."""

import re
import tomllib
from pathlib import Path

import pytest

from idp.config import Config, load, read
from idp.config.load import SHORT_NAMES, keys
from idp.errors import ConfigError

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config" / "idp.toml"
MANUAL = ROOT / "docs" / "configuration.md"
KEYS = [key for key, _ in keys()]


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Away from config/idp.toml, which is read when it lies below the working directory."""
    monkeypatch.chdir(tmp_path)


def write(tmp_path: Path, text: str) -> str:
    file = tmp_path / "idp.toml"
    file.write_text(text)
    return str(file)


def test_without_anything_the_defaults_hold() -> None:
    config = load(None, {}, {})
    assert config == Config()
    assert config.public_url == "http://127.0.0.1:8080"
    assert config.store_url == "sqlite:./var/idp.sqlite"


def test_the_later_of_file_environment_and_option_wins(tmp_path: Path) -> None:
    file = write(tmp_path, '[server]\nlisten = "127.0.0.1:1"\ndata = "a"\nworkers = 2\n')
    config = load(file, {"IDP_LISTEN": "127.0.0.1:2", "IDP_SERVER__DATA": "b"}, {"server.listen": "127.0.0.1:3"})
    assert (config.server.listen, config.server.data, config.server.workers) == ("127.0.0.1:3", "b", 2)


def test_the_source_of_every_value_is_told(tmp_path: Path) -> None:
    file = write(tmp_path, "[server]\nworkers = 2\n")
    loaded = read(file, {"IDP_DATA": "b"}, {"server.listen": "127.0.0.1:3"})
    assert loaded.sources == {"server.workers": file, "server.data": "IDP_DATA", "server.listen": "option"}


def test_a_file_is_named_by_the_environment_or_lies_at_its_usual_place(tmp_path: Path) -> None:
    named = write(tmp_path, "[server]\nworkers = 2\n")
    assert load(None, {"IDP_CONFIG": named}, {}).server.workers == 2
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "idp.toml").write_text("[server]\nworkers = 3\n")
    assert load(None, {}, {}).server.workers == 3


@pytest.mark.parametrize(("name", "key"), SHORT_NAMES.items())
def test_short_names_set_their_key_and_empty_ones_nothing(name: str, key: str) -> None:
    section, _, inner = key.partition(".")
    text = {"server.listen": "h:1", "store.url": "sqlite:x", "mail.smtp": "smtp://h", "server.public_url": "https://h"}
    config = load(None, {name: text.get(key, "text")}, {})
    assert getattr(getattr(config, section), inner) == text.get(key, "text")
    assert load(None, {name: ""}, {}) == Config()


def test_text_from_the_environment_is_read_as_its_key_s_type() -> None:
    environ = {
        "IDP_SERVER__WORKERS": "4",
        "IDP_SERVER__DEADLINE": "2.5",
        "IDP_DIRECTORY__STRICT_NAMES": "true",
        "IDP_LOGIN__FACTORS": "email_code, totp",
        "IDP_LOGIN__ACCOUNT_LIMITS": '["3/1m", "9/1h"]',
    }
    config = load(None, environ, {})
    assert (config.server.workers, config.server.deadline, config.directory.strict_names) == (4, 2.5, True)
    assert config.login.factors == ["email_code", "totp"]
    assert config.login.account_limits == ["3/1m", "9/1h"]


def test_directories_are_handed_on_as_written_and_single_keys_come_from_the_environment(tmp_path: Path) -> None:
    file = write(tmp_path, '[ldap.corp]\nurl = "ldap://a"\n[ldap.corp.map]\nuserName = "uid"\n')
    config = load(file, {"IDP_LDAP__CORP__BIND_PASSWORD": "s3cret", "IDP_LDAP__CORP__MAP__MAIL": "m"}, {})
    assert config.ldap == {
        "corp": {"url": "ldap://a", "bind_password": "s3cret", "map": {"userName": "uid", "mail": "m"}}
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nlisen = 1\n", "server.lisen: is not a setting; did you mean server.listen?"),
        ("[sever]\n", "sever: is not a section; did you mean server?"),
        ("server = 1\n", r"server: is a section: write \[server\]"),
        ("[ldap]\nurl = 'x'\n", r"ldap.url: is a directory's section: write \[ldap.url\]"),
        ("[server]\nworkers = '2'\n", "server.workers: expected int, got str"),
        ("[server]\nworkers = 0\n", "server.workers: expected int >= 1"),
        ("[store]\ntimeout = inf\n", "store.timeout: expected float <= 86400"),
        ("[login]\nsession_max = inf\n", "login.session_max: expected float <= 31622400"),
        ("[scim]\ncursor_timeout = 1e300\n", "scim.cursor_timeout: expected float <= 31622400"),
        ("[directory]\nhistory_days = 9999999999\n", "directory.history_days: expected int <= 36500"),
        ("[server]\nlisten = 'here'\n", "server.listen: must be host:port"),
        ("[login]\nmfa = 'always'\n", "login.mfa: invalid enum value"),
        ("[login]\nfactors = ['totp', 'sms']\n", "login.factors: invalid enum value"),
        ("[login]\nfactor_limits = ['5']\n", "login.factor_limits: must be failures/time, like 10/5m"),
        ("[login]\nsession_max = 10.0\n", "login.session_max: is less than login.session_idle"),
        ("[scim]\ndefault_count = 2000\n", "scim.default_count: is more than scim.max_results"),
        ("[store]\nurl = 'postgres://x'\n", "store.url: must be sqlite:file, mongodb://host/database"),
    ],
)
def test_a_wrong_file_is_refused_with_the_key_and_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(write(tmp_path, text), {}, {})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read: No such file"):
        load("nowhere.toml", {}, {})
    with pytest.raises(ConfigError, match=r"idp\.toml: is not TOML: .*line 1"):
        load(write(tmp_path, "[server\n"), {}, {})


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"IDP_LISTN": "x"}, "IDP_LISTN: is not a variable of ours; did you mean IDP_LISTEN?"),
        ({"IDP_SERVER__LISTN": "x"}, "server.listn: is not a setting; did you mean server.listen?"),
        ({"IDP_SERVER__WORKERS": "many"}, r"server.workers: expected int, got str \(in IDP_SERVER__WORKERS\)"),
        ({"IDP_LOGIN_MFA": "off"}, "IDP_LOGIN_MFA: is not a variable of ours; did you mean IDP_LOGIN__MFA?"),
        ({"IDP_SERVER__TRUSTED_PROXIES": '["x"]'}, "server.trusted_proxies: 'x' does not appear to be an IPv4 or IPv6"),
        ({"IDP_SERVER__METRICS_FROM": '["a"]'}, "server.metrics_from: 'a' does not appear to be an IPv4 or IPv6"),
        ({"IDP_NOTHING__AT_ALL": "x"}, "nothing.at_all: is not a setting"),
    ],
)
def test_a_wrong_variable_is_refused(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(None, environ, {})


def test_variables_of_others_that_share_the_prefix_are_left_alone() -> None:
    """Kubernetes sets these in every pod beside a service called idp."""
    environ = {"IDP_PORT": "tcp://10.0.0.1:80", "IDP_SERVICE_HOST": "10.0.0.1", "IDP_PORT_80_TCP_ADDR": "10.0.0.1"}
    environ |= {
        "IDP_WEB_SERVICE_PORT_HTTP": "80",
        "IDP_WEB_PORT": "tcp://10.0.0.1:80",
        "IDP_TEST_MONGODB": "mongodb://h",
    }
    loaded = read(None, environ, {})
    assert (loaded.config, loaded.problems, loaded.warnings) == (Config(), (), ())


def test_any_other_variable_with_our_prefix_is_warned_of() -> None:
    loaded = read(None, {"IDP_BOGUS": "1"}, {})
    assert loaded.problems == ()
    [warning] = loaded.warnings
    assert str(warning).startswith("IDP_BOGUS: is not a variable of ours and sets nothing; the nearest is IDP_")


def test_everything_wrong_is_found_at_once_and_the_rest_still_holds(tmp_path: Path) -> None:
    file = write(tmp_path, "[server]\nworkers = 'x'\ndrain = 3\n[stoer]\n")
    loaded = read(file, {"IDP_LISTEN": "here"}, {})
    assert {problem.key for problem in loaded.problems} == {"server.workers", "stoer", "server.listen"}
    assert loaded.config.server.drain == 3


def test_no_message_holds_a_value() -> None:
    """Values may be passwords."""
    with pytest.raises(ConfigError) as caught:
        load(None, {"IDP_SMTP": "user:s3cret@host"}, {})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("key", KEYS)
def test_the_shipped_file_explains_every_key(key: str) -> None:
    section, _, name = key.partition(".")
    block = re.split(r"^\[", SHIPPED.read_text(), flags=re.MULTILINE)
    mine = next(part for part in block if part.startswith(f"{section}]"))
    assert re.search(rf"^#{name} = ", mine, re.MULTILINE), f"config/idp.toml does not show {key}"


def test_the_shipped_file_with_every_key_uncommented_holds_exactly_the_defaults() -> None:
    uncommented = re.sub(r"^#(?=[a-z_]+ = )", "", SHIPPED.read_text(), flags=re.MULTILINE)
    tree = tomllib.loads(uncommented)
    tree.pop("ldap")
    shipped = {f"{section}.{name}": value for section, content in tree.items() for name, value in content.items()}
    assert shipped == dict(keys())


@pytest.mark.parametrize("key", KEYS)
def test_the_manual_explains_every_key(key: str) -> None:
    assert f"`{key}`" in MANUAL.read_text(), f"docs/configuration.md does not mention {key}"
