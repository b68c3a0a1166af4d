"""What every source of directory data yields: plain entries, and how the read of them ended."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Entry:
    """One directory entry: its DN as the server spells it, lower-cased attribute names, values as raw octets."""

    dn: str
    attributes: dict[str, list[bytes]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a read ended. Only `complete` proves that what was not seen is not there.

    `references` counts the parts of the tree that lie on other servers, some of them named in `elsewhere`. They are not
    followed, and what is there is not ours to read.
    """

    complete: bool
    entries: int = 0
    reason: str = ""
    references: int = 0
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries to read: below one of `bases`, none of which lies within another.

    They have one of `classes` and none of `not_classes`, and match one of `filters` if there are any.
    """

    bases: Sequence[str]
    classes: Sequence[str]
    not_classes: Sequence[str] = ()
    filters: Sequence[str] = ()
    attributes: Sequence[str] = ()


class Reading(Protocol):
    """A read in progress. Everything blocks; `interrupt` alone may be called from another thread."""

    @property
    def outcome(self) -> Outcome:
        """How the read ended; incomplete until it has."""
        ...

    def batches(self) -> Generator[list[Entry], None, None]:
        """Yield the entries in the source's order, in lists of a few hundred.

        What makes the whole read useless raises DirectoryError or LdifError before the first list. A read that stops
        early ends the iteration, and `outcome` says why.
        """
        ...

    def interrupt(self) -> None:
        """Make a blocked `batches` end soon."""
        ...


class Directory(Protocol):
    """A place to read entries from: a server or a file."""

    def read(self, selection: Selection) -> Reading:
        """Begin a read; nothing happens before its first batch is asked for."""
        ...
