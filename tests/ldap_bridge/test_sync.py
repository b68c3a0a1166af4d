"""Accounts follow a real directory: created, changed, renamed, moved, disabled and back, and nobody by accident."""

from collections.abc import Callable
from pathlib import Path

import pytest

from idp.access import SYSTEM_ACTOR
from idp.directory import Member, MemberChange
from idp.errors import NotFound, Overloaded
from idp.query import Compare, Field, Op, Query
from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER
from idp.store.leases import Leases
from ldap_bridge.errors import DirectoryUnavailable
from ldap_bridge.links import Links
from ldap_bridge.progress import Progress
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM
from tests.support.ldap_wire import CuttingProxy
from tests.support.ldif import write_change, write_entry
from tests.support.people import BASE, Company, Person, make_company, make_person
from tests.support.ports import HOST
from tests.support.slapd import Slapd

EGG = Query(Compare(Field(("displayName",), case_exact=False), Op.EQ, "Egg"))
ADA = Person("ada", "Ada", "Lovelace", "Engineering", 4711)


async def test_a_first_run_brings_everybody_with_every_mapped_attribute(bridge: Bridge, company: Company) -> None:
    run = await bridge.sync()
    assert (run.state, run.counts["create"], run.errors) == (State.APPLIED, 60, 0)
    people = await bridge.people()
    assert sorted(people) == [person.uid for person in company.people]
    person = company.people[6]
    user = people[person.uid]
    assert user["name"] == {
        "formatted": person.display_name,
        "givenName": person.given_name,
        "familyName": person.family_name,
    }
    assert user["emails"] == [{"value": person.mail, "type": "work", "primary": True}]
    assert user[ENTERPRISE_USER] == {"employeeNumber": str(person.number), "department": person.department}
    assert user[GATEHOUSE_USER]["source"] == "ldap:corp"
    assert user["active"] is True


async def test_groups_come_with_people_groups_and_loops(bridge: Bridge, company: Company) -> None:
    await bridge.sync()
    names = {person.dn: person.uid for person in company.people} | {group.dn: group.name for group in company.groups}
    for group in company.groups:
        assert await bridge.members(group.name) == {names[dn] for dn in group.members}, group.name


async def test_a_second_run_without_changes_writes_nothing(bridge: Bridge) -> None:
    await bridge.sync()
    before = await bridge.people()
    run = await bridge.sync(whole=True)
    assert not any(run.counts.values())
    assert run.by_subject == {"group.unchanged": 10, "user.unchanged": 50}
    assert await bridge.lines(run) == []
    assert await bridge.people() == before


async def test_a_changed_value_is_shown_with_old_and_new_and_only_it_changes(bridge: Bridge, slapd: Slapd) -> None:
    await bridge.sync()
    before = await bridge.person("person000003")
    dn = make_person(3).dn
    slapd.modify(write_change(dn, [("replace", "title", ["Ministerin für 研究"]), ("delete", "mobile", [])]))
    plan = await bridge.service.plan(SYSTEM, "corp")
    assert plan.counts["update"] == 1
    (change,) = plan.changes
    assert (change.kind, change.name, change.dn) == ("update", "person000003", dn)
    assert {field["path"] for field in change.fields} == {"title", "phoneNumbers"}
    assert change.fields[0] == {"path": "title", "old": before["title"], "new": "Ministerin für 研究"}
    assert await bridge.person("person000003") == before, "a plan changes nothing"
    await bridge.sync()
    after = await bridge.person("person000003")
    assert after["title"] == "Ministerin für 研究"
    assert [number["type"] for number in after["phoneNumbers"]] == ["work"]
    assert after["id"] == before["id"]


async def test_values_the_directory_does_not_own_stay(bridge: Bridge, slapd: Slapd) -> None:
    await bridge.sync()
    user = await bridge.person("person000003")
    await bridge.directory.users.update(SYSTEM, user["id"], lambda document: {**document, "nickName": "Trude"})
    slapd.modify(write_change(make_person(3).dn, [("replace", "title", ["Chief"])]))
    await bridge.sync()
    after = await bridge.person("person000003")
    assert (after["nickName"], after["title"]) == ("Trude", "Chief")


async def test_a_rename_keeps_the_account(bridge: Bridge, slapd: Slapd) -> None:
    await bridge.sync()
    before = await bridge.person("person000004")
    slapd.rename(make_person(4).dn, "uid=ada\\, the first")
    run = await bridge.sync()
    assert (run.counts["rename"], run.counts["create"], run.counts["disable"]) == (1, 0, 0)
    (change,) = await bridge.logged(run, "rename")
    assert change.old_dn == make_person(4).dn
    assert change.fields[0] == {"path": "userName", "old": "person000004", "new": "ada, the first"}
    assert (await bridge.person("ada, the first"))["id"] == before["id"]


