"""The key and the store: a server that has another key than its store was used with says so, or does not serve."""

from base64 import b64encode
from pathlib import Path

import pytest

from idp.access import SYSTEM_ACTOR
from idp.app.key_check import check_key_now
from idp.app.services import open_services
from idp.config import load
from idp.query import Query
from tests.idp.app.conftest import NewIdp
from tests.support.idp import Idp

LOST = "the key that the store was used with is missing: 1 second factors cannot be checked"
FITS = "the key fits the store"
SYSTEM = SYSTEM_ACTOR("test")
KEY = b64encode(bytes(range(32))).decode()


def key_file(idp: Idp) -> Path:
    return idp.directory / "data" / "secret.key"


class Machine:
    """A data directory, looked at as a start would, without the start."""

    def __init__(self, data: Path, log: pytest.LogCaptureFixture) -> None:
        self.key = data / "secret.key"
        self._config = load(None, {}, {"server.data": str(data), "password.hash_memory": "8"})
        self._log = log

    async def enrol(self) -> None:
        """Set up an authenticator for somebody."""
        async with open_services(self._config) as services:
            await check_key_now(services)
            user = await services.users.create(SYSTEM, {"userName": "ada"})
            await services.auth.factors.enrol_totp_now(SYSTEM, user.id)

    async def reset(self) -> None:
        """Remove every second factor."""
        async with open_services(self._config) as services:
            for user in (await services.users.find(SYSTEM, Query())).records:
                await services.auth.factors.reset(SYSTEM, user.id)

    async def says(self) -> str:
        """Return what the log says of the key."""
        self._log.clear()
        with self._log.at_level("INFO", "idp"):
            async with open_services(self._config) as services:
                await check_key_now(services)
        return self._log.text


@pytest.fixture
def machine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Machine:
    return Machine(tmp_path / "data", caplog)


def test_a_start_says_that_the_key_is_missing(new_idp: NewIdp) -> None:
    idp = new_idp()
    idp.command("user", "create", "ada", "--email", "ada@example.org")
    idp.command("user", "enroll-totp", "ada")
    key_file(idp).write_text(KEY)
    idp.start()
    idp.process.wait_until(lambda: LOST in idp.process.log_text())
    assert idp.stop() == 0


@pytest.mark.parametrize("lost", ["wrong", "gone"])
async def test_a_key_that_was_lost_is_told_each_time_until_nothing_needs_it(machine: Machine, lost: str) -> None:
    await machine.enrol()
    kept = machine.key.read_text()
    machine.key.unlink()
    if lost == "wrong":
        machine.key.write_text(KEY)
    for _ in range(2):
        assert LOST in await machine.says()
    new = machine.key.read_text()
    machine.key.write_text(kept)
    assert FITS in await machine.says()
    machine.key.write_text(new)
    await machine.reset()
    assert FITS in await machine.says()


async def test_a_rotation_is_followed(machine: Machine) -> None:
    await machine.enrol()
    old = machine.key.read_text()
    machine.key.write_text(f"{KEY}\n{old}")
    assert FITS in await machine.says()
    machine.key.write_text(KEY)
    assert FITS in await machine.says(), "the newest key is the store's now"


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
