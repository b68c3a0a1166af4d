"""One change asked for in a PATCH (RFC 7644 section 3.5.2)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from scim.path import Path


class Op(StrEnum):
    """What to do at the path."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


class _Absent:
    """Stands for a value that the client did not send; null is a value."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Operation:
    """`op` at `path`; every operation has a path, since one without is taken apart by its keys when it is read.

    The value is in the form that the attribute asks for, as far as the client's profile is lenient. `makes` tells
    whether an element is made that the path's filter describes and does not find.
    """

    op: Op
    path: Path
    value: Any = ABSENT
    makes: bool = True