async def test_a_moved_unit_keeps_every_account_and_membership(bridge: Bridge, slapd: Slapd, company: Company) -> None:
    await bridge.sync()
    before = {login: user["id"] for login, user in (await bridge.people()).items()}
    staff = f"ou=Staff & Crew,{BASE}"
    slapd.modify(write_entry(staff, {"objectClass": ["organizationalUnit"], "ou": ["Staff & Crew"]}))
    for person in company.people:
        slapd.rename(person.dn, f"uid={person.uid}", staff)
    run = await bridge.sync()
    assert run.counts["move"] == 50
    assert sum(run.counts.values()) == 50, "the server moves the members with them, so no group changes"
    assert {login: user["id"] for login, user in (await bridge.people()).items()} == before
    link = await Links(bridge.store, "corp").of_resource(before["person000001"])
    assert link is not None
    assert link.dn == f"uid=person000001,{staff}"
    assert not any((await bridge.sync()).counts.values())


async def test_who_is_gone_is_disabled_and_her_account_says_why(bridge: Bridge, slapd: Slapd, clock: FakeClock) -> None:
    await bridge.sync()
    before = await bridge.person("person000005")
    slapd.delete(make_person(5).dn)
    clock.advance(60)
    run = await bridge.sync()
    assert run.counts["disable"] == 1
    (change,) = await bridge.logged(run, "disable")
    assert (change.name, change.reason) == ("person000005", "gone from directory corp")
    user = await bridge.person("person000005")
    assert user["active"] is False
    assert user["id"] == before["id"]
    status = user[GATEHOUSE_USER]["status"]
    assert status["reason"] == "gone from directory corp"
    assert status["by"] == f"ldap:corp run {run.id}"
    assert not any((await bridge.sync()).counts.values()), "once is enough"


async def test_who_comes_back_with_the_same_id_is_enabled_again(bridge: Bridge, slapd: Slapd, company: Company) -> None:
    person = company.people[4]
    (entry,) = slapd.search(f"(uid={person.uid})").values()
    await bridge.sync()
    account = (await bridge.person(person.uid))["id"]
    slapd.delete(person.dn)
    await bridge.sync()
    # A restored entry keeps its entryUUID; only offline can it be put back with one.
    slapd.stop()
    kept = ("entryUUID", "structuralObjectClass")
    slapd.load(write_entry(person.dn, {**person.attributes(), **{name: entry[name] for name in kept}}))
    slapd.start()
    run = await bridge.sync(whole=True)
    assert run.counts["enable"] == 1
    user = await bridge.person(person.uid)
    assert (user["active"], user["id"]) == (True, account)


async def test_a_local_person_with_the_same_login_is_left_alone(bridge: Bridge, slapd: Slapd) -> None:
    local = await bridge.directory.user("Person000007")
    run = await bridge.sync()
    assert (run.counts["create"], run.counts["conflict"]) == (59, 1)
    user = (await bridge.people())["Person000007"]
    assert (user["id"], user[GATEHOUSE_USER]["source"]) == (local.id, "local")


async def test_two_entries_with_one_login_are_one_account_and_a_conflict(bridge: Bridge, slapd: Slapd) -> None:
    twin = f"cn=twin,ou=people,{BASE}"
    slapd.modify(write_entry(twin, {**make_person(1).attributes(), "cn": ["twin"]}))
    run = await bridge.sync()
    assert (run.counts["create"], run.counts["conflict"]) == (60, 1)
    (conflict,) = await bridge.logged(run, "conflict")
    assert "is also that of" in conflict.reason


async def test_who_was_locked_here_stays_locked_whatever_the_directory_changes(bridge: Bridge, slapd: Slapd) -> None:
    await bridge.sync()
    account = (await bridge.person("person000008"))["id"]
    await bridge.directory.users.set_active(SYSTEM, account, False, "stolen laptop")
    slapd.modify(write_change(make_person(8).dn, [("replace", "title", ["Chief"])]))
    await bridge.sync()
    user = await bridge.person("person000008")
    assert (user["title"], user["active"]) == ("Chief", False)


async def test_memberships_come_and_go_by_name(bridge: Bridge, slapd: Slapd, company: Company) -> None:
    await bridge.sync()
    egg = next(group for group in company.groups if group.name == "Egg")
    slapd.modify(write_change(egg.dn, [("add", "member", [make_person(9).dn]), ("add", "member", [egg.dn])]))
    run = await bridge.sync()
    assert (run.counts["members_added"], run.counts["members_removed"]) == (1, 0)
    (change,) = await bridge.logged(run, "members")
    assert (change.name, list(change.added)) == ("Egg", [make_person(9).dn])
    assert await bridge.members("Egg") == {"Chicken", "person000009"}
    slapd.modify(write_change(egg.dn, [("delete", "member", [make_person(9).dn])]))
    await bridge.sync()
    assert await bridge.members("Egg") == {"Chicken"}


