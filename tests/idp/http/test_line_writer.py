"""Lines written by a thread: nobody waits for their reader."""

import io
import logging
import os
from collections.abc import Iterator
from typing import TextIO

import pytest

from idp.http.line_writer import LineWriter

BATCH = ("x" * 99 + "\n") * 1_000
"""More than a pipe holds."""


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    """A pipe: the end to write to, and the end that is to be read."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as out, os.fdopen(writer, "w") as into:
        yield into, out


def test_batches_are_written_in_their_order() -> None:
    stream = io.StringIO()
    writer = LineWriter(stream)
    for number in range(50):
        writer.put(f"{number}\n")
    writer.drain(30)
    assert stream.getvalue().split() == [str(number) for number in range(50)]


def test_a_reader_that_stands_still_holds_up_nobody_and_what_it_missed_is_counted(
    pipe: tuple[TextIO, TextIO], caplog: pytest.LogCaptureFixture
) -> None:
    into, out = pipe
    writer = LineWriter(into, waiting=2)
    for _ in range(10):
        writer.put(BATCH)
    # One batch is being written at most, two wait.
    kept = 10_000 - writer.dropped
    assert kept in (2_000, 3_000)
    with caplog.at_level(logging.WARNING):
        read = "".join(out.readline() for _ in range(kept))
        writer.drain(30)
    assert read == BATCH * (kept // 1_000)
    assert f"{writer.dropped} lines of the access log were dropped" in caplog.text


def test_the_end_waits_no_longer_than_it_is_told_to(pipe: tuple[TextIO, TextIO]) -> None:
    into, out = pipe
    writer = LineWriter(into, waiting=1)
    writer.put(BATCH)
    writer.drain(0.01)
    assert out.readline() == "x" * 99 + "\n"
    assert "".join(out.readline() for _ in range(999)) == BATCH[100:]
