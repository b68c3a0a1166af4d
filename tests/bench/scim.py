"""SCIM reads, writes and memberships, at several sizes of the directory."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import quote

from msgspec import structs

from tests.bench.load import Job
from tests.bench.measure import Pair, Speed, alternate, best, get, metered, send
from tests.bench.server import Idp, bare_server
from tests.bench.table import Row, print_rows
from tests.support.process import ServerError

USERS, GROUPS = "/scim/v2/Users", "/scim/v2/Groups"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WRITERS = 32
ROUND_SECONDS = 1.0
MEMBER_ROUNDS = 4
SAMPLE = 500
"""Different users that the reads take in turn."""


@dataclass(frozen=True)
class Goal:
    """What is wanted of a measure: a share of the bare server's rate, or a rate."""

    share: float | None = None
    rate: float | None = None

    def text(self) -> str:
        """The goal as the table shows it."""
        return f">= {self.share:g}x" if self.share is not None else f">= {self.rate:,.0f}/s"

    def met(self, pair: Pair) -> bool:
        """Whether the measure reached it, without a failed request."""
        wanted = self.share * pair.bare.rate if self.share is not None else self.rate or 0
        return pair.ours.rate >= wanted and not pair.ours.failed


GOALS = {
    "GET one user": Goal(share=0.5),
    "filter userName eq": Goal(share=0.4),
    "list of 100": Goal(rate=300),
    "PATCH one attribute": Goal(rate=1000),
    "POST a user": Goal(rate=1000),
}


def user_name(number: int | str) -> str:
    """The login of the n-th user of the bench."""
    return f"bench{number}@example.com"


def _by_name(number: int) -> str:
    return f'userName eq "{user_name(number)}"'


def user_template(prefix: str = "") -> str:
    """A user of about 1.2 kB as clients send it; `@n@` stands for the number."""
    return json.dumps(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "userName": user_name(f"{prefix}@n@"),
            "externalId": f"external-{prefix}@n@",
            "name": {"givenName": "Björn", "familyName": "Kowalczyk-Łęcka", "formatted": "Björn Kowalczyk-Łęcka"},
            "displayName": f"Björn Kowalczyk-Łęcka {prefix}@n@",
            "title": "Member of staff",
            "preferredLanguage": "de",
            "timezone": "Europe/Berlin",
            "emails": [
                {"value": user_name(f"{prefix}@n@"), "type": "work", "primary": True},
                {"value": f"home.{prefix}@n@@example.net", "type": "home"},
            ],
            "phoneNumbers": [{"value": "+49 30 1234567", "type": "work"}],
            "addresses": [{"type": "work", "locality": "Berlin", "postalCode": "10115", "country": "DE"}],
            "active": True,
            ENTERPRISE: {"employeeNumber": f"{prefix}@n@", "department": "Engineering", "costCenter": "4711"},
        },
        ensure_ascii=False,
    )


class Size:
    """A server filled to one size, and the measures taken on it."""

    def __init__(self, idp: Idp, directory: Path, seconds: float) -> None:
        self._idp = idp
        self._directory = directory
        # Short rounds in turns: on a shared machine some of them run undisturbed.
        self._rounds = max(2, round(seconds / ROUND_SECONDS))
        self._ids: list[str] = []

    def fill(self, users: int) -> None:
        """Create the users over SCIM."""
        job = self._job("POST", [USERS], user_template(), count=users, connections=WRITERS, collect=True)
        job.insist = True
        _, report = send(job)
        self._ids = report.collected
        if len(self._ids) != users:
            raise ServerError(f"only {len(self._ids)} of {users} users were created: {report.statuses}")

    def measure(self) -> dict[str, Pair]:
        """Take each measure on ours and on the bare server, in turns."""
        draw = Random(1)
        numbers = draw.sample(range(len(self._ids)), min(SAMPLE, len(self._ids)))
        reads = {
            "GET one user": [f"{USERS}/{self._ids[number]}" for number in numbers],
            "filter userName eq": [f"{USERS}?filter={quote(_by_name(number))}" for number in numbers],
            "list of 100": [f"{USERS}?count=100"],
        }
        title = {"op": "replace", "path": "title", "value": "Title @n@"}
        patch = json.dumps({"schemas": [PATCH_SCHEMA], "Operations": [title]})
        writes = {
            "PATCH one attribute": self._job("PATCH", reads["GET one user"], patch, connections=WRITERS),
            "POST a user": self._job("POST", [USERS], user_template("more"), connections=WRITERS),
        }
        # The bare server gives each answer that ours gives: one that is always the same lies in the processor's cache.
        payloads = {
            _place(what, turn): self._idp.fetch(path) for what in reads for turn, path in enumerate(reads[what])
        }
        payloads["write"] = payloads[_place("GET one user", 0)]
        with bare_server(payloads, self._directory) as bare:
            pairs = {what: self._read(what, paths, bare) for what, paths in reads.items()}
            return pairs | {what: self._write(job, bare) for what, job in writes.items()}

    def _read(self, what: str, paths: list[str], bare: tuple[int, int]) -> Pair:
        idp, seconds = self._idp, ROUND_SECONDS
        same = [f"/{_place(what, turn)}" for turn in range(len(paths))]
        return alternate(
            lambda: metered(idp.process.pid, lambda: get(idp.port, paths, idp.token, seconds=seconds)),
            lambda: metered(bare[1], lambda: get(bare[0], same, "", seconds=seconds)),
            self._rounds,
        )

    def _write(self, job: Job, bare: tuple[int, int]) -> Pair:
        """Do the job in rounds; each goes on counting where the last one ended, so that no body is sent twice."""
        job.seconds = ROUND_SECONDS

        def ours() -> Speed:
            speed, _ = send(job)
            job.first += speed.requests
            return speed

        def other() -> Speed:
            return send(structs.replace(job, port=bare[0], paths=["/write"]))[0]

        pid = self._idp.process.pid
        return alternate(lambda: metered(pid, ours), lambda: metered(bare[1], other), self._rounds)

    def measure_memberships(self, big: int) -> tuple[Speed, Speed]:
        """Add members one by one to groups of ten and to a big one, in turns; small, then big."""
        adds = 100
        outsiders = self._ids[big : big + adds * MEMBER_ROUNDS]
        small = [self._group(f"small {number}", self._ids[:10]) for number in range(adds)]
        job = self._job("PATCH", [""], self._members(self._ids[:big]), count=1)
        large = self._group("big", [])
        job.paths = [f"{GROUPS}/{large}"]
        filled, report = send(job)
        if filled.failed:
            raise ServerError(f"the big group was not filled: {report.statuses}")
        results: dict[str, list[Speed]] = {"small": [], "big": []}
        for turn in range(MEMBER_ROUNDS):
            for kind, groups in (("small", small), ("big", [large])):
                add = self._job("PATCH", [f"{GROUPS}/{group}" for group in groups], self._members(["@id@"]), count=adds)
                add.ids = outsiders[turn * adds : (turn + 1) * adds]
                results[kind].append(send(add)[0])
        return best(results["small"]), best(results["big"])

    def _group(self, name: str, members: Sequence[str]) -> str:
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name,
            "members": [{"value": member} for member in members],
        }
        return str(json.loads(self._idp.fetch(GROUPS, "POST", json.dumps(body).encode()))["id"])

    def _members(self, ids: Sequence[str]) -> str:
        value = [{"value": member} for member in ids]
        operation = {"op": "add", "path": "members", "value": value}
        return json.dumps({"schemas": [PATCH_SCHEMA], "Operations": [operation]})

    def _job(
        self,
        method: str,
        paths: list[str],
        body: str,
        *,
        count: int | None = None,
        connections: int = 1,
        collect: bool = False,
    ) -> Job:
        return Job(
            self._idp.port, method, paths, self._idp.token, body, connections=connections, count=count, collect=collect
        )


