"""How the server starts: its first words, its readiness, and settings it cannot start with."""

import stat
import urllib.request
from collections.abc import Callable

import pytest

from tests.idp.app.conftest import NewIdp
from tests.support.idp import Idp
from tests.support.mongod import Mongod
from tests.support.ports import HOST
from tests.support.process import PATIENCE


def test_the_first_words_name_every_address_and_the_set_up_link(idp: Idp) -> None:
    idp.process.wait_until(lambda: "/setup?token=" in idp.process.log_text())
    words = idp.process.log_text()
    for address in (f"{idp.url}/login", f"{idp.url}/admin", f"{idp.url}/scim/v2"):
        assert address in words
    assert "\x1b" not in words, "no colours in a file"
    with urllib.request.urlopen(idp.setup_link(), timeout=PATIENCE) as page:  # noqa: S310 -- our own server
        assert page.status == 200


def test_the_link_is_for_an_empty_installation_only(idp: Idp) -> None:
    idp.command("user", "create", "root", "--email", "root@example.org", "--role", "root")
    idp.stop()
    idp.process.log.write_text("")
    idp.start()
    idp.process.wait_until(lambda: "store" in idp.process.log_text())
    assert idp.stop() == 0
    assert "/setup?token=" not in idp.process.log_text()


def test_only_the_server_s_own_user_can_read_its_data(idp: Idp) -> None:
    data = idp.directory / "data"
    idp.process.wait_until((data / "secret.key").exists)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"server__workers": "none"}, "server.workers: expected int"),
        ({"secret_key": "c2hvcnQ="}, "secrets.key: expected one or more keys of 32 bytes"),
        ({"ldap__corp__url": "ldap://x"}, "ldap.corp.base: is missing"),
        ({"data": "/proc/nowhere"}, "server.data: /proc/nowhere cannot be made"),
        ({"store": "sqlite:/proc/nowhere/idp.sqlite"}, "/proc/nowhere"),
    ],
)
def test_a_wrong_setting_ends_the_server_with_status_2_and_the_key(
    new_idp: NewIdp, settings: dict[str, str], message: str
) -> None:
    done = new_idp(**settings).run("serve")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"server__listn": "x"}, "server.listn: is not a setting; did you mean server.listen?"),
        ({"listen": "nowhere.invalid:80"}, "server.listen: cannot listen on nowhere.invalid:80"),
        ({"server__trusted_proxies": "10.0.0"}, "server.trusted_proxies: "),
    ],
)
def test_a_setting_that_is_wrong_on_the_face_of_it_ends_it_before_it_is_a_server(
    new_idp: NewIdp, settings: dict[str, str], message: str
) -> None:
    done = new_idp(**settings).run_here("serve")
    assert done.returncode == 2
    assert message in done.stderr


def test_a_port_in_use_ends_the_server_with_the_address(idp: Idp, new_idp: NewIdp) -> None:
    for workers in ("1", "2"):
        done = new_idp(f"other{workers}", listen=f"{HOST}:{idp.port}", server__workers=workers).run("serve")
        assert done.returncode == 2
        assert f"server.listen: cannot listen on {HOST}:{idp.port}: Address already in use" in done.stderr


def test_the_server_starts_without_its_store_and_becomes_ready_when_it_comes(
    new_idp: NewIdp, new_mongod: Callable[[], Mongod]
) -> None:
    mongod = new_mongod()
    idp = new_idp(store=mongod.uri.replace("/?", "/idp?"), store__timeout="1")
    idp.start(ready_at="/healthz")
    assert idp.status("/readyz") == 503
    idp.process.wait_until(lambda: "Waiting for the store" in idp.process.log_text())
    mongod.start()
    idp.process.wait_until(lambda: idp.answers("/readyz"))
    idp.process.wait_until(lambda: "/setup?token=" in idp.process.log_text())
    mongod.kill()
    idp.process.wait_until(lambda: idp.status("/readyz") == 503)
    assert idp.answers("/healthz")
    mongod.start()
    idp.process.wait_until(lambda: idp.answers("/readyz"))
