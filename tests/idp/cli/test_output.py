"""What commands print for people."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from idp.cli.output import print_fields, print_table

ROWS = [
    {"id": "01a20376-1d16", "state": "held", "reason": "59 of 411 would be disabled or removed", "by": ""},
    {"id": "01a20376-0531", "state": "applied", "reason": "", "by": "cli:root"},
]


def test_several_values_stand_below_each_other_whatever_holds_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"controls": ("1.2", "3.4"), "contexts": ["dc=x"], "none": (), "complete": True})
    assert capsys.readouterr().out == ("controls  1.2\n          3.4\ncontexts  dc=x\nnone      -\ncomplete  yes\n")


def on_a_terminal(code: str, columns: int) -> str:
    """What a program prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"NO_COLOR": "1"}
    subprocess.run([sys.executable, "-c", code], stdout=theirs, env=environment, check=True)
    os.close(theirs)
    printed = os.read(ours, 100_000).decode()
    os.close(ours)
    return printed.replace("\r\n", "\n")


def test_a_table_too_wide_for_a_terminal_becomes_paragraphs_and_is_whole_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    columns = ["id", "state", "reason", "by"]
    print_table(ROWS, columns, "None.")
    table = capsys.readouterr().out
    assert max(map(len, table.splitlines())) > 60
    code = f"from idp.cli.output import print_table; print_table({ROWS!r}, {columns!r}, 'None.')"
    assert on_a_terminal(code, 100) == table
    assert on_a_terminal(code, 36) == (
        "ID      01a20376-1d16\n"
        "STATE   held\n"
        "REASON  59 of 411 would be disabled\n"
        "        or removed\n"
        "\n"
        "ID     01a20376-0531\n"
        "STATE  applied\n"
        "BY     cli:root\n"
    )