async def test_local_members_of_a_directory_group_stay(bridge: Bridge, slapd: Slapd, company: Company) -> None:
    await bridge.sync()
    local = await bridge.directory.user("guest")
    egg = (await bridge.directory.groups.find(SYSTEM, EGG)).records[0]
    await bridge.directory.groups.update(
        SYSTEM, egg.id, lambda group: group, members=MemberChange(add=(Member(local.id),))
    )
    group = next(group for group in company.groups if group.name == "Egg")
    slapd.modify(write_change(group.dn, [("add", "member", [make_person(9).dn])]))
    await bridge.sync()
    assert await bridge.members("Egg") == {"Chicken", "person000009", "guest"}


async def test_groups_are_renamed_and_removed(bridge: Bridge, slapd: Slapd, company: Company) -> None:
    await bridge.sync()
    by_name = {group.name: group for group in company.groups}
    slapd.rename(by_name["Sales"].dn, "cn=Vertrieb")
    slapd.delete(by_name["Chicken"].dn)
    run = await bridge.sync()
    assert (run.counts["rename"], run.counts["remove"], run.counts["create"]) == (1, 1, 0)
    assert await bridge.members("Vertrieb") == {p.uid for p in company.people if p.department == "Sales"}
    assert "Vertrieb" in await bridge.members("Everybody")
    assert not any((await bridge.sync()).counts.values())


async def test_what_was_deleted_here_is_made_again(bridge: Bridge) -> None:
    await bridge.sync()
    user = await bridge.person("person000010")
    group = (await bridge.directory.groups.find(SYSTEM, EGG)).records[0]
    await bridge.directory.users.delete(SYSTEM, user["id"])
    await bridge.directory.groups.delete(SYSTEM, group.id)
    run = await bridge.sync(whole=True)
    assert run.counts["create"] == 2
    assert (await bridge.person("person000010"))["id"] != user["id"]
    assert await bridge.members("Egg") == {"Chicken"}
    assert "Egg" in await bridge.members("Chicken")
    department = make_person(10).department
    assert "person000010" in await bridge.members(department)
    assert not any((await bridge.sync()).counts.values())


async def test_an_entry_that_cannot_be_mapped_stops_nobody_else(bridge: Bridge, slapd: Slapd) -> None:
    await bridge.sync()
    nameless = f"cn=nameless,ou=people,{BASE}"
    slapd.modify(
        write_entry(nameless, {"objectClass": ["inetOrgPerson"], "cn": ["nameless"], "sn": ["x"]})
        + write_entry(ADA.dn, ADA.attributes())
    )
    run = await bridge.sync()
    assert run.state == State.APPLIED
    assert run.counts["create"] == 1
    assert run.problems == [{"dn": nameless, "reason": "userName: the entry has no value for it"}]


# --- reads that prove nothing ---


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
async def test_a_line_cut_in_mid_read_removes_nobody(
    new_slapd: Callable[[], Slapd], bridge_to: Callable[..., Bridge], share: float
) -> None:
    slapd, company = new_slapd(), make_company(1000, 12)
    slapd.load(company.ldif())
    slapd.start()
    credentials = {"bind_dn": slapd.admin_dn, "bind_password": slapd.admin_password}
    await bridge_to(slapd.url, **credentials).sync()
    slapd.modify(write_entry(ADA.dn, ADA.attributes()))
    slapd.delete(*(person.dn for person in company.people[:3]))
    with CuttingProxy(slapd.port, int(500_000 * share)).running() as port:
        bridge = bridge_to(f"ldap://{HOST}:{port}", **credentials)
        run = await bridge.sync(whole=True)
    assert run.state == State.INCOMPLETE
    assert "people: " in run.reason
    assert run.counts["disable"] == run.counts["remove"] == run.counts["members_removed"] == 0
    assert await bridge.inactive() == set()
    whole = await bridge_to(slapd.url, **credentials).sync()
    assert whole.state == State.APPLIED
    assert whole.counts["disable"] == 3


