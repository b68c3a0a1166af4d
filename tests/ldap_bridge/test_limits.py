"""Unusually much of anything holds a run: more than a number and more than a share, by kind."""

from collections.abc import Callable

import msgspec
import pytest

from idp.errors import ConfigError
from ldap_bridge.limits import Present, why_held
from ldap_bridge.plan import GROUP, USER, Change, FieldChange, Kind, MembershipChange, Plan, members_digest
from ldap_bridge.runs import State
from ldap_bridge.sections import LimitSettings, Most
from ldap_bridge.settings import parse
from tests.ldap_bridge.conftest import Bridge
from tests.support.people import Company
from tests.support.slapd import Slapd

DN = "uid=ada,ou=people,dc=example,dc=org"


def plan_of(kind: Kind, count: int, subject: str = USER) -> Plan:
    plan = Plan("corp")
    plan.changes.extend(Change(kind, subject, "x", DN, f"id-{number}") for number in range(count))
    return plan


@pytest.mark.parametrize(
    ("removing", "linked", "limits", "held"),
    [
        (5, 8, LimitSettings(), False),
        (6, 8, LimitSettings(), True),
        (100, 1000, LimitSettings(), False),
        (101, 1000, LimitSettings(), True),
        (1, 1000, LimitSettings(count=0, percent=0), True),
        (0, 0, LimitSettings(count=0, percent=0), False),
    ],
)
def test_more_than_both_limits_is_held(removing: int, linked: int, limits: LimitSettings, held: bool) -> None:
    for kind in (Kind.DISABLE, Kind.REMOVE, Kind.PURGE):
        assert bool(why_held(plan_of(kind, removing), limits, Present(linked, 0))) is held


@pytest.mark.parametrize("kind", ["create", "enable", "update", "rename", "move", "disable", "remove", "purge"])
def test_each_kind_has_a_limit_of_its_own(kind: str) -> None:
    limits = msgspec.convert({"count": 1000, kind: {"count": 3, "percent": 10}}, LimitSettings)
    for other in Kind:
        assert bool(why_held(plan_of(other, 4), limits, Present(30, 30))) is (other == kind)
    assert why_held(plan_of(Kind(kind), 3), limits, Present(10, 0)) == ""
    assert why_held(plan_of(Kind(kind), 10), limits, Present(100, 0)) == ""
    assert f"limits.{kind}.count = 3" in why_held(plan_of(Kind(kind), 11), limits, Present(100, 0))


def roles_of(*moves: tuple[str, str], new: int = 0) -> Plan:
    plan = plan_of(Kind.CREATE, new)
    for number, (old, after) in enumerate(moves):
        field = FieldChange("role", old, after)
        plan.changes.append(Change(Kind.ROLE, USER, f"x{number}", DN, f"id-{number}", (field,)))
    return plan


def test_roles_have_a_limit_unasked_and_those_of_administrators_one_among_themselves() -> None:
    present = Present(1000, 0, admins=2)
    assert why_held(roles_of(*[("user", "developer")] * 100), LimitSettings(), present) == ""
    assert "101 of 1000 would be given another role" in why_held(
        roles_of(*[("developer", "user")] * 101), LimitSettings(), present
    )
    for moves in ([("user", "admin")] * 4, [("admin", "user")] * 2 + [("developer", "admin")] * 2):
        held = why_held(roles_of(*moves), LimitSettings(), present)
        assert held.startswith("4 administrators would come or go (x0, x1, x2, x3), where there are 2 now: more than")
        assert why_held(roles_of(*moves), LimitSettings(), Present(1000, 0, admins=40)) == ""
        assert why_held(roles_of(*moves), LimitSettings(admin=Most(4)), present) == ""
    assert "limits.role.count = 0" in why_held(roles_of(("user", "developer")), LimitSettings(role=Most()), present)


