"""The history of runs ends some day; what is younger stays. Its lines are packed, and found by kind and by person."""

from datetime import timedelta
from typing import Any

import pytest

from idp.clock import to_text
from idp.errors import InvalidValue, NotFound
from idp.query import EVERYTHING, Query
from idp.store import Store
from idp.store.leases import Leases
from ldap_bridge.lines import CHANGES, LineLog, Lines, Logged, Wanted
from ldap_bridge.runs import RUNS, Run, Runs, State
from tests.support.clock import FakeClock

DAY = 86_400
KEPT = timedelta(days=30)


def change(name: str, **more: Any) -> Logged:
    none: dict[str, Any] = {"fields": [], "added": [], "removed": []}
    base: dict[str, Any] = {"kind": "create", "subject": "user", "name": name, "dn": f"uid={name}", "resource": name}
    return Logged(**{**base, **none, **more})


async def write(lines: Lines, *logged: Logged) -> LineLog:
    log = LineLog(lines, "run")
    await log.add(logged)
    await log.close()
    return log


async def test_of_very_many_problems_and_gaps_the_record_has_a_hundred_from_beginning_to_end(
    store: Store, clock: FakeClock
) -> None:
    def full(name: str) -> Run:
        problems = [{"dn": f"uid={number}", "reason": "bad"} for number in range(150)]
        return Run(name, "corp", to_text(clock.now()), problems=problems, gaps=["gap"] * 150)

    async def kept(name: str) -> tuple[int, int]:
        found = await runs.get(name)
        return len(found.problems), len(found.gaps)

    leases = Leases(store, clock)
    runs = Runs(store, clock, KEPT, leases)
    await store.commit([runs.ended(full("dry"), State.PLANNED, "")])
    assert await kept("dry") == (100, 100)
    run = full("whole")
    run.fence = await leases.acquire("ldap:corp", run.id, 60) or 0
    await runs.start(run)
    await runs.described(run)
    assert await kept("whole") == (100, 100)
    assert len(run.problems) == 150, "how a directory stands is told by all of them"
    assert len((await runs.finish(run, State.APPLIED, "")).problems) == 100
    assert await kept("whole") == (100, 100)


async def test_runs_and_their_changes_go_when_their_time_is_over(store: Store, clock: FakeClock) -> None:
    runs, lines = Runs(store, clock, KEPT, Leases(store, clock)), Lines(store, clock, KEPT)
    for name in ("old", "new"):
        await runs.start(Run(name, "corp", to_text(clock.now())))
        await lines.append(name, 0, [change(name)])
        clock.advance(20 * DAY)
    assert [run.id for run in await runs.latest("corp")] == ["new"]
    assert await lines.all("old") == []
    with pytest.raises(NotFound):
        await runs.get("old")
    assert [one.name for one in await lines.all("new")] == ["new"]
    assert await store.sweep() == 2
    assert (await store.count(RUNS, EVERYTHING), await store.count(CHANGES, EVERYTHING)) == (1, 1)


async def test_pages_come_to_the_whole_whatever_their_size(store: Store, clock: FakeClock) -> None:
    lines = Lines(store, clock, KEPT)
    wanted = [change(f"person{number:05d}") for number in range(1_234)]
    assert (await write(lines, *wanted)).count == 1_234
    assert await lines.all("run") == wanted
    for limit in (7, 500, 5_000):
        found, after = list[Logged](), ""
        while True:
            page = await lines.page("run", Wanted(), after, limit)
            found += page.lines
            if not (after := page.next):
                break
            assert len(page.lines) == limit
        assert found == wanted, limit


async def test_pages_of_what_is_wanted_go_on_where_they_ended(store: Store, clock: FakeClock) -> None:
    lines = Lines(store, clock, KEPT)
    await write(lines, *(change(f"p{number}", kind="update" if number % 3 else "disable") for number in range(1_500)))
    first = await lines.page("run", Wanted(kinds=frozenset({"disable"})), limit=300)
    second = await lines.page("run", Wanted(kinds=frozenset({"disable"})), first.next, limit=300)
    assert [line.name for line in first.lines + second.lines] == [f"p{number}" for number in range(0, 1_500, 3)]
    assert second.next == ""


@pytest.mark.parametrize("after", ["x", "1", "1.x", "-1.0", "1.-1", "\N{FULLWIDTH DIGIT ONE}.0", "1.2.3"])
async def test_a_place_that_no_page_gave_is_refused(store: Store, clock: FakeClock, after: str) -> None:
    with pytest.raises(InvalidValue, match="no place"):
        await Lines(store, clock, KEPT).page("run", Wanted(), after)


async def test_a_change_that_names_very_many_stands_in_several_lines_of_bounded_records(
    store: Store, clock: FakeClock
) -> None:
    lines = Lines(store, clock, KEPT)
    come, gone = ([f"uid={word}{number},ou=people" for number in range(5_000)] for word in ("new", "old"))
    await write(lines, change("Everybody", kind="members", added=come, removed=gone))
    found = await lines.all("run")
    assert [name for line in found for name in line.added] == come
    assert [name for line in found for name in line.removed] == gone
    assert max(len(line.added) + len(line.removed) for line in found) <= 1_000
    records = (await store.find(CHANGES, Query(limit=1_000))).records
    assert max(len(record.document["lines"]) for record in records) < 100_000


@pytest.mark.parametrize("name", ["ADA", "uid=ada,ou=b", "UID=ada,OU=a", "id-1", "stable-1", "ada.king"])
def test_a_person_is_found_by_every_name_she_has_or_had(name: str) -> None:
    line = change(
        "ada",
        dn="uid=ada,ou=b",
        old_dn="uid=ada,ou=a",
        resource="id-1",
        stable="stable-1",
        fields=({"path": "userName", "old": "ada.king", "new": "ada"}, {"path": "x", "old": None, "new": ["y"]}),
    )
    assert Wanted(names=frozenset({name.lower()})).matches(line)
    assert not Wanted(names=frozenset({name.lower()}), kinds=frozenset({"update"})).matches(line)
    assert not Wanted(names=frozenset({"ad"})).matches(line)


def test_members_are_found_in_the_lines_of_their_groups() -> None:
    line = change("Egg", kind="members", added=["uid=ada,ou=people"])
    assert Wanted(names=frozenset({"uid=ada,ou=people"})).matches(line)
