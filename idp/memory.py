"""What was worked out from stored records, kept until a commit changes what it was worked out from."""

from collections.abc import Hashable, Iterable
from typing import Any, Generic, Protocol, TypeVar

Stamp = tuple[int, ...]
"""Stands for the state of some collections; equal stamps mean that nothing in them was changed in between."""

Known = TypeVar("Known")
Key = TypeVar("Key", bound=Hashable)


class Moment:
    """When something was asked. Its answer may be as of any time since then, so that one look at the store serves it.

    Whoever asks makes it; a store to which looking is dear keeps in it what it saw.
    """

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen: Any = None


class Stamps(Protocol):
    """Tells the stamp as of the moment or later; None where it cannot be told. Without a moment, as of now."""

    async def __call__(self, moment: Moment | None = None, /) -> Stamp | None:
        """Return the stamp."""
        ...


class Memory(Generic[Known]):
    """Forgets everything as soon as the stamp is another one, and when it holds more than `room` allows.

    Look first, work it out if it is not known, then keep it with the stamp that looking returned: what was read while
    somebody committed is so never kept as if it were current.
    """

    def __init__(self, stamp: Stamps, room: int) -> None:
        self._current = stamp
        self._room = room
        self._stamp: Stamp | None = None
        self._known: dict[Hashable, Known] = {}
        self._taken = 0

    async def look(self, key: Hashable, moment: Moment | None = None) -> tuple[Stamp | None, Known | None]:
        """Return the stamp as of the moment or later, or as of now, and what is known under the key."""
        stamp = await self._current(moment)
        if stamp != self._stamp:
            self._begin(stamp)
        return stamp, self._known.get(key)

    async def look_for(
        self, keys: Iterable[Key], moment: Moment | None = None
    ) -> tuple[Stamp | None, dict[Key, Known]]:
        """Return the stamp as of the moment or later, or as of now, and what is known under those of the keys."""
        stamp = await self._current(moment)
        if stamp != self._stamp:
            self._begin(stamp)
        return stamp, {key: self._known[key] for key in keys if key in self._known}

    def keep(self, key: Hashable, known: Known, stamp: Stamp | None, size: int = 1) -> None:
        """Remember it, which takes so much of the room; a size over a hundredth of it is not worth that."""
        if stamp is None or stamp != self._stamp or size * 100 > self._room:
            return
        if self._taken + size > self._room:
            self._forget()
        self._known[key] = known
        self._taken += size

    def _begin(self, stamp: Stamp | None) -> None:
        self._forget()
        self._stamp = stamp

    def _forget(self) -> None:
        self._known.clear()
        self._taken = 0
