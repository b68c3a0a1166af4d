"""Reads every person of a directory in a process of its own: settings as JSON on stdin, count and seconds on stdout."""

import sys
import time

import msgspec

from ldap_bridge.directories import open_directory
from ldap_bridge.entries import Selection
from ldap_bridge.settings import parse
from tests.bench.measure import cpu_seconds
from tests.support.people import make_person

ATTRIBUTES = tuple(name for name in make_person(1).attributes() if name != "userPassword")


class Reading(msgspec.Struct):
    """What was read, and in how long."""

    entries: int
    seconds: float
    cpu: float
    complete: bool


def main() -> None:
    """Read, without mapping or storing anything, and report."""
    source = parse("bench", msgspec.json.decode(sys.stdin.buffer.read()))
    directory = open_directory(source)
    selection = Selection(
        [source.base] if isinstance(source.base, str) else source.base,
        ["inetOrgPerson"],
        attributes=(*ATTRIBUTES, "entryUUID"),
    )
    begin, cpu = time.perf_counter(), cpu_seconds("self")
    reading = directory.read(selection)
    entries = sum(len(batch) for batch in reading.batches())
    report = Reading(entries, time.perf_counter() - begin, cpu_seconds("self") - cpu, reading.outcome.complete)
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main()
