"""A lean HTTP load client in a process of its own: reads a job as JSON from stdin, writes what it counted to stdout.

wrk cannot send a different body with each request; this can, at little cost, so that the server and not the client is
what gets measured.
"""

import asyncio
import os
import re
import sys
import time
from collections import Counter
from typing import cast

import msgspec
import uvloop

from tests.bench.users import new_key
from tests.support.ports import HOST

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb'"id": ?"([^"]+)"')
_LAST = re.compile(rb"^HTTP/1\.0 |\r\nconnection: *close\r\n", re.IGNORECASE)
"""Of answers after which the server closes the connection."""
_LATE = 30.0


class Job(msgspec.Struct):
    """What to send. Paths go in turn. `@n@` becomes a key of the request's own, `@id@` in a body the next id."""

    port: int
    method: str
    paths: list[str]
    token: str
    body: str = ""
    ids: list[str] = []
    first: int = 0
    connections: int = 1
    seconds: float | None = None
    count: int | None = None
    collect: bool = False
    """Return the ids of the resources in the answers."""
    insist: bool = False
    """Send again what was refused with 503."""


class Report(msgspec.Struct):
    """What came back."""

    seconds: float
    statuses: dict[str, int]
    latencies: list[float]
    """Seconds, sorted; one request in so many when there are very many."""
    collected: list[str] = []


class Sender:
    """Makes the requests of a job, one after the other, until its time or number is over."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._sent = 0
        self._refused: list[int] = []
        self._until = float("inf") if job.seconds is None else time.perf_counter() + job.seconds
        self._headers = (
            f" HTTP/1.1\r\nHost: {HOST}:{job.port}\r\nAuthorization: Bearer {job.token}\r\n"
            "Content-Type: application/scim+json\r\nContent-Length: "
        )
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.collected: list[str] = []

    def next(self) -> tuple[int, bytes] | None:
        """Return the next request and its number, None when the job is done."""
        job = self.job
        if self._refused:
            number = self._refused.pop()
        elif self._sent == job.count or time.perf_counter() >= self._until:
            return None
        else:
            number = job.first + self._sent
            self._sent += 1
        key = new_key(number)
        body = job.body.replace("@n@", key)
        if job.ids:
            body = body.replace("@id@", job.ids[number % len(job.ids)])
        content = body.encode()
        path = job.paths[number % len(job.paths)].replace("@n@", key)
        return number, f"{job.method} {path}{self._headers}{len(content)}\r\n\r\n".encode() + content

    def received(self, number: int, answer: bytes, seconds: float) -> None:
        """Count one answer; a request refused for overload is sent again if the job wants everything done."""
        status = answer[9:12].decode()
        self.statuses[status] += 1
        self.latencies.append(seconds)
        if status == "503" and self.job.insist:
            self._refused.append(number)
        elif self.job.collect and (found := _ID.search(answer)):
            self.collected.append(found[1].decode())


class Connection(asyncio.Protocol):
    """One connection that sends a request as soon as the last one is answered, and is made anew where need be."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._transport: asyncio.Transport | None = None
        self._answer = b""
        self._needed = 0
        self._started = 0.0
        self._number = 0
        self._leaving = 0
        self._reconnecting: asyncio.Task[object] | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take what arrived; at the end of an answer, count it and send the next request."""
        self._answer += data
        if not self._needed:
            end = self._answer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._answer, 0, end)
            self._needed = end + 4 + (int(length[1]) if length else 0)
        if len(self._answer) >= self._needed:
            self._sender.received(self._number, self._answer, time.perf_counter() - self._started)
            is_last = _LAST.search(self._answer)
            self._answer, self._needed = b"", 0
            if is_last:
                self._reconnect()
            else:
                self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that the server closed under a request."""
        if self._leaving:
            self._leaving -= 1
        elif not self.done.done():
            self._sender.statuses["lost"] += 1
            self.done.set_result(None)

    def _reconnect(self) -> None:
        assert self._transport is not None
        self._leaving += 1
        self._transport.close()
        loop = asyncio.get_running_loop()
        connecting = loop.create_connection(lambda: self, HOST, self._sender.job.port)
        self._reconnecting = loop.create_task(connecting)

    def _send(self) -> None:
        assert self._transport is not None
        request = self._sender.next()
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._number, content = request
        self._started = time.perf_counter()
        self._transport.write(content)


async def run(job: Job) -> Report:
    """Do the job and return what was counted."""
    loop = asyncio.get_running_loop()
    sender = Sender(job)
    started = time.perf_counter()
    connections = [
        (await loop.create_connection(lambda: Connection(sender), HOST, job.port))[1] for _ in range(job.connections)
    ]
    limit = None if job.seconds is None else job.seconds + _LATE
    await asyncio.wait_for(asyncio.gather(*(connection.done for connection in connections)), limit)
    seconds = time.perf_counter() - started
    every = max(1, len(sender.latencies) // 10_000)
    return Report(seconds, dict(sender.statuses), sorted(sender.latencies)[::every], sender.collected)


def main() -> None:
    """Read the job, do it, write the report."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    # A buffer of its own: with PYTHONUNBUFFERED set, stdout's writes less than it is given.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:
        output.write(msgspec.json.encode(uvloop.run(run(job))))


if __name__ == "__main__":
    main()
