"""One line for each request: who, from where, what, and how it ended; never a query string, a header or a body."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple, Protocol, TextIO

import msgspec

from idp.clock import to_text
from idp.http.line_writer import LineWriter

FLUSH_AFTER: Final = 0.2
DRAIN_WITHIN: Final = 1.0
"""Seconds that the end of the process waits for a reader."""
FLUSH_AT: Final = 500
"""Lines; at that many the buffer goes out at once."""


class Line(NamedTuple):
    """What is told of one request."""

    at: datetime
    address: str
    actor: str
    method: str
    path: str
    status: int
    seconds: float
    request_id: str


class AccessLog(Protocol):
    """Takes lines."""

    def write(self, line: Line) -> None:
        """Log one request."""
        ...

    def flush(self) -> None:
        """Let go of what is held back."""
        ...


class StreamAccessLog:
    """Writes lines to a stream, many at a time: a system call for each would cost more than many a request.

    What a reader does not take in time is dropped and counted.
    """

    def __init__(self, stream: TextIO, form: Callable[[Line], str]) -> None:
        self._writer = LineWriter(stream)
        self._form = form
        self._held: list[Line] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(self, line: Line) -> None:
        """Hold the line until the next flush."""
        self._held.append(line)
        if len(self._held) >= FLUSH_AT:
            self._pass_on()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER, self._pass_on)

    def flush(self) -> None:
        """Write what is held, and wait a moment until it is written."""
        self._pass_on()
        self._writer.drain(DRAIN_WITHIN)

    def _pass_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, []
        if held:
            self._writer.put("".join(map(self._form, held)))


def as_text(line: Line) -> str:
    """Write the line for people."""
    return (
        f"{to_text(line.at)} {line.address or '-'} {line.actor or '-'} {line.method} {line.path} {line.status} "
        f"{line.seconds * 1000:.1f}ms {line.request_id}\n"
    )


def as_json(line: Line) -> str:
    """Write the line for programs: one JSON object."""
    told = {"at": to_text(line.at), "milliseconds": round(line.seconds * 1000, 1)}
    rest = {name: getattr(line, name) for name in ("address", "actor", "method", "path", "status", "request_id")}
    return msgspec.json.encode(told | rest).decode() + "\n"


def open_access_log(kind: str, stream: TextIO) -> AccessLog | None:
    """Return the log that `server.access_log` names: text, json, or off, which is None."""
    if kind == "off":
        return None
    return StreamAccessLog(stream, as_json if kind == "json" else as_text)
