"""Dry runs are kept to be applied, the newest of each source; what waits or was applied is none."""

import pytest

from idp.audit import Tag
from idp.errors import NotFound, PermissionDenied
from ldap_bridge.drafts import KEPT
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge, Folk, bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, everything, person


async def test_of_many_dry_runs_the_newest_are_kept(filed_anywhere: Bridge, folk: Folk, clock: FakeClock) -> None:
    service, admin = filed_anywhere.service, person("adm", "admin")
    await filed_anywhere.sync()
    folk.write(**dict.fromkeys([f"p{number}" for number in range(1, 9)]))
    held = await filed_anywhere.sync()
    first = await service.plan(SYSTEM, "corp")
    folk.write(p13={})
    applied = await service.plan(SYSTEM, "corp")
    await bridge_over(filed_anywhere.store, clock, f"ldif:{folk.path}", name="other").service.plan(SYSTEM, "other")
    await service.approvals.apply(SYSTEM, applied.run)
    plans = [await service.plan(admin, "corp") for _ in range(KEPT)]
    runs = {run.id: run.state for run in await service.history.runs(SYSTEM, "corp", limit=100)}
    assert [run for run, state in runs.items() if state == State.PLANNED] == [plan.run for plan in reversed(plans)]
    assert (runs[held.id], runs[applied.run]) == (State.SUPERSEDED, State.APPROVED)
    with pytest.raises(NotFound):
        await service.approvals.apply(SYSTEM, first.run)
    left = {record["run"] for record in await everything(filed_anywhere.store, "ldap_changes")}
    assert (first.run in left, held.id in left, applied.run in left) == (False, True, True)
    assert len(await service.history.runs(SYSTEM, "other")) == 1


async def test_a_held_run_outlives_any_number_of_dry_runs(filed: Bridge, folk: Folk) -> None:
    await filed.sync()
    folk.write(**dict.fromkeys([f"p{number}" for number in range(1, 9)]))
    held = await filed.sync()
    for _ in range(KEPT + 1):
        await filed.service.plan(SYSTEM, "corp")
    assert (await filed.service.history.run(SYSTEM, held.id)).state == State.HELD
    assert len(await filed.lines(held)) == 9


async def test_who_looked_is_on_record_and_others_may_not(filed: Bridge) -> None:
    plan = await filed.service.plan(person("adm", "admin"), "corp")
    (told,) = [one for one in await everything(filed.store, "audit") if one["tag"] == Tag.LDAP_RUN_PLANNED]
    assert (told["actorName"], told["details"]["run"], told["target"]) == ("adm", plan.run, "ldap:corp")
    nobody, admin = person("eve"), person("adm", "admin")
    service = filed.service
    for look in (service.plan, service.test, service.standing, service.sync):
        with pytest.raises(PermissionDenied):
            await look(nobody, "corp")
    for change in (service.sync(admin, "corp"), service.bring_in(admin, "corp", {})):
        with pytest.raises(PermissionDenied):
            await change
