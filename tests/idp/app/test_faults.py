"""What the whole server answers to bad requests and to more of them than it can do."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.idp.app.conftest import NewIdp
from tests.support.idp import Idp, LoadedIdp
from tests.support.ports import HOST
from tests.support.process import PATIENCE

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


async def send(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send one request and return status, headers and body of the answer."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            return await read_answer(reader)
    finally:
        writer.close()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers.get("content-length", "0")))


def post(path: str, token: str, body: bytes, *headers: str) -> bytes:
    lines = ["Host: localhost", f"Authorization: Bearer {token}", f"Content-Length: {len(body)}", *headers]
    return f"POST {path} HTTP/1.1\r\n".encode() + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Idp, str]]:
    """A running server, and a token."""
    idp = LoadedIdp(tmp_path_factory.mktemp("idp"))
    idp.start()
    yield idp, idp.command("token", "create", "t")
    idp.process.kill()


@pytest.mark.parametrize(
    ("status", "scim_type", "body", "headers"),
    [
        pytest.param(400, "invalidSyntax", b"no gzip", ("Content-Encoding: gzip",), id="gzip that is none"),
        pytest.param(400, "invalidSyntax", b"{", ("Content-Type: application/scim+json",), id="half of a document"),
        pytest.param(
            400, "invalidSyntax", b'{"userName":"\xff"}', ("Content-Type: application/scim+json",), id="no UTF-8"
        ),
        pytest.param(413, None, b" " * 1_100_000, ("Content-Type: application/scim+json",), id="a long body"),
    ],
)
async def test_scim_answers_every_fault_in_its_own_form(
    scene: tuple[Idp, str], status: int, scim_type: str | None, body: bytes, headers: tuple[str, ...]
) -> None:
    idp, token = scene
    found, answered, content = await send(idp.port, post("/scim/v2/Users", token, body, *headers))
    message: dict[str, Any] = json.loads(content)
    assert found == status
    assert answered["content-type"].startswith("application/scim+json")
    assert (message["schemas"], message["status"], message.get("scimType")) == ([ERROR], str(status), scim_type)
    assert "Traceback" not in idp.process.log_text()


async def test_an_overlong_target_is_answered_in_the_form_of_what_was_asked(scene: tuple[Idp, str]) -> None:
    idp, _ = scene
    long = "x" * 20_000
    status, headers, content = await send(idp.port, f"GET /scim/v2/Users?f={long} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (status, json.loads(content)["status"]) == (414, "414")
    status, headers, content = await send(idp.port, f"GET /login?f={long} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert status == 414
    assert headers["content-type"].startswith("text/html")
    assert b"<html" in content


async def test_a_page_answers_faults_as_a_page(scene: tuple[Idp, str]) -> None:
    idp, _ = scene
    request = post("/login", "", b"a=b", "Content-Type: application/x-www-form-urlencoded; charset=klingon")
    status, headers, content = await send(idp.port, request)
    assert status == 400
    assert headers["content-type"].startswith("text/html")
    assert b"Traceback" not in content


def ask_for_people(token: str) -> bytes:
    return f"GET /scim/v2/Users?count=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


async def storm(port: int, token: str, connections: int, requests: int) -> Counter[int]:
    """Ask for lists on many connections, many requests ahead of the answers; returns how many got which status."""
    counted: Counter[int] = Counter()
    ask = ask_for_people(token)

    async def one() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(ask * requests)
        for _ in range(requests):
            status, headers, content = await read_answer(reader)
            if status == 503:
                assert headers["retry-after"] == "1"
                assert json.loads(content)["schemas"] == [ERROR]
            counted[status] += 1
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return counted


async def patiently(port: int, request: bytes) -> tuple[int, bytes]:
    """Ask as a client would, who tries again when told to: on a busy machine the loop is late without any storm."""
    for _ in range(30):
        status, headers, content = await send(port, request)
        if status != 503:
            break
        await asyncio.sleep(float(headers["retry-after"]))
    return status, content


async def test_a_storm_is_refused_early_and_the_server_recovers(new_idp: NewIdp) -> None:
    idp = new_idp(server__max_lag="0.02", server__access_log="off")
    idp.start()
    token = idp.command("token", "create", "t")
    people = idp.directory / "people.csv"
    people.write_text("userName\n" + "".join(f"person{number}\n" for number in range(200)))
    idp.command("import", str(people))
    storming = asyncio.create_task(storm(idp.port, token, connections=80, requests=8))
    async with asyncio.timeout(PATIENCE):
        while not storming.done():
            status, _, _ = await send(idp.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status == 200, "the server says that it is up, whatever its load"
        counted = await storming
    assert set(counted) == {200, 503}
    assert counted[503] > counted.total() / 10
    status, content = await patiently(idp.port, ask_for_people(token))
    assert (status, json.loads(content).get("totalResults")) == (200, 200)
    assert "Traceback" not in idp.process.log_text()
