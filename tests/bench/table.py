"""Rows of a bench and how they are printed."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One measure: what, how much, beside what, and what was wanted of it."""

    what: str
    ours: str
    beside: str = ""
    ratio: str = ""
    cpu: str = ""
    latency: str = ""
    wanted: str = ""
    met: bool | None = None


def print_rows(title: str, beside: str, rows: list[Row], cpu: str = "by CPU") -> None:
    """Print a table; a row that misses what was wanted says so."""
    table = Table(title=title, title_justify="left", title_style="bold")
    shown = [("", "left"), ("ours", "right"), (beside, "right"), ("ratio", "right"), (cpu, "right")]
    for heading, side in [*shown, ("p50 / p99 ms", "right"), ("wanted", "left")]:
        table.add_column(heading, justify="left" if side == "left" else "right", no_wrap=True)
    for row in rows:
        verdict = "" if row.met is None else (" ok" if row.met else " MISSED")
        table.add_row(row.what, row.ours, row.beside, row.ratio, row.cpu, row.latency, row.wanted + verdict)
    Console(width=130).print(table)
