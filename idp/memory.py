"""What was worked out from stored records, kept until a commit changes what it was worked out from."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Stamp = tuple[int, ...]
"""Stands for the state of some collections; equal stamps mean that nothing in them was changed in between."""

Known = TypeVar("Known")


class Memory(Generic[Known]):
    """Forgets everything as soon as the stamp is another one, and when it holds more than `room` allows.

    Look first, work it out if it is not known, then keep it with the stamp that looking returned: what was read while
    somebody committed is so never kept as if it were current.
    """

    def __init__(self, stamp: Callable[[], Stamp | None], room: int) -> None:
        self._current = stamp
        self._room = room
        self._stamp: Stamp | None = None
        self._known: dict[Hashable, Known] = {}
        self._taken = 0

    def look(self, key: Hashable) -> tuple[Stamp | None, Known | None]:
        """Return the stamp of this moment, and what is known under the key."""
        stamp = self._current()
        if stamp is None:
            return None, None
        if stamp != self._stamp:
            self._forget()
            self._stamp = stamp
        return stamp, self._known.get(key)

    def keep(self, key: Hashable, known: Known, stamp: Stamp | None, size: int = 1) -> None:
        """Remember it, which takes so much of the room; a size over a hundredth of it is not worth that."""
        if stamp is None or stamp != self._stamp or size * 100 > self._room:
            return
        if self._taken + size > self._room:
            self._forget()
        self._known[key] = known
        self._taken += size

    def _forget(self) -> None:
        self._known.clear()
        self._taken = 0
