"""What every source of directory data yields: plain entries, and how the read ended."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One directory entry: its DN as the server spells it, lower-cased attribute names, values as raw bytes."""

    dn: str
    attributes: dict[str, list[bytes]]

    def text(self, name: str) -> str | None:
        """Return the first value of an attribute as text, or None when it is absent."""
        values = self.attributes.get(name)
        return values[0].decode("utf-8", "replace") if values else None

    def texts(self, name: str) -> list[str]:
        """Return all values of an attribute as text; octets that are not UTF-8 become U+FFFD."""
        return [value.decode("utf-8", "replace") for value in self.attributes.get(name, ())]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a read ended. Only `complete=True` proves that an entry not seen is not there."""

    complete: bool
    entries: int
    reason: str = ""


class EntryReader(Protocol):
    """A read in progress over one search base or file."""

    def batches(self) -> AsyncIterator[list[Entry]]:
        """Yield entries in the order the source sends them, in lists of bounded length.

        Raises DirectoryError for what makes the whole read useless (connection, base, filter, file). A read that
        merely stops early ends the iteration and says so in `outcome`.
        """
        ...

    @property
    def outcome(self) -> Outcome:
        """How the read ended; before the end it is incomplete."""
        ...
