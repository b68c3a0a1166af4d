"""A server filled to one size, and the loads that are put on it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from tests.bench.filling import fill
from tests.bench.load import Job
from tests.bench.measure import Speed, metered, send
from tests.bench.server import Idp
from tests.bench.users import GROUPS, TEAM, USERS, as_text, group, key_of, new_key, team_of, user
from tests.support.process import ServerError

SAMPLE = 500
"""Different users that the reads take in turn."""
_CHECKED = 20
_REPLACED = 100
# Of the person who comes by POST, to be compared with others: letters that stand nowhere else.
_KEY, _TEAM = "kkkkkkk", "qqqqq"


@dataclass
class Scene:
    """A running server with so many people in it."""

    idp: Idp
    directory: Path
    ids: list[str]
    """Of the people that it was filled with, by their numbers."""
    idle: float
    """Memory before the first request, in MB."""

    @property
    def users(self) -> int:
        """How many people it was filled with."""
        return len(self.ids)

    @cached_property
    def team(self) -> str:
        """The id of a group of the first people, whom nothing is done to."""
        return self.make_group("team", self.ids[:TEAM])

    def sample(self) -> list[int]:
        """The numbers of different people, the same ones each time."""
        return Random(1).sample(range(self.users), min(SAMPLE, self.users))

    def get(self, path: str) -> Any:
        """The JSON that a path is answered with."""
        return json.loads(self.idp.fetch(path))

    def post(self, endpoint: str, body: dict[str, Any]) -> str:
        """Create one resource; returns its id."""
        return str(json.loads(self.idp.fetch(endpoint, "POST", as_text(body).encode()))["id"])

    def make_group(self, name: str, members: list[str]) -> str:
        """Create a group; returns its id."""
        return self.post(GROUPS, group(name, members))

    def make_people(self, count: int, suffix: str) -> list[str]:
        """Create more people by POST; returns their ids."""
        speed, report = send(self.job("POST", [USERS], user(f"@n@{suffix}"), count=count, collect=True))
        if speed.failed or len(report.collected) != count:
            raise ServerError(f"of {count} people {len(report.collected)} were made: {report.statuses}")
        return report.collected

    def job(self, method: str, paths: list[str], body: dict[str, Any] | None = None, **more: Any) -> Job:
        """A load for this server."""
        return Job(self.idp.port, method, paths, self.idp.token, "" if body is None else as_text(body), **more)

    def run(self, job: Job) -> Speed:
        """Put the load on and meter the server meanwhile; the same job goes on counting where it ended."""
        speed = metered(self.idp.process.pid, lambda: send(job)[0])
        job.first += speed.requests
        return speed

    def check(self) -> None:
        """Compare some of the people with one who came by POST. Raises ServerError."""
        posted = json.dumps(_timeless(self.get(f"{USERS}/{self.post(USERS, user(_KEY, _TEAM))}")))
        for number in Random(2).sample(range(self.users), min(_CHECKED, self.users)):
            expected = json.loads(posted.replace(_KEY, key_of(number)).replace(_TEAM, team_of(number)))
            found = self.get(f"{USERS}/{self.ids[number]}")
            if _timeless(found) != expected:
                raise ServerError(f"user {number} is not what POST would have made: {found} instead of {expected}")


@contextmanager
def scene(directory: Path, users: int, settings: dict[str, str]) -> Iterator[Scene]:
    """Fill a server and let it serve inside of the block."""
    idp = Idp(directory, {name: value.replace("@size@", str(users)) for name, value in settings.items()})
    idp.make_token()
    ids = fill(idp, users, directory)
    with idp.serving():
        made = Scene(idp, directory, ids, idp.memory())
        made.check()
        yield made


def put_job(scene: Scene, suffix: str) -> Job:
    """PUT of people who came by POST, each time with another title."""
    people = scene.make_people(_REPLACED, suffix)
    keys = [f"{new_key(number)}{suffix}" for number in range(len(people))]
    return scene.job("PUT", [f"{USERS}/{one}" for one in people], {**user("@id@"), "title": "Title @n@"}, ids=keys)


def _timeless(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name not in ("id", "meta")}
