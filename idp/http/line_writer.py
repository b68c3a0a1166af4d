"""Writes text to a stream from a thread of its own: whoever reads too slowly loses lines and holds up nobody."""

import logging
from contextlib import suppress
from io import UnsupportedOperation
from os import write
from queue import Full, Queue
from threading import Event, Thread
from typing import Final, TextIO

logger = logging.getLogger("idp.http")

WAITING: Final = 64
"""Batches that may wait for the reader; of 500 lines, about 5 MB."""


class LineWriter:
    """Takes batches of lines, writes them in their order, and counts those it had to drop."""

    def __init__(self, stream: TextIO, waiting: int = WAITING) -> None:
        self._stream = stream
        self._batches: Queue[str | Event] = Queue(waiting)
        self.dropped = 0
        """Lines that nobody read in time."""
        self._told = 0
        self._thread: Thread | None = None

    def put(self, lines: str) -> None:
        """Write the lines when it is their turn; drop and count them when too much waits already."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="access-log", daemon=True)
            self._thread.start()
        try:
            self._batches.put_nowait(lines)
        except Full:
            self.dropped += lines.count("\n")

    def drain(self, seconds: float) -> None:
        """Wait until all is written that was put, so long at most."""
        if self._thread is None:
            return
        written = Event()
        with suppress(Full):
            self._batches.put(written, timeout=seconds)
            written.wait(seconds)

    def _run(self) -> None:
        while True:
            batch = self._batches.get()
            if isinstance(batch, Event):
                batch.set()
                continue
            # Whoever read the log may be gone, or the disk full; requests are answered all the same.
            with suppress(OSError, ValueError):
                self._write(batch)
            self._tell()

    def _tell(self) -> None:
        # From here and not from the loop: the messages may have the same reader.
        if (dropped := self.dropped) > self._told:
            logger.warning("%d lines of the access log were dropped: nobody read them in time", dropped - self._told)
            self._told = dropped

    def _write(self, lines: str) -> None:
        try:
            file = self._stream.fileno()
        except UnsupportedOperation:
            self._stream.write(lines)
            self._stream.flush()
            return
        # Past the stream, whose lock a writer that waits for its reader would keep until the process cannot end.
        left = memoryview(lines.encode())
        while left:
            left = left[write(file, left) :]
