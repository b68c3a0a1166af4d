"""Reads a request's JSON, more strictly than any one library does: no duplicate keys, no bottomless nesting."""

import json
import re
from typing import Any, Final

import msgspec

from idp.errors import InvalidSyntax

# SCIM has at most extension, attribute, element, sub-attribute below the document; bulk adds two.
MAX_DEPTH: Final = 16
# What follows a key, and (after an escaped quote) now and then something in a string: never too few.
_KEY: Final = re.compile(rb'"[ \t\r\n]*:')

# Every escape in order, so that none begins within another; the named one is half of a pair (RFC 8259 section 7).
_ESCAPE: Final = re.compile(rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F]|(?P<lone>u[dD][89a-fA-F])|.)", re.DOTALL)


def read_object(body: bytes) -> dict[str, Any]:
    """Return the object that a body holds. Raises InvalidSyntax."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidSyntax(f"the body is not JSON: {_fault(body) or error}") from None
    except RecursionError:
        raise InvalidSyntax("the body is nested too deeply") from None
    if not isinstance(document, dict):
        raise InvalidSyntax("the body must be a JSON object")
    if _count_keys(document) != len(_KEY.findall(body)):
        json.loads(body, object_pairs_hook=_refuse_duplicates)
    return document


def _fault(body: bytes) -> str:
    """Return what the decoder does not say, or says of one text in the body alone."""
    if not body.strip():
        return "it is empty"
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start} of it is not UTF-8"
    lone = any(escape["lone"] for escape in _ESCAPE.finditer(body))
    return "a text in it holds a lone surrogate" if lone else ""


def _count_keys(value: Any, room: int = MAX_DEPTH) -> int:
    """Count all keys, however deep: one that was given twice has left only one behind."""
    if room == 0:
        raise InvalidSyntax("the body is nested too deeply")
    if type(value) is dict:
        return len(value) + sum(_count_keys(v, room - 1) for v in value.values() if type(v) in (dict, list))
    return sum(_count_keys(v, room - 1) for v in value if type(v) in (dict, list))


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidSyntax(f"the name {name[:100]!r} appears twice in one object")
        found[name] = value
    return found
