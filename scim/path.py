"""The paths of PATCH (RFC 7644 section 3.5.2): `attr`, `attr.sub`, `attr[filter]`, `attr[filter].sub`."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from idp.errors import InvalidPath
from idp.query import Filter
from idp.schema import Attribute, Mutability, ResourceType, Type, element_of
from scim.filter import FilterReader, element_filters
from scim.filter.shown import ShownFilters
from scim.names import resolve

_MAX_LENGTH: Final = 2_048
_PLAIN_PATHS: Final = 1_024


@dataclass(frozen=True, slots=True)
class Path:
    """What an operation is about: an attribute of the resource or of an extension, and what of it.

    `keys` lead from the document's top to the attribute's value. With `filter`, only the elements that match are
    meant; with `sub`, only that sub-attribute. An element of simple values has nothing but its `value`.
    """

    text: str
    keys: tuple[str, ...]
    attribute: Attribute
    filter: Filter | None = None
    sub: Attribute | None = None

    @property
    def is_joined(self) -> bool:
        """Whether it leads into an attribute, or to one of an extension."""
        return self.sub is not None or self.filter is not None or len(self.keys) > 1

    @property
    def is_read_only(self) -> bool:
        """Whether what it leads to, or the whole that this is part of, is the service's alone to say."""
        return Mutability.READ_ONLY in (self.attribute.mutability, self.sub and self.sub.mutability)


class PathReader:
    """Reads the paths of one resource type; `shown` knows the references that it is shown with."""

    def __init__(self, resource_type: ResourceType, shown: ShownFilters, *, dotted: bool = True) -> None:
        self._resource_type = resource_type
        self._shown = shown
        self._dotted = dotted
        self._plain = lru_cache(_PLAIN_PATHS)(self._read_plain)
        self._readers: dict[tuple[str, ...], FilterReader] = {}

    def read(self, text: str) -> Path:
        """Return what the path names. Raises InvalidPath, or InvalidFilter for what stands in its brackets."""
        if len(text) > _MAX_LENGTH:
            raise InvalidPath(f"{text[:100]}…", f"longer than {_MAX_LENGTH} characters")
        head, bracket, rest = text.strip().partition("[")
        if not bracket:
            return self._plain(head)
        path = self._plain(head)
        is_simple = path.attribute.type is not Type.COMPLEX
        if path.sub is not None or (is_simple and not path.attribute.multi_valued):
            raise InvalidPath(text, "only a complex or multi-valued attribute can be followed by a filter")
        inside, tail = _close(text, rest)
        selected = self._shown.stored_in(path.keys, inside, self._reader(path).read(inside))
        sub = _sub_attribute(text, element_of(path.attribute), tail or (".value" if is_simple else ""))
        return Path(text, path.keys, path.attribute, selected, sub)

    def _read_plain(self, text: str) -> Path:
        target = resolve(self._resource_type, text, dotted=self._dotted)
        if len(target.chain) == 1:
            return Path(text, target.keys, target.attribute)
        return Path(text, target.keys[:-1], target.chain[0], sub=target.chain[1])

    def _reader(self, path: Path) -> FilterReader:
        reader = self._readers.get(path.keys)
        if reader is None:
            reader = self._readers[path.keys] = element_filters(path.attribute, path.keys)
        return reader


def _close(text: str, rest: str) -> tuple[str, str]:
    """Split what follows `[` at its closing bracket, which a quoted value may also contain."""
    quoted = escaped = False
    for position, character in enumerate(rest):
        if quoted and not escaped and character == "\\":
            escaped = True
            continue
        if character == '"' and not escaped:
            quoted = not quoted
        elif character == "]" and not quoted:
            return rest[:position], rest[position + 1 :]
        escaped = False
    raise InvalidPath(text, "the filter is not closed with ]")


def _sub_attribute(text: str, attribute: Attribute, tail: str) -> Attribute | None:
    if not tail:
        return None
    sub = attribute.sub(tail[1:]) if tail.startswith(".") else None
    if sub is None:
        raise InvalidPath(text, f"{attribute.name} has no sub-attribute {tail[1:100]!r}")
    return sub
