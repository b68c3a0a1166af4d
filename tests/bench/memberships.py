"""What is done to a group of very many members, beside the same done to a group of ten."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.bench.growth import compared
from tests.bench.load import Job
from tests.bench.scene import Scene
from tests.bench.table import Row
from tests.bench.users import GROUPS, USERS, patch, searched
from tests.support.process import ServerError

SMALL, BIG = 10, 100_000
# As many as one body holds.
_TOGETHER = 10_000
_CHANGED = 50
_SHOWN = "excludedAttributes=members&try=@n@"
_FEW = "&count=10&try=@n@"

Pair = tuple[tuple[Job, ...], tuple[Job, ...]]
"""Jobs to be done in turn: on the big group, and beside it."""
Case = tuple[str, float | None, tuple[Job, ...], tuple[Job, ...]]
"""What it is called, what is wanted, and the jobs."""


def measure(scene: Scene, seconds: float, rounds: int) -> list[Row]:
    """Make both groups, put the same loads on them in turns, and compare."""
    small, big = scene.make_group("small", scene.ids[:SMALL]), scene.make_group("big", [])
    _fill(scene, big, scene.ids[:BIG])
    rows = []
    for name, wanted, ours, beside in _cases(scene, small, big):
        for job in (*ours, *beside):
            job.seconds = None if job.count else seconds
        turns = [(scene.run(ours[turn % len(ours)]), scene.run(beside[turn % len(beside)])) for turn in range(rounds)]
        rows.append(compared(name, turns, wanted, of="median"))
    return rows


def size(users: int) -> int:
    """How many members the big group has where there are so many people."""
    return min(users, BIG)


def _fill(scene: Scene, group: str, members: list[str]) -> None:
    for start in range(0, len(members), _TOGETHER):
        some = [{"value": member} for member in members[start : start + _TOGETHER]]
        speed = scene.run(scene.job("PATCH", [f"{GROUPS}/{group}"], patch("add", "members", some), count=1))
        if speed.failed:
            raise ServerError("the big group was not filled")


def _cases(scene: Scene, small: str, big: str) -> Iterator[Case]:
    outsiders = scene.make_people(_CHANGED, "outsider")
    added, removed = patch("add", "members", [{"value": "@id@"}]), patch("remove", 'members[value eq "@id@"]')

    def changes(group: str) -> tuple[Job, ...]:
        wanted = {"ids": outsiders, "count": _CHANGED}
        return tuple(scene.job("PATCH", [f"{GROUPS}/{group}"], body, **wanted) for body in (added, removed))

    yield "a member more, one less", 1.2, changes(big), changes(small)

    def both(method: str, path: Callable[[str, str], str], body: dict[str, Any] | None = None) -> Pair:
        ours, beside = (scene.job(method, [path(name, id_)], body) for name, id_ in (("big", big), ("small", small)))
        return (ours,), (beside,)

    renamed = patch("replace", "externalId", "@n@")
    yield "PATCH of an attribute", 1.2, *both("PATCH", lambda _, id_: f"{GROUPS}/{id_}", renamed)
    yield "GET without members", 1.2, *both("GET", lambda _, id_: f"{GROUPS}/{id_}?{_SHOWN}")
    yield "found by name", 1.2, *both("GET", lambda name, _: searched(f'displayName eq "{name}"', f"&{_SHOWN}", GROUPS))
    yield "ten of its people", None, *both("GET", lambda _, id_: searched(f'groups.value eq "{id_}"', _FEW))
    shown = scene.job("GET", [f"{GROUPS}/{big}?{_SHOWN}"])
    person = scene.job("GET", [f"{USERS}/{scene.ids[-1]}?try=@n@"])
    yield "GET without members, beside a user", 1.5, (shown,), (person,)
