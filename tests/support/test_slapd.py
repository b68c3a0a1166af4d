"""The slapd that tests use holds the sample company, keeps memberOf, and survives a restart."""

from collections.abc import Callable

import pytest

from tests.support.ldif import write_change
from tests.support.people import Company, make_company
from tests.support.process import ServerError
from tests.support.slapd import Slapd


def test_it_holds_every_person_as_written(slapd: Slapd, company: Company) -> None:
    found = slapd.search("(objectClass=inetOrgPerson)", ["displayName", "departmentNumber", "entryUUID"])
    assert {dn: values["displayName"][0].decode() for dn, values in found.items()} == {
        person.dn: person.display_name for person in company.people
    }
    assert len({values["entryUUID"][0] for values in found.values()}) == len(company.people)


def test_the_sample_has_names_of_many_scripts_nested_groups_and_a_loop(company: Company) -> None:
    assert any(not person.display_name.isascii() for person in company.people)
    groups = {group.name: group for group in company.groups}
    assert groups["Legal + Compliance"].dn in groups["Everybody"].members
    assert groups["Egg"].dn in groups["Chicken"].members
    assert groups["Chicken"].dn in groups["Egg"].members
    assert make_company() == company
    assert len(make_company(people=30, groups=14).groups) == 14


def test_member_of_follows_a_change_of_the_group(slapd: Slapd, company: Company) -> None:
    person, group = company.people[-1], company.groups[-1]
    before = slapd.search("(uid=" + person.uid + ")", ["memberOf"])[person.dn].get("memberOf", [])
    slapd.modify(write_change(group.dn, [("add", "member", [person.dn])]))
    after = slapd.search("(uid=" + person.uid + ")", ["memberOf"])[person.dn]["memberOf"]
    assert set(after) == {*before, group.dn.encode()}


def test_people_bind_with_their_own_password_only(slapd: Slapd, company: Company) -> None:
    person = company.people[0]
    assert slapd.accepts(person.dn, person.password)
    assert not slapd.accepts(person.dn, "wrong")


def test_changes_outlive_a_restart_and_deleted_and_renamed_people_are_gone(slapd: Slapd, company: Company) -> None:
    first, second = company.people[:2]
    slapd.delete(first.dn)
    slapd.rename(second.dn, "uid=renamed", f"ou=groups,{slapd.base}")
    slapd.restart()
    left = slapd.search("(objectClass=inetOrgPerson)", ["uid"])
    assert f"uid=renamed,ou=groups,{slapd.base}" in left
    assert first.dn not in left
    assert second.dn not in left


def test_a_server_that_cannot_start_says_why(new_slapd: Callable[[], Slapd]) -> None:
    server = new_slapd()
    server.load(make_company(people=1).ldif())
    server.process.command[-1] = "/nonexistent.conf"
    with pytest.raises(ServerError, match="ended with status"):
        server.start()
