"""Values by text, of which only the places are in memory: some sixteen octets each."""

from array import array
from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar, overload

import msgspec

from ldap_bridge.spool import Spool

T = TypeVar("T")
D = TypeVar("D")

# A slot holds a part of the text's hash above the place of its record, plus one; 0 is a free slot.
_BITS: Final = 40
_PLACE: Final = (1 << _BITS) - 1
_PART: Final = (1 << 24) - 1
_FEWEST: Final = 64
_LENGTH: Final = 4
_encode: Final = msgspec.msgpack.Encoder().encode


class Shelf(Generic[T]):
    """A mapping that keeps its records on a spool. One thread puts, any may look up what was put before.

    A look-up compares the whole text; of equal parts of two hashes it only reads one record in vain. Values are what
    msgpack can hold of the kind that is named.
    """

    __slots__ = ("_decode", "_most", "_slots", "_spool", "count")

    def __init__(self, kind: type[T]) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._spool = Spool()
        self._slots = array("Q", bytes(8 * _FEWEST))
        self._most = _FEWEST // 2
        self.count = 0
        """Slots taken: texts that have, or had, a value."""

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and self._found(text)[1] is not None

    def __bool__(self) -> bool:
        return self.count > 0

    def __iter__(self) -> Iterator[str]:
        return (text for text, _ in self.items())

    @overload
    def get(self, text: str) -> T | None: ...
    @overload
    def get(self, text: str, default: D) -> T | D: ...
    def get(self, text: str, default: Any = None) -> Any:
        """Return the value of a text, or the default."""
        _, value = self._found(text)
        return default if value is None else self._decode(value)

    def put(self, text: str, value: T) -> None:
        """Give a text its value, in place of another one if it has one."""
        slot, _ = self._found(text)
        self._place(slot, text, _encode(value))

    def add(self, text: str, value: T) -> T | None:
        """Give a text a value unless it has one; returns the one that it had."""
        slot, before = self._found(text)
        if before is not None:
            return self._decode(before)
        self._place(slot, text, _encode(value))
        return None

    def remove(self, text: str) -> None:
        """Let a text have no value."""
        slot, value = self._found(text)
        if value is not None:
            self._place(slot, text, b"")

    def items(self) -> Iterator[tuple[str, T]]:
        """Yield all texts with their values, in the order in which these were put."""
        for place, record in self._spool.each():
            end = _LENGTH + int.from_bytes(record[:_LENGTH], "little")
            text = record[_LENGTH:end].decode("utf-8", "surrogatepass")
            if len(record) > end and self._slots[self._slot(text, place)] & _PLACE == place + 1:
                yield text, self._decode(record[end:])

    def values(self) -> Iterator[T]:
        """Yield all values, in the order in which they were put."""
        return (value for _, value in self.items())

    def _slot(self, text: str, place: int) -> int:
        """Return the slot that holds a place, or the free one where the text's slots end."""
        slots, mask = self._slots, len(self._slots) - 1
        slot = hash(text) & _PART & mask
        while slots[slot] and slots[slot] & _PLACE != place + 1:
            slot = (slot + 1) & mask
        return slot

    def _found(self, text: str) -> tuple[int, bytes | None]:
        """Return the slot of a text with its value, None where it has none; or the slot that it would take."""
        # Taken once: whoever puts may be making room at this very moment.
        slots, part = self._slots, hash(text) & _PART
        mask = len(slots) - 1
        slot = part & mask
        key = b""
        while held := slots[slot]:
            if held >> _BITS == part:
                key = key or _key(text)
                record = self._spool.read((held & _PLACE) - 1)
                if record.startswith(key):
                    return slot, record[len(key) :] or None
            slot = (slot + 1) & mask
        return slot, None

    def _place(self, slot: int, text: str, value: bytes) -> None:
        is_new = not self._slots[slot]
        place = self._spool.add(_key(text) + value)
        self._slots[slot] = (hash(text) & _PART) << _BITS | (place + 1)
        self.count += is_new
        if self.count > self._most:
            self._grow()

    def _grow(self) -> None:
        """Double the room. The slots' own parts of hashes say where they go, and no record is read."""
        size = 2 * len(self._slots)
        grown, mask = array("Q", bytes(8 * size)), size - 1
        for held in self._slots:
            if held:
                slot = (held >> _BITS) & mask
                while grown[slot]:
                    slot = (slot + 1) & mask
                grown[slot] = held
        self._slots, self._most = grown, size // 3 * 2


def _key(text: str) -> bytes:
    found = text.encode("utf-8", "surrogatepass")
    return len(found).to_bytes(_LENGTH, "little") + found
