"""Statements over many rows: each costs more in coming and going than in work."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import apsw

from idp.store.sqlite.table import Value

# So many rows keep the longest text within what apsw remembers the compiled form of, 16 KB.
ROWS: Final = 256


@dataclass(frozen=True, slots=True)
class Statement:
    """Text whose first two parameters are the same for all rows, while each row has `width` parameters of its own.

    In `row` the places {0}, {1}, ... stand for these, and {row} for how many rows come before in the same piece.
    """

    start: str
    row: str
    width: int
    end: str = ""

    def run(self, connection: apsw.Connection, one: Value, two: Value, values: Sequence[Value | None]) -> list[Any]:
        """Run it, a piece of the rows at a time; returns the first value that each piece yields."""
        return [
            connection.execute(_text(self, len(some) // self.width), (one, two, *some)).get
            for some in _pieces(values, ROWS * self.width)
        ]

    def run_numbered(self, connection: apsw.Connection, one: Value, first: int, values: Sequence[Value | None]) -> None:
        """Run it with the number of a piece's first row as the second parameter."""
        for piece, some in enumerate(_pieces(values, ROWS * self.width)):
            connection.execute(_text(self, len(some) // self.width), (one, first + piece * ROWS, *some))


def _pieces(values: Sequence[Value | None], size: int) -> list[Sequence[Value | None]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


@cache
def _text(statement: Statement, rows: int) -> str:
    width = statement.width
    places = ([f"?{3 + width * row + place}" for place in range(width)] for row in range(rows))
    listed = ", ".join(statement.row.format(*names, row=row) for row, names in enumerate(places))
    return f"{statement.start}{listed}{statement.end}"
