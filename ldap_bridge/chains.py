"""Lists of texts by name, of which only where each ends is in memory."""

from typing import Final

from ldap_bridge.spool import Spool

_BEFORE: Final = 8


class Chains:
    """Each text stands on a spool with the place of the one before it in its list."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._last: dict[str, int] = {}

    def add(self, name: str, text: str) -> None:
        """Add a text to a list."""
        before = self._last.get(name, 0)
        self._last[name] = self._spool.add(before.to_bytes(_BEFORE, "little") + text.encode()) + 1

    def get(self, name: str) -> list[str]:
        """Return the texts of a list, the last one first; none of a name that has no list."""
        found, place = list[str](), self._last.get(name, 0)
        while place:
            record = self._spool.read(place - 1)
            found.append(record[_BEFORE:].decode())
            place = int.from_bytes(record[:_BEFORE], "little")
        return found
