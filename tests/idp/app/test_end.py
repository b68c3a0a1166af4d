"""How the server ends: requests in progress are finished, changes carried through, and nothing waits for ever."""

import asyncio
import os
import signal

from tests.idp.app.conftest import NewIdp
from tests.support.idp import Idp
from tests.support.ports import HOST, is_listening


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
    idp = new_idp(server__drain="0.5", server__deadline="600")
    idp.start()
    head, body = new_user(idp.command("token", "create", "t"), "never")
    _, writer = await asyncio.open_connection(HOST, idp.port)
    writer.write(head + body[:20])
    await writer.drain()
    assert await asyncio.to_thread(idp.answers, "/healthz")
    # A server that does not end by itself is killed.
    assert await asyncio.to_thread(idp.stop) == 0
    writer.close()


async def test_a_change_is_carried_through_when_its_client_has_left(idp: Idp) -> None:
    token = idp.command("token", "create", "t")
    for number in range(10):
        head, body = new_user(token, f"leaver{number}")
        _, writer = await asyncio.open_connection(HOST, idp.port)
        writer.write(head + body)
        await writer.drain()
        # An abort may outrun the request; what was sent before a close arrives.
        writer.transport.abort() if number % 2 else writer.close()
    assert await asyncio.to_thread(idp.stop) == 0
    assert "Traceback" not in idp.process.log_text()
    made = {user["userName"] for user in idp.json("user", "list")}
    # What the server has begun it ends, and never by half.
    assert made <= {f"leaver{number}" for number in range(10)}
    assert made
