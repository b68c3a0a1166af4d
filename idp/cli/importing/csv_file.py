"""People from a table: the first line names attributes, every further line is a person."""

import csv
import difflib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from idp.cli.importing.rows import BUILT_IN, USERS, Row, Rows, Wrong, read_text, split_names
from idp.errors import InvalidPath, InvalidSyntax
from idp.schema import Registry, ResourceType, Type, coerce
from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER

GROUPS_COLUMN: Final = "groups"
_NOT_TO_IMPORT: Final = ("id", "meta", "password", "schemas", GATEHOUSE_USER)
# What spreadsheets call things; every attribute can also be named as SCIM does (`name.givenName`).
ALIASES: Final[Mapping[str, str]] = {
    "username": "userName",
    "login": "userName",
    "mail": "emails",
    "email": "emails",
    "firstname": "name.givenName",
    "givenname": "name.givenName",
    "lastname": "name.familyName",
    "familyname": "name.familyName",
    "surname": "name.familyName",
    "phone": "phoneNumbers",
    "name": "displayName",
    "id": "externalId",
    "department": f"{ENTERPRISE_USER}:department",
    "employeenumber": f"{ENTERPRISE_USER}:employeeNumber",
    "costcenter": f"{ENTERPRISE_USER}:costCenter",
    "organization": f"{ENTERPRISE_USER}:organization",
}


def read(file: Path, registry: Registry = BUILT_IN) -> Rows:
    """Return the rows. Raises InvalidSyntax for a table without a usable first line."""
    text, kind = read_text(file), registry.resource_types[USERS]
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        header = next(lines, [])
    except csv.Error as error:
        raise InvalidSyntax(f"{file}, line 1: {error}") from error
    columns = [_attribute(file, kind, name) for name in header]
    if twice := next((name for number, name in enumerate(columns) if name in columns[:number]), None):
        raise InvalidSyntax(f"{file}, line 1: two columns mean {twice}")
    if "userName" not in columns:
        raise InvalidSyntax(f"{file}, line 1: no column userName; the first line names the columns")
    # In a table separated by semicolons the cells cannot be.
    return _rows(lines, columns, "|" if delimiter == ";" else ";|", kind)


def _rows(lines: Any, columns: list[str], separators: str, kind: ResourceType) -> Iterator[Row | Wrong]:
    while True:
        # A quoted cell may hold line ends: the row begins on the line after the last one's end.
        line = lines.line_num + 1
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield Wrong(line, str(error))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(columns):
            yield Wrong(line, f"{len(cells)} cells, but the first line names {len(columns)} columns")
        else:
            yield _row(line, dict(zip(columns, cells, strict=False)), separators, kind)


def _row(line: int, cells: dict[str, str], separators: str, kind: ResourceType) -> Row:
    groups = tuple(split_names(cells.pop(GROUPS_COLUMN, ""), separators))
    # An empty cell says nothing: what is there already stays.
    given = {name: _value(kind, name, text.strip(), separators) for name, text in cells.items() if text.strip()}
    return Row(line, USERS, coerce(kind, given), groups=groups)


def _value(kind: ResourceType, name: str, text: str, separators: str) -> Any:
    attribute = kind.resolve(name).attribute
    if not attribute.multi_valued:
        return text
    if attribute.type is not Type.COMPLEX:
        return list(split_names(text, separators))
    values: list[Any] = [{"value": value} for value in split_names(text, separators)]
    if attribute.sub("primary") is not None:
        values[0]["primary"] = True
    return values


def _attribute(file: Path, kind: ResourceType, column: str) -> str:
    name = column.strip()
    if name.lower() == GROUPS_COLUMN:
        return GROUPS_COLUMN
    name = ALIASES.get(name.lower().replace(" ", "").replace("_", "").replace("-", ""), name)
    try:
        target = kind.resolve(name)
    except InvalidPath:
        target = None
    if target is None or target.keys[0] in _NOT_TO_IMPORT:
        near = difflib.get_close_matches(name, [*ALIASES, GROUPS_COLUMN, *_attributes(kind)], 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InvalidSyntax(f"{file}, line 1: {column!r} is no attribute of users to import{hint}")
    # A column cannot hold parts of one value among several; the bare attribute takes the values.
    whole = target.chain[0].name if target.schema is kind.schema else f"{target.schema.id}:{target.chain[0].name}"
    return whole if target.chain[0].multi_valued else name


def _attributes(kind: ResourceType) -> Iterator[str]:
    return (".".join(target.keys) for target in kind.targets() if target.keys[0] not in _NOT_TO_IMPORT)
