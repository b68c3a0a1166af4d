"""Logins that go from hand to hand in one run, beside somebody who cannot have what the directory says."""

import pytest

from idp.schema import Registry
from idp.store import Store
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge, Folk, bridge_over, the_one
from tests.ldap_bridge.test_declared import BADGE
from tests.support import declared
from tests.support.clock import FakeClock

TOO_LONG = "x" * 5_000


@pytest.fixture
def registry() -> Registry:
    """One in which no two people have the same badge."""
    return declared.registry()


@pytest.fixture
def badged(store: Store, clock: FakeClock, folk: Folk, registry: Registry) -> Bridge:
    """A bridge that takes badges from room numbers."""
    users = {"attributes": {f"{BADGE}:number": "roomNumber"}}
    return bridge_over(store, clock, f"ldif:{folk.path}", users=users, registry=registry)


def handed(**logins: str) -> dict[str, dict[str, str]]:
    """The entries with other logins."""
    return {name: {"uid": login} for name, login in logins.items()}


async def holders(bridge: Bridge) -> dict[str, str]:
    """Who has which login, by the last part of the stable id."""
    return {str(user["externalId"]).removeprefix("stable-"): login for login, user in (await bridge.people()).items()}


async def test_two_swap_their_logins_though_somebody_in_the_same_commit_is_refused(badged: Bridge, folk: Folk) -> None:
    folk.write(p12={"roomNumber": "B1"})
    assert (await badged.sync()).errors == 0
    # Nine changes, of which halves would have one of the fourth and one of the fifth each.
    swaps = {"p4": "p5", "p5": "p4", "p6": "p7", "p7": "p6", "p8": "p9", "p9": "p8"}
    wanted = {"p1": "p2", "p2": "p3", "p3": "n3", **swaps}
    folk.write(**handed(**wanted))
    folk.write(p1={"roomNumber": "B1"})
    run = await badged.sync()
    assert (run.state, run.errors) == (State.APPLIED, 1)
    now = await holders(badged)
    assert {name: now[name] for name in wanted} == wanted | {"p1": "p1"}


async def test_who_wants_the_login_of_somebody_who_cannot_get_another_is_a_conflict_and_keeps_no_others_waiting(
    filed: Bridge, folk: Folk
) -> None:
    await filed.sync()
    folk.write(**handed(p1="p2", p2="p1", p3="p4", p4="p3"))
    folk.write(p2={"displayName": TOO_LONG})
    for _ in range(2):
        run = await filed.sync()
        assert (run.state, run.errors, run.counts["conflict"], len(run.problems)) == (State.APPLIED, 0, 1, 1)
    assert (await the_one(filed)).conflict.login == "p2"
    now = await holders(filed)
    assert [now[name] for name in ("p1", "p2", "p3", "p4")] == ["p1", "p2", "p4", "p3"]
    assert await filed.members("all") == {f"p{number}" for number in range(1, 13)}
    folk.write(p2={"displayName": "Short"})
    assert (await filed.sync()).is_clean
    assert (await holders(filed))["p1"] == "p2"
