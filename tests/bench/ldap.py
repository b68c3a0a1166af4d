"""Importing a directory from a real slapd, and running again when nothing changed."""

import json
import subprocess
import time
from pathlib import Path

from tests.bench.server import Idp
from tests.bench.table import Row, print_rows
from tests.support.people import make_company
from tests.support.process import ServerError
from tests.support.slapd import Slapd

GROUPS = 200
SOURCE = "bench"


def bench(directory: Path, people: int, settings: dict[str, str]) -> None:
    """Time ldapsearch, a plan, the first import and a second run, and print the table."""
    slapd = Slapd(directory / "slapd")
    slapd.load(make_company(people, GROUPS).ldif())
    slapd.start()
    try:
        rows = _measure(directory / "ldap", slapd, people, settings)
    finally:
        slapd.kill()
    print_rows(f"{people:,} people and {GROUPS} groups from slapd", "ldapsearch", rows)


def _measure(directory: Path, slapd: Slapd, people: int, settings: dict[str, str]) -> list[Row]:
    section = f"IDP_LDAP__{SOURCE.upper()}__"
    own = {
        f"{section}URL": slapd.url,
        f"{section}BASE": slapd.base,
        f"{section}BIND_DN": slapd.admin_dn,
        f"{section}BIND_PASSWORD": slapd.admin_password,
    }
    idp = Idp(directory, {**{name: value.replace("@size@", "ldap") for name, value in settings.items()}, **own})
    by_ldapsearch = _time_ldapsearch(slapd)
    first, second = (idp.run("ldap", "sync", SOURCE, "--json") for _ in range(2))
    with idp.serving():
        found = json.loads(idp.fetch("/scim/v2/Users?count=0"))["totalResults"]
    if found != people:
        raise ServerError(f"{found} of {people} people were imported")
    # The goals are for 100,000 people; smaller runs are held to their share.
    scale = people / 100_000
    return [
        _row("first import", first.seconds, 60 * scale, by_ldapsearch, first.memory),
        _row("second run, nothing changed", second.seconds, 15 * scale, by_ldapsearch, second.memory),
    ]


def _time_ldapsearch(slapd: Slapd) -> float:
    options = ["-x", "-LLL", "-H", slapd.url, "-D", slapd.admin_dn, "-w", slapd.admin_password, "-b", slapd.base]
    begin = time.perf_counter()
    subprocess.run(
        ["ldapsearch", *options, "-E", "pr=1000/noprompt", "(objectClass=*)", "*", "entryUUID"],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begin


def _row(what: str, seconds: float, goal: float, beside: float, memory: float) -> Row:
    return Row(
        what,
        f"{seconds:.1f} s, {memory:.0f} MB",
        f"{beside:.1f} s",
        f"{seconds / beside:.1f}",
        wanted=f"<= {goal:.1f} s",
        met=seconds <= goal,
    )
