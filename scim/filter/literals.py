"""Takes the literals out of a filter's text, so that what remains is one of the few shapes that clients send.

scim2-filter-parser reads single digits only, leaves escapes undecoded and cannot tell `true` from `"true"`; here a
literal is what RFC 7644 section 3.4.2.2 says it is: a JSON value.
"""

import json
import math
import re
from typing import Final

from idp.errors import InvalidFilter
from idp.query import Scalar
from idp.schema.values import MAX_INTEGER

# Longer than any filter seen from a provisioning client, shorter than what could keep the parser busy for long.
MAX_LENGTH: Final = 8_192
MAX_TERMS: Final = 200
MAX_DEPTH: Final = 20

_LITERAL: Final = re.compile(
    r'("(?:[^"\\]|\\.)*"|(?<![^\s(])(?:true|false|null|-?\d[\d.eE+-]*)(?![^\s)\]]))', re.IGNORECASE | re.DOTALL
)
_WORDS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}


def take_literals(text: str) -> tuple[str, tuple[Scalar, ...]]:
    """Return the filter with `"0"`, `"1"`, … in place of its literals, and the literals. Raises InvalidFilter."""
    if len(text) > MAX_LENGTH:
        raise InvalidFilter(f"the filter is longer than {MAX_LENGTH} characters")
    pieces = _LITERAL.split(text)
    shape = pieces[0]
    for index in range(1, len(pieces), 2):
        shape = f'{shape}"{index // 2}"{pieces[index + 1]}'
    if any('"' in piece for piece in pieces[::2]):
        raise InvalidFilter("a quoted value is not closed")
    return shape, tuple(map(_decode, pieces[1::2]))


def check_limits(shape: str) -> None:
    """Refuse a shape that has too many terms or is nested too deeply; to be asked before anything parses it."""
    if shape.count('"') // 2 + shape.lower().count(" pr") > MAX_TERMS:
        raise InvalidFilter(f"the filter has more than {MAX_TERMS} terms")
    depth = 0
    for character in shape:
        if character in "([":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidFilter(f"the filter is nested more than {MAX_DEPTH} levels deep")
        elif character in ")]":
            depth -= 1


def _decode(literal: str) -> Scalar:
    if literal[0] == '"':
        return _text(literal)
    word = literal.lower()
    return _WORDS[word] if word in _WORDS else _number(literal)


def _text(literal: str) -> str:
    if literal.isascii() and literal.isprintable() and "\\" not in literal:
        return literal[1:-1]
    try:
        text: str = json.loads(literal)
        text.encode()
    except (ValueError, UnicodeEncodeError):
        raise InvalidFilter(f"{literal[:100]!a} is not a JSON string") from None
    if "\0" in text:
        raise InvalidFilter("a value contains a NUL character")
    return text


def _number(literal: str) -> int | float:
    try:
        number: int | float = json.loads(literal)
    except ValueError:
        raise InvalidFilter(f"{literal[:100]!a} is not a JSON number") from None
    if isinstance(number, float) and not math.isfinite(number):
        raise InvalidFilter(f"{literal[:100]!a} is out of range")
    if isinstance(number, int) and abs(number) > MAX_INTEGER:
        raise InvalidFilter(f"{literal[:100]!a} is out of range")
    return number
