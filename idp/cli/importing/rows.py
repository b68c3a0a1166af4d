"""What every format is read into: rows that know their line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from idp.errors import InvalidSyntax
from idp.schema import GROUP, USER, default_registry

USERS, GROUPS = USER.name, GROUP.name
BUILT_IN: Final = default_registry()
"""The types without attributes of an administrator's own."""


@dataclass(frozen=True, slots=True)
class Row:
    """A user or a group of the file.

    `members` are a group's members, `groups` a user's groups, each by a name: externalId, userName or displayName.
    """

    line: int
    kind: str
    document: dict[str, Any]
    members: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.document.get("userName" if self.kind == USERS else "displayName", ""))

    @property
    def external_id(self) -> str | None:
        """The id it has where the file came from."""
        found = self.document.get("externalId")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a line; nothing can be made of it."""

    line: int
    reason: str


Rows = Iterable[Row | Wrong]


def read_text(file: Path) -> str:
    """Return the file's text. Raises InvalidSyntax naming what cannot be read."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidSyntax(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InvalidSyntax(f"{file}, line {line}: is not UTF-8") from error


def split_names(text: str, separators: str = ";") -> Iterator[str]:
    """Yield the names of a cell that holds several."""
    for separator in separators[1:]:
        text = text.replace(separator, separators[0])
    yield from (name.strip() for name in text.split(separators[0]) if name.strip())
