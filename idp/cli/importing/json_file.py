"""SCIM documents from a file: a list, a list response, `{"users": […], "groups": […]}`, or one document a line."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from idp.cli.importing.rows import BUILT_IN, GROUPS, USERS, Row, Rows, Wrong, read_text
from idp.errors import InvalidSyntax
from idp.schema import GROUP, Registry, coerce
from idp.schema.urns import GATEHOUSE_USER

_LISTS: Final = re.compile(r'"(resources|users|groups)"\s*:\s*\[', re.IGNORECASE)
_TOO_DEEP: Final = "lists and objects are nested too deeply"
_BETWEEN: Final = re.compile(r"[\s,]*")
_KINDS: Final = {"users": USERS, "groups": GROUPS}
_NOT_TO_IMPORT: Final = ("id", "meta", "groups", "members", "schemas")
_DECODER: Final = json.JSONDecoder()


def read(file: Path, registry: Registry = BUILT_IN) -> Rows:
    """Return the rows. Raises InvalidSyntax with line and column for a file that is not JSON."""
    text = read_text(file)
    if text.lstrip()[:1] == "[":
        return _elements(file, text, text.index("[") + 1, None, registry)[0]
    if "\n" in text.strip() and _is_json(text.strip().partition("\n")[0]):
        return _lines(text, registry)
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise _unreadable(file, error) from error
    except RecursionError:
        raise InvalidSyntax(f"{file}: {_TOO_DEEP}") from None
    if isinstance(whole, dict) and ("userName" in whole or "displayName" in whole):
        return [_row(1, whole, None, registry)]
    return _lists(file, text, registry)


def _lists(file: Path, text: str, registry: Registry) -> list[Row | Wrong]:
    rows: list[Row | Wrong] = []
    end = 0
    for match in _LISTS.finditer(text):
        # A group may itself hold words like these; only lists outside of the last one count.
        if match.start() >= end:
            found, end = _elements(file, text, match.end(), _KINDS.get(match[1].lower()), registry)
            rows += found
    if end == 0:
        raise InvalidSyntax(f'{file}: holds none of the lists "users", "groups" and "Resources"')
    return rows


def _elements(
    file: Path, text: str, position: int, kind: str | None, registry: Registry
) -> tuple[list[Row | Wrong], int]:
    """Return the elements of the list that is open at the position, each with its line, and where the list ends."""
    rows: list[Row | Wrong] = []
    line, counted = 1, 0
    while (position := _skip(text, position)) < len(text) and text[position] != "]":
        line, counted = line + text.count("\n", counted, position), position
        try:
            element, position = _DECODER.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise _unreadable(file, error) from error
        except RecursionError:
            raise InvalidSyntax(f"{file}, line {line}: {_TOO_DEEP}") from None
        rows.append(_row(line, element, kind, registry))
    return rows, position


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return False
    return True


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _lines(text: str, registry: Registry) -> Iterator[Row | Wrong]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _row(number, json.loads(line), None, registry)
        except json.JSONDecodeError as error:
            yield Wrong(number, f"is not JSON: {error.msg} at column {error.colno}")
        except RecursionError:
            yield Wrong(number, _TOO_DEEP)


def _row(line: int, element: Any, kind: str | None, registry: Registry) -> Row | Wrong:
    if not isinstance(element, dict):
        return Wrong(line, "expected an object, a user or a group")
    if kind is None:
        schemas = [str(urn).lower() for urn in element.get("schemas", [])]
        is_group = GROUP.schema.id.lower() in schemas or "userName" not in element
        kind = GROUPS if is_group else USERS
    if refused := _refused(element):
        return Wrong(line, f"{refused}: is not imported")
    given = {name: value for name, value in element.items() if name not in _NOT_TO_IMPORT}
    document = coerce(registry.resource_types[kind], given)
    # A member's `value` is an id of its file; what a group is called is its `display`.
    members, groups = _names(element.get("members"), "value"), _names(element.get("groups"), "display")
    return Row(line, kind, document, members, groups)


def _refused(element: dict[str, Any]) -> str | None:
    """Return what the document holds that would go lost unnoticed, and that a file may not decide."""
    for name, value in element.items():
        if name.lower() == "password":
            return name
        if name.lower() == GATEHOUSE_USER.lower() and isinstance(value, dict) and "role" in map(str.lower, value):
            return f"{name}:role"
    return None


def _names(given: Any, key: str) -> tuple[str, ...]:
    """Return how a document names members or groups: as SCIM's complex values, or plainly."""
    values = given if isinstance(given, list) else []
    named = (value.get(key) if isinstance(value, dict) else value for value in values)
    return tuple(name for name in named if isinstance(name, str) and name)


def _unreadable(file: Path, error: json.JSONDecodeError) -> InvalidSyntax:
    return InvalidSyntax(f"{file}, line {error.lineno}, column {error.colno}: is not JSON: {error.msg}")
