"""Importing a directory from a real slapd, and running again when nothing changed."""

import json
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from tests.bench.reading import ATTRIBUTES, Reading
from tests.bench.server import Idp
from tests.bench.table import Row, print_rows
from tests.support.people import make_company
from tests.support.process import ServerError
from tests.support.slapd import Slapd

GROUPS = 200
SOURCE = "bench"
# What is wanted for 100,000 people, in seconds; smaller directories are held to their share and what it takes to start.
READ, FIRST, SECOND = 5.0, 60.0, 15.0


def bench(directory: Path, people: int, settings: dict[str, str]) -> None:
    """Time ldapsearch, our reading, the first import and a second run, and print the table."""
    slapd = Slapd(directory / "slapd")
    slapd.load(make_company(people, GROUPS).ldif())
    slapd.start()
    try:
        rows = _measure(directory / "ldap", slapd, people, settings)
    finally:
        slapd.kill()
    print_rows(f"{people:,} people and {GROUPS} groups from slapd", "ldapsearch", rows, "CPU")


def _measure(directory: Path, slapd: Slapd, people: int, settings: dict[str, str]) -> list[Row]:
    source = {
        "url": slapd.url,
        "base": slapd.base,
        "bind_dn": slapd.admin_dn,
        "bind_password": slapd.admin_password,
    }
    own = {f"IDP_LDAP__{SOURCE.upper()}__{name.upper()}": value for name, value in source.items()}
    idp = Idp(directory, {**{name: value.replace("@size@", "ldap") for name, value in settings.items()}, **own})
    beside = min(_time_ldapsearch(slapd) for _ in range(3))
    reading = min((_read(source) for _ in range(3)), key=lambda reading: reading.seconds)
    first, second = (idp.run("ldap", "sync", SOURCE, "--json") for _ in range(2))
    with idp.serving():
        found = json.loads(idp.fetch("/scim/v2/Users?count=0"))["totalResults"]
    if not reading.entries == found == people:
        raise ServerError(f"of {people} people {reading.entries} were read and {found} imported")
    share = people / 100_000
    return [
        _row("read all people", reading.seconds, 0.2 + READ * share, beside, f"{reading.cpu:.1f} s"),
        _row("first import", first.seconds, 1 + FIRST * share, beside, f"{first.cpu:.1f} s", first.memory),
        _row("second run, no change", second.seconds, 1 + SECOND * share, beside, f"{second.cpu:.1f} s", second.memory),
    ]


def _time_ldapsearch(slapd: Slapd) -> float:
    options = ["-x", "-LLL", "-H", slapd.url, "-D", slapd.admin_dn, "-w", slapd.admin_password, "-b", slapd.base]
    wanted = ["-E", "pr=1000/noprompt", "(objectClass=inetOrgPerson)", *ATTRIBUTES, "entryUUID"]
    begin = time.perf_counter()
    subprocess.run(["ldapsearch", *options, *wanted], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def _read(source: dict[str, str]) -> Reading:
    command = [sys.executable, "-m", "tests.bench.reading"]
    done = subprocess.run(command, input=msgspec.json.encode(source), stdout=subprocess.PIPE, check=True)
    reading = msgspec.json.decode(done.stdout, type=Reading)
    if not reading.complete:
        raise ServerError("the directory was not read to its end")
    return reading


def _row(what: str, seconds: float, goal: float, beside: float, cpu: str, memory: float | None = None) -> Row:
    return Row(
        what,
        f"{seconds:.1f} s" + (f", {memory:.0f} MB" if memory is not None else ""),
        f"{beside:.1f} s",
        f"{seconds / beside:.1f}",
        cpu,
        wanted=f"<= {goal:.1f} s",
        met=seconds <= goal,
    )
