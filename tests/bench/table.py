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
    aim: str = ""
    reached: bool | None = None
    """As `wanted` and `met`, for the stricter of two goals."""


def print_rows(title: str, beside: str, rows: list[Row], cpu: str = "by CPU") -> None:
    """Print a table; a row that misses what was wanted says so."""
    table = Table(title=title, title_justify="left", title_style="bold")
    shown = [("", "left"), ("ours", "right"), (beside, "right"), ("ratio", "right"), (cpu, "right")]
    if has_latencies := any(row.latency for row in rows):
        shown.append(("p50 / p99 ms", "right"))
    shown.append(("wanted", "left"))
    if has_aims := any(row.aim for row in rows):
        shown.append(("aim", "left"))
    for heading, side in shown:
        table.add_column(heading, justify="left" if side == "left" else "right", no_wrap=True)
    for row in rows:
        cells = [row.what, row.ours, row.beside, row.ratio, row.cpu]
        cells += [row.latency] if has_latencies else []
        cells += [row.wanted + _verdict(row.met)]
        cells += [row.aim + _verdict(row.reached)] if has_aims else []
        table.add_row(*cells)
    Console(width=140).print(table)


def _verdict(met: bool | None) -> str:
    return "" if met is None else (" ok" if met else " MISSED")
