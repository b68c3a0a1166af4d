"""Cursors (RFC 9865): places in a list, sealed so that they fit no other list, no other client and no later time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec

from idp.auth import SealBroken, Sealer
from idp.clock import Clock
from idp.query import Place, microseconds
from scim.errors import ExpiredCursor, InvalidCursor

PURPOSE: Final = "scim cursors"
_MAX_LENGTH: Final = 12_000


@dataclass(frozen=True, slots=True)
class Position:
    """A place, and whether the page before it is wanted instead of the one after it."""

    place: Place
    backwards: bool = False


class Cursors:
    """Seals positions; any worker opens what another sealed, as long as the key is in the key file."""

    def __init__(self, sealer: Sealer, clock: Clock, lifetime: timedelta) -> None:
        self._sealer = sealer.derived(PURPOSE)
        self._clock = clock
        self._lifetime = lifetime

    @property
    def seconds(self) -> int:
        """How long a cursor lives."""
        return int(self._lifetime.total_seconds())

    def seal(self, position: Position, bound_to: Iterable[object]) -> str:
        """Return the cursor; it is made of characters that need no escaping in a URI."""
        until = microseconds(self._clock.now() + self._lifetime)
        plain = msgspec.json.encode([until, position.backwards, position.place.key, position.place.id])
        return self._sealer.seal(plain, _context(bound_to)).rstrip("=")

    def open(self, cursor: str, bound_to: Iterable[object]) -> Position:
        """Return the position. Raises InvalidCursor unless it was sealed for the same, ExpiredCursor."""
        if len(cursor) > _MAX_LENGTH:
            raise InvalidCursor
        text = cursor.partition(".")[2]
        try:
            plain = self._sealer.open(f"{cursor}{'=' * (-len(text) % 4)}", _context(bound_to))
        except SealBroken:
            raise InvalidCursor from None
        until, backwards, key, id_ = msgspec.json.decode(plain)
        if until <= microseconds(self._clock.now()):
            raise ExpiredCursor(self.seconds)
        return Position(Place(key, id_), backwards)


def _context(bound_to: Iterable[object]) -> str:
    parts: list[Any] = [None if part is None else str(part) for part in bound_to]
    return msgspec.json.encode(parts).decode()
