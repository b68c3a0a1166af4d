"""The server as a process: its first words, its readiness, its end, and what becomes of its workers."""

import asyncio
import os
import signal
import stat
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.idp import Idp
from tests.support.mongod import Mongod
from tests.support.ports import HOST, is_listening
from tests.support.process import ServerError

NewIdp = Callable[..., Idp]


@pytest.fixture
def new_idp(tmp_path: Path) -> Iterator[NewIdp]:
    """Make installations, not started yet; each ends with the test."""
    with ExitStack() as at_end:

        def make(name: str = "idp", *, store: str = "", **settings: str) -> Idp:
            named = {f"IDP_{key.upper()}": value for key, value in settings.items()}
            installation = Idp(tmp_path / name, store=store, settings=named)
            at_end.callback(installation.process.kill)
            return installation

        yield make


@pytest.fixture
def idp(new_idp: NewIdp) -> Idp:
    """A running server."""
    installation = new_idp()
    installation.start()
    return installation


def children_of(pid: int) -> set[int]:
    """Return the processes that a process has started."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


# --- start ---


def test_the_first_words_name_every_address_and_the_set_up_link(idp: Idp) -> None:
    idp.process.wait_until(lambda: "/setup?token=" in idp.process.log_text())
    words = idp.process.log_text()
    for address in (f"{idp.url}/login", f"{idp.url}/admin", f"{idp.url}/scim/v2"):
        assert address in words
    assert "\x1b" not in words, "no colours in a file"
    with urllib.request.urlopen(idp.setup_link(), timeout=10) as page:  # noqa: S310 -- our own server
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
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"server__workers": "none"}, "server.workers: expected int"),
        ({"server__listn": "x"}, "server.listn: is not a setting; did you mean server.listen?"),
        ({"listen": "nowhere.invalid:80"}, "server.listen: cannot listen on nowhere.invalid:80"),
        ({"server__trusted_proxies": "10.0.0"}, "server.trusted_proxies: "),
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


# --- end ---


def new_user(token: str, name: str) -> tuple[bytes, bytes]:
    """Return head and body of a request that makes a user."""
    body = b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"%s"}' % name.encode()
    head = (
        "POST /scim/v2/Users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/scim+json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode(), body


async def test_a_request_in_progress_is_finished_before_the_server_ends(idp: Idp) -> None:
    head, body = new_user(idp.command("token", "create", "t"), "late")
    reader, writer = await asyncio.open_connection(HOST, idp.port)
    writer.write(head + body[:20])
    await writer.drain()
    # Another answer on another connection shows that the server has read this one.
    assert await asyncio.to_thread(idp.answers, "/healthz")
    os.kill(idp.process.pid, signal.SIGTERM)
    await asyncio.to_thread(idp.process.wait_until, lambda: not is_listening(idp.port))
    writer.write(body[20:])
    assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
    writer.close()
    assert await asyncio.to_thread(idp.stop) == 0
    assert idp.json("user", "show", "late")["active"] is True


async def test_a_request_that_never_ends_holds_the_server_no_longer_than_it_may(new_idp: NewIdp) -> None:
    idp = new_idp(server__drain="0.5", server__deadline="60")
    idp.start()
    head, body = new_user(idp.command("token", "create", "t"), "never")
    _, writer = await asyncio.open_connection(HOST, idp.port)
    writer.write(head + body[:20])
    await writer.drain()
    assert await asyncio.to_thread(idp.answers, "/healthz")
    began = time.monotonic()
    assert await asyncio.to_thread(idp.stop) == 0
    assert time.monotonic() - began < 10
    writer.close()


async def test_a_change_is_carried_through_when_its_client_has_left(idp: Idp) -> None:
    token = idp.command("token", "create", "t")
    for number in range(10):
        head, body = new_user(token, f"leaver{number}")
        _, writer = await asyncio.open_connection(HOST, idp.port)
        writer.write(head + body)
        await writer.drain()
        writer.transport.abort()
    assert await asyncio.to_thread(idp.stop) == 0
    assert "Traceback" not in idp.process.log_text()
    made = {user["userName"] for user in idp.json("user", "list")}
    # An abort may outrun the request; what the server has begun it ends, and never by half.
    assert made <= {f"leaver{number}" for number in range(10)}
    assert made


# --- several workers ---


@pytest.fixture
def workers(new_idp: NewIdp) -> Idp:
    """A running server of two workers."""
    installation = new_idp(server__workers="2")
    installation.start()
    return installation


def test_all_workers_serve_and_only_one_speaks(workers: Idp) -> None:
    token = workers.command("token", "create", "t")
    assert [workers.get("/Users", token)["totalResults"] for _ in range(20)] == [0] * 20
    workers.process.wait_until(lambda: "/setup?token=" in workers.process.log_text())
    assert workers.process.log_text().count("/setup?token=") == 1
    assert len(children_of(workers.process.pid)) == 2
    with urllib.request.urlopen(f"{workers.url}/metrics", timeout=10) as answer:  # noqa: S310 -- our own server
        lines = answer.read().decode().splitlines()
    counted = [
        line for line in lines if line.startswith("idp_http_requests_total") and 'route="/scim/v2/Users"' in line
    ]
    assert sum(float(line.rpartition(" ")[2]) for line in counted) == 20, "the counters of all workers are added up"


def test_a_worker_that_dies_is_replaced(workers: Idp) -> None:
    before = children_of(workers.process.pid)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    workers.process.wait_until(lambda: len(children_of(workers.process.pid) - before) == 1)
    workers.process.wait_until(lambda: all(workers.answers("/readyz") for _ in range(10)))
    assert "ended with status -9; starting another" in workers.process.log_text()


def test_all_workers_end_with_the_supervisor_in_order_or_not(workers: Idp) -> None:
    pids = children_of(workers.process.pid)
    assert workers.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    workers.start()
    pids = children_of(workers.process.pid)
    workers.process.kill()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > deadline:
            raise ServerError("workers outlive their supervisor")
    assert not is_listening(workers.port)


def test_settings_that_no_worker_can_start_with_end_them_all(new_idp: NewIdp) -> None:
    done = new_idp(server__workers="2", secret_key="c2hvcnQ=").run("serve")
    assert done.returncode == 2
    assert "secrets.key: expected one or more keys of 32 bytes" in done.stderr
