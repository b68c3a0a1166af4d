"""Entity tags (RFC 9110 section 8.8.3): the version of a resource, as a weak tag."""

import re
from typing import Final

_TAG: Final = re.compile(r'\s*(?:W/)?"(?P<opaque>[^"]*)"\s*(?:,|$)')


def tag(version: int) -> str:
    """Return the tag of a version; weak, since one state has many representations."""
    return f'W/"{version}"'


class Condition:
    """The tags of an If-Match or If-None-Match header."""

    def __init__(self, header: str) -> None:
        self.any = header.strip() == "*"
        self._tags = frozenset(match["opaque"] for match in _TAG.finditer(header))

    def matches(self, version: int) -> bool:
        """Tell whether one of the tags is this version's; weak comparison, as there are no strong ones."""
        return self.any or str(version) in self._tags

    @property
    def version(self) -> int | None:
        """The one version that the tags can match, if they are but one; a foreign tag stands for none at all."""
        if len(self._tags) != 1:
            return None
        (opaque,) = self._tags
        return int(opaque) if opaque.isdecimal() and opaque.isascii() else 0
