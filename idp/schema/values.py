"""Checks of single values, one per simple type of RFC 7643 section 2.3; each returns the value to be stored."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from idp.clock import from_text
from idp.schema.attribute import Type

# Room for a paragraph; people's data is far below, and index keys stay small.
MAX_TEXT: Final = 4_096
# Certificates and small pictures (also as data: URLs); a document stays within a request's default limit.
MAX_BINARY: Final = 262_144
# What every store and every JSON reader keeps exactly.
MAX_INTEGER: Final = 2**63 - 1

_MOMENT: Final = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
# Both alphabets of RFC 4648: section 2.3.6 allows the one for URLs too.
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}|[A-Za-z0-9_-]*={0,2}", re.ASCII)


class Fault(Exception):
    """A value does not fit; the path grows from the inside out, so that a right document costs no path at all."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def under(self, name: str) -> "Fault":
        """Return the same fault as seen from the attribute that holds the value."""
        # An extension's attributes follow its URN after a colon (RFC 7644 section 3.10).
        joint = "" if not self.path or self.path.startswith("[") else ":" if ":" in name else "."
        return Fault(self.reason, f"{name}{joint}{self.path}")


def _well_formed(value: Any, limit: int) -> str:
    if type(value) is not str:
        raise Fault(f"expected a string, not {_kind(value)}")
    if len(value) > limit:
        raise Fault(f"longer than {limit} characters")
    if "\x00" in value:
        raise Fault("holds a NUL character")
    if not value.isascii():
        _encodable(value)
    return value


def _encodable(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Fault("holds half of a surrogate pair") from None


def check_string(value: Any) -> str:
    """A string of Unicode characters."""
    return _well_formed(value, MAX_TEXT)


def check_boolean(value: Any) -> bool:
    """True or false, and nothing that only looks like it."""
    if value is True or value is False:
        return bool(value)
    raise Fault(f"expected true or false, not {_kind(value)}")


def check_integer(value: Any) -> int:
    """A whole number; 2.0 is one too, as JSON makes no difference."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise Fault(f"expected a whole number, not {_kind(value)}")
    if abs(value) > MAX_INTEGER:
        raise Fault("out of range")
    return value


def check_decimal(value: Any) -> int | float:
    """A finite number."""
    if type(value) is int:
        return check_integer(value)
    if type(value) is not float:
        raise Fault(f"expected a number, not {_kind(value)}")
    if not math.isfinite(value):
        raise Fault("out of range")
    return value


def check_moment(value: Any) -> str:
    """An xsd:dateTime, kept as written."""
    text = _well_formed(value, MAX_TEXT)
    if not _MOMENT.fullmatch(text):
        raise Fault("expected a dateTime such as 2030-01-31T13:45:00Z")
    try:
        from_text(text)
    except (ValueError, OverflowError):
        raise Fault("no such moment") from None
    return text


def check_binary(value: Any) -> str:
    """Base64 text, kept as written."""
    text = _well_formed(value, MAX_BINARY)
    if not _BASE64.fullmatch(text) or len(text.rstrip("=")) % 4 == 1:
        raise Fault("expected base64")
    return text


def check_reference(value: Any) -> str:
    """A URI, URL or URN; what it leads to is not looked at, since clients send relative and foreign ones."""
    return _well_formed(value, MAX_BINARY if type(value) is str and value.startswith("data:") else MAX_TEXT)


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "this")


_KINDS: Final[Mapping[type, str]] = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}

CHECKS: Final[Mapping[Type, Callable[[Any], Any]]] = {
    Type.STRING: check_string,
    Type.BOOLEAN: check_boolean,
    Type.INTEGER: check_integer,
    Type.DECIMAL: check_decimal,
    Type.DATETIME: check_moment,
    Type.BINARY: check_binary,
    Type.REFERENCE: check_reference,
}
