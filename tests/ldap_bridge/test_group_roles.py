"""Groups of a directory give roles here, and take them with the membership."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.directory import Member, MemberChange, role_of
from idp.errors import ConfigError
from ldap_bridge.runs import Run, State
from ldap_bridge.settings import parse
from tests.ldap_bridge.conftest import Bridge
from tests.support.directory import PROVISIONER, SYSTEM, everything
from tests.support.ldif import write_change, write_entry
from tests.support.people import BASE, Person, make_person
from tests.support.slapd import Slapd

ADMINS, CREW = f"cn=Admins,ou=groups,{BASE}", f"cn=Crew,ou=groups,{BASE}"
ROLES = {"roles": {"admin": ADMINS.upper(), "developer": [CREW, f"cn=nowhere,{BASE}"]}}
ADA = Person("ada", "Ada", "Lovelace", "Engineering", 4711)


def group(dn: str, *members: str) -> str:
    name = dn.split(",")[0].removeprefix("cn=")
    return write_entry(dn, {"objectClass": ["groupOfNames"], "cn": [name], "member": [*members]})


def change(dn: str, action: str, *members: str) -> str:
    return write_change(dn, [(action, "member", [*members])])


def dn(number: int) -> str:
    return make_person(number).dn


async def roles(bridge: Bridge) -> dict[str, str]:
    """Who has a role, by the number in the login."""
    found = {login: role_of(user) for login, user in (await bridge.people()).items()}
    return {login.removeprefix("person00000"): role for login, role in found.items() if role != "user"}


def given(run: Run) -> int:
    assert (run.state, run.errors) == (State.APPLIED, 0)
    return run.counts["role"]


@pytest.mark.parametrize("feed", ["full", "rfc4533"])
async def test_members_of_a_group_have_its_role_as_long_as_they_are_in_it(
    slapd: Slapd, bridge_to: Callable[..., Bridge], feed: str
) -> None:
    bridge = bridge_to(slapd.url, feed=feed, **ROLES)
    slapd.modify(group(ADMINS, dn(1)) + group(CREW, dn(2), ADMINS))
    assert given(await bridge.sync()) == 2
    assert await roles(bridge) == {"1": "admin", "2": "developer"}, "the highest of several, also through groups"
    assert given(await bridge.sync()) == 0

    slapd.modify(write_entry(ADA.dn, ADA.attributes()) + change(ADMINS, "replace", dn(3), ADA.dn))
    plan = await bridge.service.plan(SYSTEM, "corp")
    lines = [line for line in plan.changes if line.kind == "role"]
    assert {(line.name, line.fields[0]["old"], line.fields[0]["new"]) for line in lines} == {
        ("person000001", "admin", "user"),
        ("person000003", "user", "admin"),
        ("ada", "user", "admin"),
    }
    assert given(await bridge.sync()) == 3
    assert await roles(bridge) == {"2": "developer", "3": "admin", "ada": "admin"}

    slapd.delete(ADA.dn)
    slapd.rename(ADMINS, "cn=Chiefs")
    assert given(await bridge.sync()) == 2
    assert await roles(bridge) == {"2": "developer", "3": "developer"}, "the group in the crew has another name"
    slapd.delete(CREW)
    assert given(await bridge.sync()) == 2
    assert await roles(bridge) == {}


async def test_what_was_given_here_stays(slapd: Slapd, bridge_to: Callable[..., Bridge]) -> None:
    bridge = bridge_to(slapd.url, **ROLES)
    local = await bridge.directory.user("local")
    slapd.modify(group(CREW, dn(1)))
    await bridge.sync()
    people = await bridge.people()
    await bridge.directory.users.assign_role(SYSTEM, people["person000001"]["id"], "root")
    await bridge.directory.users.assign_role(SYSTEM, people["person000002"]["id"], "root")
    await bridge.directory.users.assign_role(SYSTEM, local.id, "admin")
    assert given(await bridge.sync(whole=True)) == 0
    assert await roles(bridge) == {"1": "root", "2": "root", "local": "admin"}


@pytest.mark.parametrize("feed", ["full", "rfc4533"])
async def test_whom_somebody_here_puts_into_the_group_gets_no_role(
    slapd: Slapd, bridge_to: Callable[..., Bridge], feed: str
) -> None:
    bridge = bridge_to(slapd.url, feed=feed, **ROLES)
    slapd.modify(group(ADMINS, dn(1)) + group(CREW, dn(2)))
    await bridge.sync()
    people, groups = await bridge.people(), bridge.directory.groups
    ids = {found["displayName"]: found["id"] for found in await everything(bridge.store, "groups")}
    inner = {"displayName": "inner", "members": [{"value": people["person000004"]["id"]}]}
    added = [people["person000003"]["id"], (await groups.create(PROVISIONER, inner)).id, ids["Crew"]]
    change_of = MemberChange(add=tuple(Member(one, "User") for one in added))
    await groups.update(PROVISIONER, ids["Admins"], lambda document: document, members=change_of)
    assert given(await bridge.sync()) == 0
    assert await roles(bridge) == {"1": "admin", "2": "developer"}
    slapd.modify(change(ADMINS, "add", CREW))
    assert given(await bridge.sync()) == 1
    assert await roles(bridge) == {"1": "admin", "2": "admin"}
    slapd.modify(change(ADMINS, "delete", CREW))
    assert given(await bridge.sync()) == 1
    assert await roles(bridge) == {"1": "admin", "2": "developer"}


async def test_a_group_that_cannot_be_read_takes_no_role(slapd: Slapd, bridge_to: Callable[..., Bridge]) -> None:
    bridge = bridge_to(slapd.url, **ROLES)
    slapd.modify(group(ADMINS, dn(1)))
    await bridge.sync()
    numbered = {"displayName": {"from": "cn", "transform": "regex", "pattern": "^Group .*"}}
    run = await bridge_to(slapd.url, groups={"attributes": numbered}, **ROLES).sync()
    assert any(problem["dn"] == ADMINS for problem in run.problems)
    assert await roles(bridge) == {"1": "admin"}


@pytest.mark.parametrize("feed", ["full", "rfc4533"])
async def test_a_group_that_is_not_there_is_named_until_it_is(
    slapd: Slapd, bridge_to: Callable[..., Bridge], feed: str
) -> None:
    nowhere = f"cn=Nowhere,ou=groups,{BASE}"
    bridge = bridge_to(slapd.url, feed=feed, roles={"admin": ADMINS, "developer": [CREW, nowhere]})
    slapd.modify(group(ADMINS, dn(1)) + group(CREW, dn(2)))
    named = {"dn": nowhere.lower(), "reason": "no such group was read; it gives the role developer (ldap.corp.roles)"}
    assert (await bridge.service.test(SYSTEM, "corp")).problems == [named]
    assert (await bridge.service.plan(SYSTEM, "corp")).problems == [named]
    for _ in range(2):
        assert (await bridge.sync()).problems == [named]
        assert (await bridge.service.standing(SYSTEM, "corp")).left == [named]
    slapd.rename(CREW, "cn=Gang")
    gone = {**named, "dn": CREW.lower()}
    assert (await bridge.sync()).problems == [gone, named]
    slapd.rename(f"cn=Gang,ou=groups,{BASE}", "cn=Crew")
    slapd.modify(group(nowhere, dn(3)))
    assert (await bridge.sync()).problems == []


async def test_a_group_that_is_named_already_is_not_named_again(slapd: Slapd, bridge_to: Callable[..., Bridge]) -> None:
    slapd.modify(group(ADMINS, dn(1)))
    numbered = {"displayName": {"from": "cn", "transform": "regex", "pattern": "^(?!Admins).*"}}
    bridge = bridge_to(slapd.url, groups={"attributes": numbered}, roles={"admin": ADMINS})
    for problems in ((await bridge.service.test(SYSTEM, "corp")).problems, (await bridge.sync()).problems):
        assert [one["dn"] for one in problems] == [ADMINS]


async def test_a_group_that_is_filled_or_emptied_by_mistake_makes_and_unmakes_no_administrators(
    slapd: Slapd, bridge_to: Callable[..., Bridge]
) -> None:
    bridge = bridge_to(slapd.url, **ROLES)
    slapd.modify(group(ADMINS, dn(1)))
    await bridge.sync()
    slapd.modify(change(ADMINS, "add", *map(dn, range(2, 7))))
    held = await bridge.sync()
    assert (held.state, await roles(bridge)) == (State.HELD, {"1": "admin"})
    assert "5 administrators would come or go (person" in held.reason
    assert "where there is 1 now: more than the 3 that limits.admin.count = 3" in held.reason
    await bridge.service.approvals.approve(SYSTEM, held.id)
    slapd.modify(change(ADMINS, "replace", dn(1)))
    assert (await bridge.sync()).state == State.HELD
    assert len(await roles(bridge)) == 6


async def test_a_first_run_with_many_administrators_waits_for_a_yes(
    slapd: Slapd, bridge_to: Callable[..., Bridge]
) -> None:
    bridge = bridge_to(slapd.url, **ROLES)
    slapd.modify(group(ADMINS, *map(dn, range(1, 5))))
    plan = await bridge.service.plan(SYSTEM, "corp")
    assert "4 administrators would come or go (person000001, person000002" in plan.held
    held = await bridge.sync()
    assert (held.state, held.reason, await bridge.people()) == (State.HELD, plan.held, {})
    await bridge.service.approvals.approve(SYSTEM, held.id)
    assert await roles(bridge) == dict.fromkeys("1234", "admin")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"roles": {"root": ADMINS}}, "gives developer or admin"),
        ({"roles": {"admin": "nonsense"}}, "is no DN"),
        ({"roles": {"admin": ADMINS}, "groups": {"enabled": False}}, "needs groups"),
    ],
)
def test_a_table_that_cannot_work_is_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        parse("corp", {"url": "ldap://x", "base": BASE, **settings})
    assert caught.value.key.startswith("ldap.corp.roles.")
