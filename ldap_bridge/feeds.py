"""What a change feed promises: where a directory stands now, and what has changed since it stood elsewhere."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, TypeVar

import msgspec

from ldap_bridge.entries import Entry

T = TypeVar("T")
AUTO: Final = "auto"
# Beyond that many changed entries a full compare is quicker, and takes no more memory than a page.
MOST_CHANGES: Final = 20_000


class FeedName(StrEnum):
    """The ways to learn what has changed."""

    FULL = "full"
    SYNC = "rfc4533"
    DIRSYNC = "dirsync"
    USN = "usn"
    CHANGELOG = "changelog"
    TIMESTAMP = "timestamp"


class FeedBroken(Exception):
    """The feed cannot say what has changed since a position; only a full compare can."""


@dataclass(slots=True)
class Changes:
    """What has changed among people, or among groups: entries as they are now, and who is not there any more.

    A server names either what is `gone`, by stable id (among it ids of entries that never concerned us), or everything
    that is `present`, apart from `entries`.
    """

    entries: list[Entry] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    present: set[str] | None = None


@dataclass(slots=True)
class Delta:
    """Everything that has changed since a position, and the position that stands for now. Always complete."""

    people: Changes
    groups: Changes
    position: str

    @property
    def names_what_is_gone(self) -> bool:
        """Whether the server named what is gone, so that nobody else needs to be looked at."""
        return self.people.present is None and self.groups.present is None


class Feed(Protocol):
    """One way to learn what has changed. Every method blocks, and may raise DirectoryError."""

    def position(self) -> str:
        """Return what stands for the directory's state now. Raises FeedBroken when the server cannot say."""
        ...

    def changes(self, position: str) -> Delta:
        """Return what has changed since a position. Raises FeedBroken when the server does not know that any more."""
        ...


def encode_position(position: msgspec.Struct) -> str:
    """Return a position as text that can be kept."""
    return msgspec.json.encode(position).decode()


def decode_position(text: str, kind: type[T]) -> T:
    """Return a position that was kept. Raises FeedBroken for one of another kind."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise FeedBroken("the position that was kept is not readable") from error
