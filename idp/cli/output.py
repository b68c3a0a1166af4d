"""What commands print: for people, with colour only on a terminal, or one JSON document for programs."""

import json
import math
import os
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TextIO

import typer

from idp.errors import ConfigError

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_EMPTY: Final = "-"
_GAP: Final = "  "
_STYLES: Final = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1"}


def print_json(value: object) -> None:
    """Print a document for programs."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def print_error(error: Exception) -> None:
    """Print an error on standard error: a sentence, or with --json an object."""
    if "--json" in sys.argv:
        found = {"error": str(error)} | ({"key": error.key} if isinstance(error, ConfigError) else {})
        print(json.dumps(found, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"{styled('idp:', 'bad', sys.stderr)} {error}", file=sys.stderr)


def print_note(text: str) -> None:
    """Print a remark that is not the result, on standard error."""
    print(text, file=sys.stderr)


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """Colour a text, on a terminal that has not asked for none (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or not (stream or sys.stdout).isatty():
        return text
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], empty: str) -> None:
    """Print rows in aligned columns, or a sentence when there are none; never cut, so that it can be piped.

    On a terminal that is too narrow for them each row is a paragraph, which leaves out what is empty.
    """
    if not rows:
        print(empty)
        return
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(width(line[i]) for line in [list(columns), *cells]) for i in range(len(columns))]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > _room():
        _print_paragraphs([column.upper() for column in columns], cells)
        return
    print(styled(_line([column.upper() for column in columns], widths), "dim"))
    for line in cells:
        print(_line(line, widths))


def _print_paragraphs(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    for number, line in enumerate(cells):
        if number:
            print()
        print_fields({name: cell for name, cell in zip(columns, line, strict=True) if cell != _EMPTY})


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print names and values, one below the other; on a terminal a long value goes on below its beginning."""
    longest = max(width(name) for name in fields)
    room = _room() - longest - len(_GAP)
    for name, value in fields.items():
        values = (value if isinstance(value, list | tuple) else [value]) or [None]
        first, *rest = [line for one in values for line in _folded(_cell(one), room)]
        print(f"{styled(_pad(name, longest), 'dim')}{_GAP}{first}")
        for further in rest:
            print(f"{' ' * longest}{_GAP}{further}")


def _room() -> float:
    """Return how many columns there are: what is no terminal takes any number."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else math.inf


def _folded(text: str, room: float) -> list[str]:
    """Cut a text between words into lines that fit; a word that is longer stays whole, to be copied."""
    if width(text) <= room:
        return [text]
    lines = [""]
    for word in text.split():
        if lines[-1] and width(lines[-1]) + 1 + width(word) > room:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def width(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    return sum(_column_count(character) for character in text)


def _column_count(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cell(value: Any) -> str:
    match value:
        case None | "" | [] | ():
            return _EMPTY
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(_cell, value))
        case _:
            return printable(str(value))


def printable(text: str) -> str:
    """Return the text without what a terminal would obey: names come from strangers."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(_pad(cell, size) for cell, size in zip(cells, widths, strict=True)).rstrip()


def _pad(text: str, size: int) -> str:
    return text + " " * (size - width(text))