def bench(directory: Path, sizes: Sequence[int], seconds: float, settings: dict[str, str]) -> None:
    """Measure at each size and print a table for each, then how the sizes compare."""
    rates: list[dict[str, Pair]] = []
    for users in sizes:
        place = directory / f"scim-{users}"
        idp = Idp(place, {name: value.replace("@size@", str(users)) for name, value in settings.items()})
        with idp.serving():
            idle = idp.memory()
            size = Size(idp, place, seconds)
            size.fill(users)
            measured = size.measure()
            rates.append(measured)
            rows = [_row(what, pair) for what, pair in measured.items()]
            if users == max(sizes):
                rows.append(_membership_row(size, min(10_000, users // 2)))
            rows.append(
                Row("memory idle / loaded", f"{idle:.0f} / {idp.memory():.0f} MB", wanted="< 90 MB", met=idle < 90)
            )
            rows.append(Row("start to ready", f"{idp.started_in:.2f} s", wanted="< 1 s", met=idp.started_in < 1))
        print_rows(f"{users:,} users", "bare aiohttp", rows)
    if len(sizes) > 1:
        print_rows(f"{sizes[-1]:,} users beside {sizes[0]:,}", f"{sizes[0]:,}", _growth(rates[0], rates[-1]))


def _place(what: str, turn: int) -> str:
    """Where the bare server has the answer to one of a measure's requests."""
    return f"{what.replace(' ', '-')}-{turn}"


def _row(what: str, pair: Pair) -> Row:
    ours, bare = pair.ours, pair.bare
    goal = GOALS[what]
    failed = f", {ours.failed} FAILED" if ours.failed else ""
    return Row(
        what,
        f"{ours.rate:,.0f}/s{failed}",
        f"{bare.rate:,.0f}/s",
        f"{ours.rate / bare.rate:.2f}",
        f"{bare.cpu / ours.cpu:.2f}" if ours.cpu else "",
        f"{ours.median:.1f} / {ours.p99:.1f}",
        goal.text(),
        goal.met(pair),
    )


def _membership_row(size: Size, big: int) -> Row:
    small, large = size.measure_memberships(big)
    ratio = small.rate / large.rate
    return Row(
        f"member to {big:,} (beside 10)",
        f"{1000 / large.rate:.2f} ms",
        f"({1000 / small.rate:.2f} ms)",
        f"{ratio:.2f}",
        latency=f"{large.median:.1f} / {large.p99:.1f}",
        wanted="<= 1.2x",
        met=ratio <= 1.2 and not large.failed + small.failed,
    )


def _growth(before: dict[str, Pair], after: dict[str, Pair]) -> list[Row]:
    rows = []
    for what, pair in after.items():
        ours, was = pair.ours, before[what].ours
        cost = was.rate / ours.rate
        by_cpu = f"{ours.cpu / was.cpu:.2f}" if was.cpu else ""
        met = cost <= 1.5
        rows.append(Row(what, f"{ours.rate:,.0f}/s", f"{was.rate:,.0f}/s", f"{cost:.2f}", by_cpu, "", "<= 1.5x", met))
    return rows
