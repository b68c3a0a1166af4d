"""A rehearsed commit: refused as the real one would be, and never made."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from idp.errors import CallerError
from idp.store import Check, Delete, DeleteWhere, Insert, Replace, Store, Write, open_store
from idp.store.collections import collections
from idp.store.rehearsal import RehearsalStore
from tests.support.clock import FakeClock
from tests.support.directory import directory_over, everything

EDGE = {"id": "g:u", "group": "g", "member": "u", "type": "User"}


def renamed(store: dict[str, dict[str, object]], name: str) -> dict[str, object]:
    return {**store["ada"], "userName": name}


Scene = dict[str, dict[str, object]]
COMMITS: dict[str, Callable[[Scene], Sequence[Write]]] = {
    "a new record": lambda s: [Insert("users", {**s["ada"], "id": "new", "userName": "new"})],
    "an id that is taken": lambda s: [Insert("users", {**s["ada"], "userName": "new"})],
    "an id that is taken by the same commit": lambda s: [Insert("edges", EDGE), Insert("edges", EDGE)],
    "a unique value that is taken": lambda s: [Insert("users", {**s["ada"], "id": "new", "userName": "BOB"})],
    "a replacement": lambda s: [Replace("users", renamed(s, "eve"), 1)],
    "a replacement by the same": lambda s: [Replace("users", renamed(s, "ADA"), 1)],
    "a replacement at another version": lambda s: [Replace("users", renamed(s, "eve"), 2)],
    "a replacement that takes a name": lambda s: [Replace("users", renamed(s, "bob"), 1)],
    "a replacement of nothing": lambda s: [Replace("users", {**s["ada"], "id": "none"}, 1)],
    "a deletion": lambda s: [Delete("users", str(s["ada"]["id"]))],
    "a deletion at another version": lambda s: [Delete("users", str(s["ada"]["id"]), 7)],
    "a deletion of nothing": lambda s: [Delete("users", "none")],
    "a check": lambda s: [Check("users", str(s["ada"]["id"]), 1)],
    "a check of nothing": lambda s: [Check("users", "none")],
    "a check of what the commit makes": lambda s: [Insert("edges", EDGE), Check("edges", "g:u")],
    "a deletion of all that there are": lambda s: [DeleteWhere("edges", collections()["edges"].indexed[0], "g")],
    "several, of which the last is refused": lambda s: [Replace("users", renamed(s, "eve"), 1), Check("users", "no")],
}


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> Store:
    return await open_store(f"sqlite:{tmp_path / 'idp.sqlite'}", collections(), clock)


@pytest.mark.parametrize("commit", COMMITS)
async def test_a_rehearsed_commit_ends_as_the_real_one_and_changes_nothing(
    store: Store, clock: FakeClock, commit: str
) -> None:
    directory = directory_over(store, clock)
    scene = {name: (await directory.user(name)).document for name in ("ada", "bob")}
    before = await everything(store, "users")
    writes = COMMITS[commit](scene)
    rehearsal = RehearsalStore(store, collections())
    forecast = await outcome(rehearsal, writes)
    assert await everything(store, "users") == before
    assert await everything(store, "edges") == []
    assert forecast == await outcome(store, writes)
    assert len(rehearsal.made) == (0 if forecast else len(writes))
    await store.close()


async def outcome(store: Store, writes: Sequence[Write]) -> str:
    try:
        await store.commit(writes)
    except CallerError as error:
        return f"{type(error).__name__}: {error}"
    return ""
