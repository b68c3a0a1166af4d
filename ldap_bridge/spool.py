"""Records that a run cannot all hold in memory, one after the other in a file that nobody else can open."""

import os
import tempfile
import weakref
from collections.abc import Iterator
from typing import Final

from idp.errors import Unavailable

WHAT: Final = "the place for temporary files"
# What waits to be written; a small run never comes to make a file.
_ROOM: Final = 512 * 1024
_HEAD: Final = 4
# Octets of the first look, which nearly every record that is looked up by itself fits into.
_LOOK: Final = 512
_SEQUENCE: Final = 256 * 1024


class Spool:
    """Takes records and gives each back by its place. One thread adds, any may read what was added before.

    The file has no name and is its owner's alone; it is gone with the spool, or with the process, however that ends.
    """

    __slots__ = ("__weakref__", "_file", "_tail")

    def __init__(self) -> None:
        self._file = -1
        # Where what waits begins, and what waits: replaced together, so that who reads meanwhile has both or neither.
        self._tail = (0, bytearray())

    @property
    def size(self) -> int:
        """Where the next record comes to stand."""
        start, waiting = self._tail
        return start + len(waiting)

    def add(self, record: bytes) -> int:
        """Take a record; returns its place. Raises Unavailable when the disk does not take it."""
        start, waiting = self._tail
        place = start + len(waiting)
        waiting += len(record).to_bytes(_HEAD, "little")
        waiting += record
        if len(waiting) >= _ROOM:
            self._write(start, waiting)
        return place

    def read(self, place: int) -> bytes:
        """Return the record at a place. Raises Unavailable."""
        start, waiting = self._tail
        if place >= start:
            at = place - start + _HEAD
            return bytes(waiting[at : at + int.from_bytes(waiting[at - _HEAD : at], "little")])
        head = self._read(place, _LOOK)
        end = int.from_bytes(head[:_HEAD], "little") + _HEAD
        return head[_HEAD:end] if end <= len(head) else head[_HEAD:] + self._read(place + len(head), end - len(head))

    def each(self) -> Iterator[tuple[int, bytes]]:
        """Yield every record that is there now, with its place, in the order in which they came."""
        place, end = 0, self.size
        block, begin = b"", 0
        while place < end:
            at = place - begin
            stop = at + _HEAD + int.from_bytes(block[at : at + _HEAD], "little")
            if at + _HEAD > len(block) or stop > len(block):
                block, begin = self._block(place), place
                continue
            yield place, block[at + _HEAD : stop]
            place = begin + stop

    def _block(self, place: int) -> bytes:
        """Return whole records, and perhaps the beginning of one more, from a place on."""
        start, waiting = self._tail
        if place >= start:
            return bytes(waiting[place - start :])
        size = _HEAD + int.from_bytes(self._read(place, _HEAD), "little")
        return self._read(place, min(max(size, _SEQUENCE), start - place))

    def _write(self, start: int, waiting: bytearray) -> None:
        try:
            if self._file < 0:
                self._file = _anonymous()
                weakref.finalize(self, os.close, self._file)
            written = 0
            while written < len(waiting):
                written += os.pwrite(self._file, memoryview(waiting)[written:], start + written)
        except OSError as error:
            raise Unavailable(WHAT, error.strerror or "cannot be written to") from error
        self._tail = (start + len(waiting), bytearray())

    def _read(self, place: int, size: int) -> bytes:
        try:
            return os.pread(self._file, size, place)
        except OSError as error:
            raise Unavailable(WHAT, error.strerror or "cannot be read") from error


def _anonymous() -> int:
    """Return a file without a name, of mode 0600."""
    with tempfile.TemporaryFile(buffering=0) as file:
        return os.dup(file.fileno())
