"""Documents that wait to be written, packed: they resemble each other, so that ten take the room of one."""

from collections.abc import Sequence
from typing import Any, Final
from zlib import compress, decompress

import msgspec

# Beyond the fastest level text of this kind gains little.
_LEVEL: Final = 1
_split: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Pack:
    """Some documents, unpacked while they are asked for one after the other."""

    __slots__ = ("_asked", "_open", "_packed")

    def __init__(self, documents: Sequence[bytes]) -> None:
        """Pack documents that are JSON."""
        self._packed = compress(b"[" + b",".join(documents) + b"]", _LEVEL)
        self._open: list[msgspec.Raw] = []
        self._asked = 0

    def document(self, place: int) -> dict[str, Any]:
        """Return the document at a place, a fresh copy."""
        whole = self._open = self._open or _split(decompress(self._packed))
        self._asked += 1
        if self._asked % len(whole) == 0:
            self._open = []
        found: dict[str, Any] = msgspec.json.decode(whole[place])
        return found
