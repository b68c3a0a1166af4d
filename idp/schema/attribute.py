"""The characteristics of an attribute, declared once and read by everything else (RFC 7643 sections 2 and 7)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from idp.query import Kind


class Type(StrEnum):
    """RFC 7643 section 2.3."""

    STRING = "string"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATETIME = "dateTime"
    BINARY = "binary"
    REFERENCE = "reference"
    COMPLEX = "complex"


class Mutability(StrEnum):
    """Who may write the attribute, and when (RFC 7643 section 7)."""

    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class Returned(StrEnum):
    """When the attribute is part of an answer (RFC 7643 section 7)."""

    ALWAYS = "always"
    NEVER = "never"
    DEFAULT = "default"
    REQUEST = "request"


class Uniqueness(StrEnum):
    """Within what the attribute's values are unique (RFC 7643 section 7)."""

    NONE = "none"
    SERVER = "server"
    GLOBAL = "global"


_KINDS: Final = {
    Type.BOOLEAN: Kind.BOOLEAN,
    Type.DECIMAL: Kind.NUMBER,
    Type.INTEGER: Kind.NUMBER,
    Type.DATETIME: Kind.DATETIME,
    Type.COMPLEX: Kind.COMPLEX,
}


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute or sub-attribute.

    A declaration equals only itself, so that what was compiled from it is found by one cheap look-up.

    `indexed` is ours: stores keep an index for it, so that filters and sorts on it stay fast as the directory grows.
    `derived` is ours too: the value is computed on reading (User.groups) and never stored.
    `assured` says that the service sees to it that there is a value: callers may leave it out, and cannot clear it.
    `max_values` caps a list: the default is far above what a person has of anything, and keeps one document small.
    """

    name: str
    description: str = ""
    type: Type = Type.STRING
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = Mutability.READ_WRITE
    returned: Returned = Returned.DEFAULT
    uniqueness: Uniqueness = Uniqueness.NONE
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple["Attribute", ...] = ()
    indexed: bool = False
    derived: bool = False
    assured: bool = False
    max_values: int = 1_000

    @property
    def kind(self) -> Kind:
        """How its values compare."""
        return _KINDS.get(self.type, Kind.STRING)

    def sub(self, name: str) -> "Attribute | None":
        """Return the sub-attribute of that name, in any case, or None."""
        known = _by_name(self)
        return known.get(name) or known.get(name.lower())


@lru_cache(1_024)
def element_of(attribute: Attribute) -> Attribute:
    """Return what an element is to whom looks into it: one of a list of simple values has a `value` (RFC 7643 2.4)."""
    if attribute.type is Type.COMPLEX:
        return attribute
    value = replace(attribute, name="value", multi_valued=False, required=False, assured=False)
    return Attribute(attribute.name, type=Type.COMPLEX, multi_valued=True, sub_attributes=(value,))


@lru_cache(1_024)
def _by_name(attribute: Attribute) -> Mapping[str, Attribute]:
    """Return the sub-attributes by their names, as declared and in lower case."""
    subs = attribute.sub_attributes
    return {sub.name.lower(): sub for sub in subs} | {sub.name: sub for sub in subs}
