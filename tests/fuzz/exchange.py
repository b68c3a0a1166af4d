"""A connection that sends bytes as they are and reads one answer: HTTP libraries would put the odd ones right."""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Any, Final

import msgspec

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BODILESS: Final = frozenset({204, 304})
_PATIENCE: Final = 30.0
"""Seconds until an answer counts as one that never came; the server's own deadline is 10."""

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 stands for a connection that was closed without an answer."""

    status: int
    head: bytes = b""
    body: bytes = b""
    seconds: float = 0.0

    def json(self) -> Any:
        """Return the body's value. Raises msgspec.DecodeError or UnicodeDecodeError."""
        return msgspec.json.decode(self.body)


class Connection:
    """One connection, opened anew whenever the server has closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._streams: _Streams | None = None

    async def ask(self, method: bytes, request: bytes) -> Answer:
        """Send a request and return the answer to it.

        A server may close a connection between two requests, so what is lost on a used one is sent again on a new one.
        """
        if self._streams is not None:
            answer = await self._tried(self._streams, method, request)
            if answer.status:
                return answer
        self._streams = await asyncio.open_connection(self._host, self._port)
        return await self._tried(self._streams, method, request)

    async def close(self) -> None:
        """Close what is open."""
        if self._streams is not None:
            self._streams[1].transport.abort()
        self._streams = None

    async def _tried(self, streams: _Streams, method: bytes, request: bytes) -> Answer:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(_PATIENCE):
                status, head, body = await _exchanged(*streams, method, request)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            await self.close()
            return Answer(0, seconds=time.perf_counter() - started)
        if head.startswith(b"HTTP/1.0") or b"\r\nconnection: close" in head.lower():
            await self.close()
        return Answer(status, head, body, time.perf_counter() - started)


async def _exchanged(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: bytes, request: bytes
) -> tuple[int, bytes, bytes]:
    writer.write(request)
    status = 100
    while status < 200:
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
    length = _LENGTH.search(head)
    if method == b"HEAD" or status in _BODILESS or length is None:
        return status, head, b""
    return status, head, await reader.readexactly(int(length[1]))
