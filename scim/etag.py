"""Entity tags (RFC 9110 section 8.8.3): the version of a resource, and a mark of what is derived, as a weak tag."""

import re
from hashlib import blake2b
from typing import Any, Final

import msgspec

# Tags that are not of our making match no version.
_TAG: Final = re.compile(r'\s*(?:W/)?"(?P<opaque>(?P<version>[1-9][0-9]{0,17})(?:\.[0-9a-f]*)?|[^"]*)"\s*(?:,|$)')
NO_VERSION: Final = 0
_MARK_BYTES: Final = 6

_encode: Final = msgspec.json.Encoder().encode


def mark_of(*values: Any) -> str:
    """Return a mark of derived values, the same in every process; none where there is nothing to tell apart."""
    return blake2b(_encode(values), digest_size=_MARK_BYTES).hexdigest() if any(values) else ""


def tag(version: int, mark: str = "") -> str:
    """Return the tag of a version with what was derived for it; weak, since one state has many representations."""
    return f'W/"{version}.{mark}"' if mark else f'W/"{version}"'


class Condition:
    """The tags of an If-Match or If-None-Match header."""

    def __init__(self, header: str) -> None:
        self.any = header.strip() == "*"
        tags = [found for found in _TAG.finditer(header) if found["version"]]
        self._versions = frozenset(int(found["version"]) for found in tags)
        self._tags = frozenset(f'W/"{found["opaque"]}"' for found in tags)

    def names(self, tag: str) -> bool:
        """Tell whether one of the tags is exactly this one, for If-None-Match; weakly, as there are no strong ones."""
        return self.any or tag in self._tags

    def matches(self, version: int) -> bool:
        """Tell whether one of the tags is this version's, for If-Match.

        Whatever was derived then: a change of the resource loses nothing that only others' changes have brought.
        """
        return self.any or version in self._versions

    @property
    def version(self) -> int | None:
        """The one version that can match, NO_VERSION if none can; None where several or all can."""
        if self.any or len(self._versions) > 1:
            return None
        return next(iter(self._versions), NO_VERSION)