def test_the_roles_of_new_people_count_only_for_administrators() -> None:
    first = Present(0, 0)
    assert why_held(roles_of(*[("user", "developer")] * 50, new=60), LimitSettings(), first) == ""
    held = why_held(roles_of(*[("user", "admin")] * 50, new=60), LimitSettings(), first)
    assert "50 administrators would come or go (x0, x1, x2, x3, x4 and 45 more), where there are none now: " in held


def test_groups_that_go_or_are_emptied_count_among_groups_however_many_people_there_are() -> None:
    plan = plan_of(Kind.REMOVE, 3, GROUP)
    for number, left in enumerate([(), (), (), ("somebody",)]):
        digest = members_digest(left)
        plan.memberships.append(MembershipChange(f"id-{number}", "x", DN, (), ("a",), frozenset(), digest))
    assert "6 of 30 groups would be removed or emptied" in why_held(plan, LimitSettings(), Present(100_000, 30))
    assert why_held(plan, LimitSettings(), Present(100_000, 60)) == ""
    assert why_held(plan, LimitSettings(count=6), Present(100_000, 30)) == ""


def test_groups_count_once_whatever_happens_to_them() -> None:
    plan = plan_of(Kind.RENAME, 3, GROUP)
    for number in range(5):
        plan.memberships.append(MembershipChange(f"id-{number}", "x", DN, ("a",), (), frozenset(), ""))
    plan.memberships.append(MembershipChange("only its digest", "x", DN, (), (), frozenset(), ""))
    assert why_held(plan, LimitSettings(groups=Most(5)), Present(1000, 10)) == ""
    assert "5 of 10 groups would be changed" in why_held(plan, LimitSettings(groups=Most(4)), Present(1000, 10))
    assert why_held(plan, LimitSettings(groups=Most(4, 50)), Present(1000, 10)) == ""


def test_every_limit_that_is_passed_is_named() -> None:
    plan = plan_of(Kind.DISABLE, 6)
    plan.changes.extend(plan_of(Kind.CREATE, 2).changes)
    reason = why_held(plan, LimitSettings(create=Most(1)), Present(8, 0))
    assert "disabled or removed" in reason
    assert "; 2 of 8 would be created" in reason


def test_limits_come_from_the_settings_and_a_wrong_one_is_named() -> None:
    section = {"url": "ldap://localhost", "base": "dc=example,dc=org"}
    source = parse("corp", {**section, "limits": {"create": {"count": "7"}, "groups": {"percent": 2.5}}})
    assert (source.limits.create, source.limits.groups) == (Most(7), Most(0, 2.5))
    with pytest.raises(ConfigError, match=r"ldap\.corp\.limits\.create\.cuont"):
        parse("corp", {**section, "limits": {"create": {"cuont": 7}}})


async def test_a_first_run_that_would_create_too_many_is_held(
    slapd: Slapd, company: Company, bridge_to: Callable[..., Bridge]
) -> None:
    bridge = bridge_to(slapd.url, limits={"create": {"count": len(company.people), "percent": 50}})
    run = await bridge.sync()
    assert (run.state, run.counts["create"]) == (State.HELD, 60)
    assert "60 would be created, more than the 50" in run.reason
    assert await bridge.people() == {}


async def test_a_run_that_would_change_too_many_groups_is_held(
    slapd: Slapd, company: Company, bridge_to: Callable[..., Bridge]
) -> None:
    await bridge_to(slapd.url).sync()
    slapd.delete(*(person.dn for person in company.people[:5]))
    run = await bridge_to(slapd.url, limits={"groups": {"count": 1}}).sync()
    assert run.state == State.HELD
    assert "groups would be changed" in run.reason


async def test_groups_that_seem_empty_since_nobody_may_see_their_members_are_not_emptied(
    slapd: Slapd, company: Company, bridge_to: Callable[..., Bridge]
) -> None:
    await bridge_to(slapd.url).sync()
    run = await bridge_to(slapd.url, groups={"members": ["owner"]}).sync()
    assert (run.state, run.counts["members_removed"] > 0) == (State.HELD, True)
    assert "groups would be removed or emptied" in run.reason
