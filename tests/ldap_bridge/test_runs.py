"""The history of runs ends some day; what is younger stays."""

from datetime import timedelta

import pytest

from idp.clock import to_text
from idp.errors import NotFound
from idp.query import EVERYTHING
from idp.store import Store
from ldap_bridge.runs import CHANGES, RUNS, Logged, Run, Runs
from tests.support.clock import FakeClock

DAY = 86_400


def change(name: str) -> Logged:
    return Logged("create", "user", name, f"uid={name}", name)


async def test_runs_and_their_changes_go_when_their_time_is_over(store: Store, clock: FakeClock) -> None:
    runs = Runs(store, clock, timedelta(days=30))
    for name in ("old", "new"):
        await runs.start(Run(name, "corp", to_text(clock.now())))
        await runs.append(name, 0, [change(name)])
        clock.advance(20 * DAY)
    assert [run.id for run in await runs.latest("corp")] == ["new"]
    assert await runs.changes("old") == []
    with pytest.raises(NotFound):
        await runs.get("corp", "old")
    assert [one.name for one in await runs.changes("new")] == ["new"]
    assert await store.sweep() == 2
    assert (await store.count(RUNS, EVERYTHING), await store.count(CHANGES, EVERYTHING)) == (1, 1)
