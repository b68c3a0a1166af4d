"""Entity tags (RFC 9110 section 8.8.3): the version of a resource, as a weak tag."""

import re
from typing import Final

# Tags that are not of our making match no version.
_TAG: Final = re.compile(r'\s*(?:W/)?"(?:(?P<version>[1-9][0-9]{0,17})|[^"]*)"\s*(?:,|$)')
NO_VERSION: Final = 0


def tag(version: int) -> str:
    """Return the tag of a version; weak, since one state has many representations."""
    return f'W/"{version}"'


class Condition:
    """The tags of an If-Match or If-None-Match header."""

    def __init__(self, header: str) -> None:
        self.any = header.strip() == "*"
        self._versions = frozenset(int(found["version"]) for found in _TAG.finditer(header) if found["version"])

    def matches(self, version: int) -> bool:
        """Tell whether one of the tags is this version's; weak comparison, as there are no strong ones."""
        return self.any or version in self._versions

    @property
    def version(self) -> int | None:
        """The one version that can match, NO_VERSION if none can; None where several or all can."""
        if self.any or len(self._versions) > 1:
            return None
        return next(iter(self._versions), NO_VERSION)