async def test_a_size_limit_removes_nobody(
    new_slapd: Callable[[], Slapd], bridge_to: Callable[..., Bridge], company: Company
) -> None:
    slapd = new_slapd()
    slapd.load(company.ldif())
    slapd.start()
    person = company.people[0]
    await bridge_to(slapd.url, bind_dn=slapd.admin_dn, bind_password=slapd.admin_password).sync()
    slapd.stop()
    lower_size_limit(Path(slapd.process.command[-1]))
    slapd.start()
    bridge = bridge_to(slapd.url, bind_dn=person.dn, bind_password=person.password)
    run = await bridge.sync(whole=True)
    assert run.state == State.INCOMPLETE
    assert "size limit" in run.reason
    assert await bridge.inactive() == set()


def lower_size_limit(config: Path) -> None:
    """Let a stopped server answer with twenty entries at most."""
    config.write_text(config.read_text().replace("sizelimit unlimited", "sizelimit 20"))


async def test_an_empty_answer_removes_nobody(bridge: Bridge, bridge_to: Callable[..., Bridge]) -> None:
    await bridge.sync()
    empty = {"base": f"ou=policies,{BASE}", "limits": {"count": 1000}}
    run = await bridge_to(bridge.source.where, **empty).sync(force=True)
    assert run.state == State.INCOMPLETE
    assert "not a single one" in run.reason
    assert await bridge.inactive() == set()


async def test_a_directory_that_is_down_changes_nothing_and_the_run_says_so(bridge: Bridge, slapd: Slapd) -> None:
    await bridge.sync()
    slapd.stop()
    with pytest.raises(DirectoryUnavailable, match="'corp'"):
        await bridge.sync()
    assert await bridge.inactive() == set()
    failed, first = await bridge.service.history.runs(SYSTEM, "corp")
    assert (failed.state, first.state) == (State.FAILED, State.APPLIED)
    assert "corp" in failed.reason
    slapd.start()
    assert not any((await bridge.sync()).counts.values())


# --- holding back ---


async def test_unusually_many_removals_are_held_until_forced(bridge: Bridge, slapd: Slapd, company: Company) -> None:
    await bridge.sync()
    slapd.delete(*(person.dn for person in company.people[:7]))
    slapd.modify(write_entry(ADA.dn, ADA.attributes()))
    run = await bridge.sync()
    assert run.state == State.HELD
    assert "7 of 60" in run.reason
    assert len(await bridge.logged(run, "disable")) == 7, "what was held can be looked at"
    assert await bridge.inactive() == set()
    assert "ada" not in await bridge.people(), "nothing of a held plan is done"
    forced = await bridge.sync(force=True)
    assert (forced.state, forced.counts["disable"], forced.forced) == (State.APPLIED, 7, True)
    assert await bridge.inactive() == {person.uid for person in company.people[:7]}


# --- running ---


async def test_one_run_at_a_time(bridge: Bridge, clock: FakeClock) -> None:
    leases = Leases(bridge.store, clock)
    number = await leases.acquire("ldap:corp", "another worker", 60)
    with pytest.raises(Overloaded, match="'corp'"):
        await bridge.sync()
    assert number is not None
    await leases.release("ldap:corp", number)
    assert (await bridge.sync()).state == State.APPLIED


async def test_an_unknown_source_is_named(bridge: Bridge) -> None:
    service = bridge.service
    for method in (service.test, service.plan, service.sync, service.standing, service.history.runs):
        with pytest.raises(NotFound, match="directory 'nowhere'"):
            await method(SYSTEM, "nowhere")


async def test_progress_is_told_by_phase(bridge: Bridge) -> None:
    steps: list[Progress] = []
    await bridge.sync(progress=steps.append)
    assert list(dict.fromkeys(step.phase for step in steps)) == [
        "loading links",
        "reading people",
        "reading groups",
        "writing people",
        "writing groups",
        "writing memberships",
    ]
    written = [step for step in steps if step.phase == "writing people"]
    assert (written[-1].done, written[-1].total) == (50, 50)


async def test_a_test_tells_what_is_there_and_changes_nothing(bridge: Bridge, company: Company) -> None:
    report = await bridge.service.test(SYSTEM, "corp")
    assert (report.people, report.groups, report.complete, report.problems) == (50, 10, True, [])
    assert report.server["vendor"] == "OpenLDAP"
    assert report.example is not None
    assert report.example["userName"] == company.people[0].uid
    assert await bridge.people() == {}


async def test_events_name_the_run(bridge: Bridge, clock: FakeClock) -> None:
    run = await bridge.service.sync(SYSTEM_ACTOR("root@console"), "corp")
    events = await bridge.directory.events("ldap:corp")
    assert [(event["tag"], event["actorName"]) for event in events] == [("ldap:run:applied", "root@console")]
    assert events[0]["details"]["run"] == run.id
    user = await bridge.person("person000001")
    (created,) = await bridge.directory.events(user["id"])
    assert (created["actor"], created["actorName"]) == ("ldap:corp", f"ldap:corp run {run.id}")
