"""Command line of the fuzz: odd requests to a real server, then the property tests at length."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import uvloop

from tests.fuzz import ldap
from tests.fuzz.run import Report, Server, run
from tests.support.idp import Idp
from tests.support.mongod import Mongod, with_database
from tests.support.ports import HOST

_GROWTH: Final = 64
"""Megabytes that a server may take on after its warm-up: its memories of answers and filters fill up, then it ends."""


def main() -> int:
    """Run the parts asked for; the exit status is 1 when something was found."""
    options = _options()
    failed = False
    if options.part in ("all", "scim"):
        summary = _fuzz_scim(options)
        failed = bool(summary["findings"])
        print(json.dumps(summary) if options.json else _told(summary))
    if options.part in ("all", "ldap"):
        found = _fuzz_ldap(options)
        failed |= bool(found.findings)
        print(json.dumps(found.summary()) if options.json else f"\n{found}")
    if options.part in ("all", "properties"):
        failed |= _properties() != 0
    return int(failed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--part", choices=["all", "scim", "ldap", "properties"], default="all")
    parser.add_argument("--requests", type=int, default=100_000, help="how many requests are sent")
    parser.add_argument("--messages", type=int, default=1_000_000, help="how many LDAP messages are read")
    parser.add_argument("--first", type=int, default=0, help="number of the first one, to send a finding's again")
    parser.add_argument("--seed", type=int, help="the seed of an earlier run, to send the same requests")
    parser.add_argument("--store", choices=["sqlite", "mongodb"], default="sqlite")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("--directory", type=Path, default=Path("var/fuzz"), help="where data goes while it runs")
    return parser.parse_args()


def _fuzz_ldap(options: argparse.Namespace) -> ldap.Report:
    seed = ldap.new_seed() if options.seed is None else options.seed
    print(f"{options.messages:,} mutated LDAP messages, seed {seed}", file=sys.stderr)
    before = _resident(os.getpid())
    report = ldap.fuzz(seed, range(options.first, options.first + options.messages), _ldap_progress)
    if (grown := _resident(os.getpid()) - before) > _GROWTH:
        report.findings.append({"complaint": f"memory grew by {grown:.0f} MB"})
    return report


def _ldap_progress(report: ldap.Report) -> None:
    told = f"{report.sent:,} sent, {report.messages:,} read, {report.refused:,} refused"
    print(f"\r{told}, {len(report.findings)} findings ", end="", file=sys.stderr, flush=True)


def _fuzz_scim(options: argparse.Namespace) -> dict[str, Any]:
    seed = int.from_bytes(os.urandom(4)) if options.seed is None else options.seed
    print(f"{options.requests:,} requests to SCIM over {options.store}, seed {seed}", file=sys.stderr)
    numbers = range(options.first, options.first + options.requests)
    options.directory.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-", dir=options.directory) as name,
        _store(options.store, Path(name).absolute()) as url,
        _serving(Idp(Path(name).absolute() / "idp", store=url, settings={"IDP_SERVER__ACCESS_LOG": "off"})) as idp,
    ):
        report = uvloop.run(run(_server(idp), seed, numbers, _progress))
        print(file=sys.stderr)
        return _summary(report, options.store, idp.process.log_text())


def _summary(report: Report, store: str, log: str) -> dict[str, Any]:
    """Return what came of it, with what memory and log say beside the answers."""
    summary = {"store": store, **report.summary()}
    memory = summary["memory_mb"]
    if memory["end"] > memory["warm"] + _GROWTH:
        summary["findings"].append({"complaint": f"memory grew by {memory['end'] - memory['warm']} MB"})
    if "Traceback" in log:
        summary["findings"].append(
            {"complaint": "a traceback in the log", "log": log[log.index("Traceback") :][:3_000]}
        )
    return summary


def _server(idp: Idp) -> Server:
    # Somebody whom no client may change, so that the token goes on being good.
    idp.command(
        "user",
        "create",
        "me",
        "--email",
        "me@example.org",
        "--role",
        "admin",
        "--password-stdin",
        stdin="a river runs uphill\n",
    )
    token = idp.command("token", "create", "fuzz")
    personal = idp.command("token", "create", "own", "--user", "me")
    return Server(HOST, idp.port, token, personal, lambda: _resident(idp.process.pid))


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def _serving(idp: Idp) -> Iterator[Idp]:
    idp.start()
    try:
        yield idp
    finally:
        idp.stop()


@contextmanager
def _store(kind: str, directory: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield ""
        return
    server = Mongod(directory / "mongod")
    server.start()
    try:
        yield with_database(server.uri, "fuzz")
    finally:
        server.kill()


def _progress(report: Report) -> None:
    told = f"{report.requests:,} requests, {report.requests / report.seconds:,.0f}/s, {len(report.findings)} findings"
    memory = f", {report.memory[-1]:.0f} MB" if report.memory else ""
    print(f"\r{told}{memory}, slowest {report.slowest * 1000:.0f} ms ", end="", file=sys.stderr, flush=True)


def _told(summary: dict[str, Any]) -> str:
    findings = summary["findings"]
    lines = [f"{name}: {value}" for name, value in summary.items() if name != "findings"]
    lines += [f"findings: {len(findings)}", *(json.dumps(finding, indent=2) for finding in findings[:20])]
    return "\n".join(lines)


def _properties() -> int:
    """Run the property tests with many more examples than `make test` tries."""
    command = [sys.executable, "-m", "pytest", "-n", "2", "--timeout", "3600", "-m", "hypothesis"]
    return subprocess.run(command, env=os.environ | {"HYPOTHESIS_PROFILE": "fuzz"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
