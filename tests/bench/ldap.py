"""A directory in a real slapd: reading and importing it, following it, logging in by it, and being of use meanwhile."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from idp.clock import from_text
from tests.bench import binds
from tests.bench.measure import Speed, get, metered
from tests.bench.reading import ATTRIBUTES, Reading
from tests.bench.server import Idp, Run
from tests.bench.table import Row, print_rows
from tests.support.ldif import write_change
from tests.support.people import make_company, make_person
from tests.support.process import ServerError
from tests.support.slapd import Slapd

T = TypeVar("T")
GROUPS: Final = 200
CHANGES: Final = 20
SOURCE: Final = "bench"
# What is wanted for 100,000 people, in seconds; smaller directories are held to their share and what it takes to start.
READ, FIRST, SECOND = 4.0, 30.0, 8.0
# What is wanted whatever the size: seconds for a run that follows a few changes, MB, and ratios.
FOLLOW, MEMORY = 1.0, 250.0
GROWTH, BINDS, READS = 1.25, 0.5, 0.5
LONGEST: Final = 600.0
"""Seconds that an import beside reads may take."""


def bench(directory: Path, people: int, settings: Mapping[str, str], seconds: float, times: int) -> None:
    """Print the tables of a directory, and what the import of one that is `times` as large takes in memory."""
    with _directory(directory / "slapd", people) as slapd:
        rows, memory = _imported(directory / "ldap", slapd, people, settings, seconds)
        rows.append(_serving(directory / "serving", slapd, settings, seconds))
    if times > 1:
        with _directory(directory / "grown", people * times) as slapd:
            run = _idp(directory / "ldap-grown", slapd, settings).run("ldap", "sync", SOURCE, "--json")
        rows.append(_grown(people * times, run, memory))
    print_rows(f"{people:,} people and {GROUPS} groups from slapd", "ldapsearch, ldap3, idle", rows, "CPU")


@contextmanager
def _directory(place: Path, people: int) -> Iterator[Slapd]:
    slapd = Slapd(place)
    slapd.load(make_company(people, GROUPS).ldif())
    slapd.start()
    try:
        yield slapd
    finally:
        slapd.kill()


def _source(slapd: Slapd) -> dict[str, str]:
    account = {"bind_dn": slapd.admin_dn, "bind_password": slapd.admin_password}
    return {"url": slapd.url, "base": slapd.base, **account}


def _idp(place: Path, slapd: Slapd, settings: Mapping[str, str], **more: str) -> Idp:
    named = {f"IDP_LDAP__{SOURCE.upper()}__{key.upper()}": value for key, value in (_source(slapd) | more).items()}
    return Idp(place, _stored(place, settings) | named)


def _stored(place: Path, settings: Mapping[str, str]) -> dict[str, str]:
    return {name: value.replace("@size@", place.name) for name, value in settings.items()}


def _imported(
    place: Path, slapd: Slapd, people: int, settings: Mapping[str, str], seconds: float
) -> tuple[list[Row], float]:
    """Return the rows of one directory, and the memory (MB) of the first import."""
    idp = _idp(place, slapd, settings)
    beside = min(_time_ldapsearch(slapd) for _ in range(3))
    reading = min((_read(slapd) for _ in range(3)), key=lambda reading: reading.seconds)
    first, second = (idp.run("ldap", "sync", SOURCE, "--json") for _ in range(2))
    with idp.serving():
        found = json.loads(idp.fetch("/scim/v2/Users?count=0"))["totalResults"]
    if not reading.entries == found == people:
        raise ServerError(f"of {people} people {reading.entries} were read and {found} imported")
    full = idp.run("ldap", "sync", SOURCE, "--json", "--full")
    share = people / 100_000
    rows = [
        _row("read all people", reading.seconds, 0.2 + READ * share, beside, f"{reading.cpu:.1f} s"),
        _run_row("first import", first, 1 + FIRST * share, beside),
        _run_row("full run, no change", full, 1 + SECOND * share, beside),
        _run_row("run by RFC 4533, no change", second, 1 + FOLLOW, beside),
        _followed(idp, slapd),
        _bound(place, slapd, settings, seconds),
    ]
    return rows, first.memory


def _followed(idp: Idp, slapd: Slapd) -> Row:
    """Change a few people and run: what the run itself takes, since starting the command is the same for all."""
    people = [make_person(number) for number in range(1, CHANGES + 1)]
    slapd.modify("".join(write_change(one.dn, [("replace", "title", ["Changed"])]) for one in people))
    run = idp.run("ldap", "sync", SOURCE, "--json")
    said: dict[str, Any] = json.loads(run.output)
    if said["whole"] or said["feed"] != "rfc4533" or said["counts"]["update"] != CHANGES:
        raise ServerError(f"the changes were not followed: {run.output[:500]}")
    taken = (from_text(said["finished"]) - from_text(said["started"])).total_seconds()
    what = f"{CHANGES} changes by RFC 4533"
    return Row(what, f"{taken:.2f} s", cpu=f"{run.cpu:.1f} s", wanted=f"<= {FOLLOW:g} s", met=taken <= FOLLOW)


def _bound(place: Path, slapd: Slapd, settings: Mapping[str, str], seconds: float) -> Row:
    """Log people in by the directory, and beside it bind as them with bare ldap3."""
    store = _stored(place, settings).get("IDP_STORE", f"sqlite:{place}/data/idp.sqlite")
    job = binds.Job(_source(slapd), store, seconds / 2)
    report = _asked("binds", job, binds.Report)
    ratio = report.ours.rate / report.bare.rate
    return Row(
        f"logins, {binds.AT_ONCE} at once",
        f"{report.ours.rate:,.0f} /s",
        f"{report.bare.rate:,.0f} /s",
        f"{ratio:.2f}",
        f"{report.bare.cpu / report.ours.cpu:.2f}",
        wanted=f">= {BINDS:g}",
        met=ratio >= BINDS,
    )


def _serving(place: Path, slapd: Slapd, settings: Mapping[str, str], seconds: float) -> Row:
    """Read by SCIM while the server imports the directory, and again when it has nothing else to do."""
    idp = _idp(place, slapd, settings, interval="600")
    with idp.serving():
        paths = [_added(idp, number) for number in range(20)]
        busy = _reads(idp, paths, seconds)
        was_under_way = not _has_run(idp)
        idp.process.wait_until(lambda: _has_run(idp), LONGEST)
        idle = _reads(idp, paths, seconds)
    ratio = busy.rate / idle.rate
    return Row(
        "SCIM reads during an import" + ("" if was_under_way else ", over too soon"),
        f"{busy.rate:,.0f} /s",
        f"{idle.rate:,.0f} /s",
        f"{ratio:.2f}",
        latency=f"{busy.median:.1f} / {busy.p99:.1f}",
        wanted=f">= {READS:g}",
        met=ratio >= READS and not busy.failed,
    )


def _added(idp: Idp, number: int) -> str:
    user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"local-{number}"}
    made = json.loads(idp.fetch("/scim/v2/Users", "POST", json.dumps(user).encode()))
    return f"/scim/v2/Users/{made['id']}"


def _reads(idp: Idp, paths: list[str], seconds: float) -> Speed:
    return metered(idp.process.pid, lambda: get(idp.port, paths, idp.token, seconds=seconds))


def _has_run(idp: Idp) -> bool:
    runs = json.loads(idp.run("ldap", "runs", SOURCE, "--json").output)
    return bool(runs) and runs[0]["state"] != "running"


def _grown(people: int, run: Run, memory: float) -> Row:
    return Row(
        f"memory, {people:,} people",
        f"{run.memory:.0f} MB",
        f"{memory:.0f} MB",
        f"{run.memory / memory:.2f}",
        f"{run.cpu:.1f} s",
        wanted=f"<= {GROWTH:g}, {MEMORY:g} MB",
        met=run.memory <= min(MEMORY, memory * GROWTH),
    )


def _time_ldapsearch(slapd: Slapd) -> float:
    options = ["-x", "-LLL", "-H", slapd.url, "-D", slapd.admin_dn, "-w", slapd.admin_password, "-b", slapd.base]
    wanted = ["-E", "pr=1000/noprompt", "(objectClass=inetOrgPerson)", *ATTRIBUTES, "entryUUID"]
    begin = time.perf_counter()
    subprocess.run(["ldapsearch", *options, *wanted], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def _read(slapd: Slapd) -> Reading:
    reading = _asked("reading", _source(slapd), Reading)
    if not reading.complete:
        raise ServerError("the directory was not read to its end")
    return reading


def _asked(module: str, job: object, answer: type[T]) -> T:
    """Do a job in a process of its own."""
    command = [sys.executable, "-m", f"tests.bench.{module}"]
    done = subprocess.run(command, input=msgspec.json.encode(job), stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=answer)


def _run_row(what: str, run: Run, goal: float, beside: float) -> Row:
    return _row(what, run.seconds, goal, beside, f"{run.cpu:.1f} s", run.memory)


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
