"""The key and the store: a server that has another key than its store was used with says so, or does not serve."""

from base64 import b64encode
from pathlib import Path

import pytest

from tests.idp.app.conftest import NewIdp
from tests.support.idp import Idp

LOST = "the key that the store was used with is missing: 1 second factors cannot be checked"
FITS = "the key fits the store"
KEY = b64encode(bytes(range(32))).decode()


def enrol(idp: Idp) -> None:
    idp.command("user", "create", "ada", "--email", "ada@example.org")
    idp.command("user", "enroll-totp", "ada")


def restarted(idp: Idp, until: str = FITS) -> str:
    """Start the server anew and return what it says until it has looked at its key."""
    idp.process.log.write_text("")
    idp.start()
    idp.process.wait_until(lambda: until in idp.process.log_text())
    assert idp.stop() == 0
    return idp.process.log_text()


def key_file(idp: Idp) -> Path:
    return idp.directory / "data" / "secret.key"


@pytest.mark.parametrize("lost", ["wrong", "gone"])
def test_a_key_that_was_lost_is_told_at_every_start_until_nothing_needs_it(idp: Idp, lost: str) -> None:
    enrol(idp)
    assert idp.stop() == 0
    kept = key_file(idp).read_text()
    key_file(idp).unlink()
    if lost == "wrong":
        key_file(idp).write_text(KEY)
    for _ in range(2):
        assert LOST in restarted(idp, until=LOST)
    new = key_file(idp).read_text()
    key_file(idp).write_text(kept)
    assert LOST not in restarted(idp)
    key_file(idp).write_text(new)
    idp.command("user", "reset-mfa", "ada")
    assert LOST not in restarted(idp)


def test_a_rotation_is_followed(idp: Idp) -> None:
    enrol(idp)
    assert idp.stop() == 0
    old = key_file(idp).read_text()
    key_file(idp).write_text(f"{KEY}\n{old}")
    assert LOST not in restarted(idp)
    key_file(idp).write_text(KEY)
    assert LOST not in restarted(idp), "the newest key is the store's now"


def test_a_second_machine_does_not_serve_with_a_key_of_its_own(new_idp: NewIdp, mongo_database_uri: str) -> None:
    first, second = (new_idp(name, store=mongo_database_uri) for name in ("first", "second"))
    first.start()
    first.process.wait_until(lambda: "/setup?token=" in first.process.log_text())
    for workers in ("1", "2"):
        done = second.run("serve", env={"IDP_SERVER__WORKERS": workers})
        assert done.returncode == 2
        assert "secrets.key: the store is used with another key; set IDP_SECRET_KEY to it" in done.stderr
        assert list(key_file(second).parent.iterdir()) == [], "no key stays behind"
    assert second.run("user", "list").returncode != 0
    assert list(key_file(second).parent.iterdir()) == [], "neither does a command make one"
    key_file(second).write_text(key_file(first).read_text())
    second.start()
    assert second.stop() == 0
