"""The operations that indexes answer, each finding as many people however many there are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.bench.load import Job
from tests.bench.scene import Scene, put_job
from tests.bench.users import ENTERPRISE, GROUPS, TEAM, USERS, key_of, patch, searched, team_of, user, user_name
from tests.support.process import ServerError

# No answer is asked for twice: one that is remembered costs nothing at any size.
_ANEW = "&try=@n@"
_PAGE = f"&count=20{_ANEW}"
_APART = 50
_ADDED, _DELETED = 40, 100
FilterFor = Callable[[int], str]

# What to call a filter, what it is for the n-th person, and how many match.
FILTERS: tuple[tuple[str, FilterFor, int], ...] = (
    ("userName eq", lambda number: f'userName eq "{user_name(key_of(number))}"', 1),
    ("userName sw", lambda number: f'userName sw "bench{key_of(number)[:-1]}"', 10),
    ("externalId eq", lambda number: f'externalId eq "external-{key_of(number)}"', 1),
    ("emails.value eq", lambda number: f'emails.value eq "home.{key_of(number)}@example.net"', 1),
    (
        "emails by type and value",
        lambda number: f'emails[type eq "work" and value eq "{user_name(key_of(number))}"]',
        1,
    ),
    ("employeeNumber eq", lambda number: f'{ENTERPRISE}:employeeNumber eq "{key_of(number)}"', 1),
    ("department eq, 100", lambda number: f'{ENTERPRISE}:department eq "Department {team_of(number)}"', TEAM),
    (
        "familyName and active, 100",
        lambda number: f'name.familyName eq "Kowalczyk-Łęcka {team_of(number)}" and active eq true',
        TEAM,
    ),
)


@dataclass(frozen=True)
class Operation:
    """One kind of request."""

    name: str
    job: Job


def operations(scene: Scene, rounds: int, mark: str) -> Iterator[Operation]:
    """Yield all of them, reads first. What they create bears the mark: no two runs on one server share it."""
    yield Operation("GET one user", scene.job("GET", [f"{USERS}/{one}?try=@n@" for one in _sampled(scene)]))
    yield from _searches(scene)
    yield from _lists(scene)
    yield from _of_groups(scene, rounds, mark)
    yield from _writes(scene, rounds, mark)


def _sampled(scene: Scene) -> list[str]:
    return [scene.ids[number] for number in scene.sample()]


def _searches(scene: Scene) -> Iterator[Operation]:
    for name, filter_for, finds in FILTERS:
        paths = [searched(filter_for(number), _PAGE) for number in scene.sample()]
        _demand(scene, paths[0], finds)
        yield Operation(name, scene.job("GET", paths))


def _lists(scene: Scene) -> Iterator[Operation]:
    moments = [_moments(scene, number) for number in scene.sample()[:_APART]]
    paths = [searched(f'meta.created ge "{first}" and meta.created le "{last}"', _PAGE) for first, last in moments]
    yield Operation("created between", scene.job("GET", paths))
    for name, order in (
        ("list by id", ""),
        ("list by userName", "&sortBy=userName"),
        ("list by lastModified, latest first", "&sortBy=meta.lastModified&sortOrder=descending"),
    ):
        yield Operation(name, scene.job("GET", [f"{USERS}?{order}{_PAGE}"]))


def _moments(scene: Scene, number: int) -> tuple[str, str]:
    """Two moments between which some 50 people were created, from the n-th on."""
    first = scene.get(f"{USERS}/{scene.ids[number]}")["meta"]["created"]
    found = scene.get(searched(f'meta.created ge "{first}"', f"&sortBy=meta.created&count={_APART}"))
    return first, found["Resources"][-1]["meta"]["created"]


def _of_groups(scene: Scene, rounds: int, mark: str) -> Iterator[Operation]:
    team, added = scene.team, scene.make_group(f"added {mark}", [])
    path = searched(f'groups.value eq "{team}"', _PAGE)
    _demand(scene, path, TEAM)
    yield Operation("groups.value eq, 100", scene.job("GET", [path]))
    paths = [searched(f'members.value eq "{one}"', _PAGE, GROUPS) for one in scene.ids[:TEAM]]
    _demand(scene, paths[0], 1)
    yield Operation("members.value eq", scene.job("GET", paths))
    yield Operation("GET a group of 100", scene.job("GET", [f"{GROUPS}/{team}?try=@n@"]))
    join = scene.job("PATCH", [f"{GROUPS}/{added}"], patch("add", "members", [{"value": "@id@"}]))
    join.ids, join.count = scene.ids[TEAM : TEAM + _ADDED * rounds], _ADDED
    yield Operation("PATCH: a member more", join)


def _writes(scene: Scene, rounds: int, mark: str) -> Iterator[Operation]:
    one = [f"{USERS}/{id_}" for id_ in _sampled(scene)]
    yield Operation("PATCH one attribute", scene.job("PATCH", one, patch("replace", "title", "Other title @n@")))
    yield Operation("PUT a user", put_job(scene, f"other{mark}"))
    yield Operation("POST a user", scene.job("POST", [USERS], user(f"@n@one{mark}")))
    gone = scene.make_people(_DELETED * rounds, f"gone{mark}")
    yield Operation("DELETE a user", scene.job("DELETE", [f"{USERS}/{id_}" for id_ in gone], count=_DELETED))


def _demand(scene: Scene, path: str, finds: int) -> None:
    """Make sure that a search finds what it is to find."""
    found = scene.get(path)["totalResults"]
    if found != finds:
        raise ServerError(f"{path} finds {found} instead of {finds}")
