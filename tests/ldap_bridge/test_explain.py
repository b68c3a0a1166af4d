"""Why a person is as she is: the entry, each rule, and which run or whom each value came from."""

import pytest

from idp.errors import NotFound, PermissionDenied
from ldap_bridge.explain import Explanation, ValueShown
from tests.ldap_bridge.conftest import Bridge, Folk
from tests.support.directory import SYSTEM, person
from tests.support.people import make_person
from tests.support.slapd import Slapd


async def explained(bridge: Bridge, who: str) -> Explanation:
    return await bridge.service.explainer.explain(SYSTEM, "corp", who)


def value_of(told: Explanation, attribute: str) -> ValueShown:
    return next(value for value in told.values if value.attribute == attribute)


async def test_each_value_names_who_owns_it_and_which_run_set_it(filed_anywhere: Bridge, folk: Folk) -> None:
    first = await filed_anywhere.sync()
    user = await filed_anywhere.person("p3")
    await filed_anywhere.directory.users.update(SYSTEM, user["id"], lambda found: {**found, "nickName": "Pia"})
    folk.write(p3={"title": "Chief"})
    second = await filed_anywhere.sync()
    told = await explained(filed_anywhere, "p3")
    assert (value_of(told, "title").run, value_of(told, "title").value) == (second.id, "Chief")
    assert value_of(told, "userName").run == first.id
    assert (value_of(told, "title").owner, told.origin) == ("ldap:corp", "ldap:corp")
    assert (value_of(told, "nickName").set_by, value_of(told, "nickName").run) == ("test", "")
    assert value_of(told, "nickName").owner != "ldap:corp"
    assert (told.groups, told.differs, told.active) == (["all"], [], True)


async def test_each_rule_shows_what_it_reads_and_makes(filed: Bridge, folk: Folk) -> None:
    folk.write(p3={"title": "Chief", "mail": "P3@Example.org"})
    await filed.sync()
    told = await explained(filed, "p3")
    rules = {rule.path: rule for rule in told.rules}
    assert (rules["title"].reads, rules["title"].makes) == ({"title": ["Chief"]}, "Chief")
    mail = next(rule for path, rule in rules.items() if path.startswith("emails"))
    assert (mail.reads, mail.how) == ({"mail": ["P3@Example.org"]}, "lower")
    assert mail.makes[0]["value"] == "p3@example.org"
    assert told.entry["title"] == ["Chief"]
    folk.write(p3={"title": "Head"})
    assert (await explained(filed, "p3")).differs == ["title"]


async def test_a_value_that_fits_no_account_is_told_before_and_after_there_is_one(filed: Bridge, folk: Folk) -> None:
    folk.write(p3={"title": "T" * 5000})
    told = await explained(filed, "p3")
    assert (told.account, told.problems) == ("", ["title: longer than 4096 characters"])
    told = await explained(filed, "p4")
    assert told.problems == []
    folk.write(p3={"title": "Chief"})
    await filed.sync()
    folk.write(p3={"title": "T" * 5000})
    told = await explained(filed, "p3")
    assert (told.user_name, told.problems, told.differs) == ("p3", ["title: longer than 4096 characters"], [])


@pytest.mark.parametrize("who", ["P3", "p3@example.org", "UID = p3,dc=example,dc=org", "stable-p3"])
async def test_she_is_found_by_every_name_before_and_after_she_is_brought_in(filed: Bridge, who: str) -> None:
    asked = who.replace("dc=example,dc=org", filed.source.base if isinstance(filed.source.base, str) else "")
    before = await explained(filed, asked)
    assert (before.stable, before.account, before.values) == ("stable-p3", "", [])
    await filed.sync()
    after = await explained(filed, asked)
    assert (after.stable, after.user_name) == ("stable-p3", "p3")


async def test_who_is_gone_is_explained_by_what_is_left(filed: Bridge, folk: Folk) -> None:
    await filed.sync()
    folk.write(p3=None)
    run = await filed.sync()
    told = await explained(filed, "p3")
    assert (told.dn, told.entry, told.active) == ("", {}, False)
    assert told.gone
    assert (told.status["reason"], value_of(told, "active").run) == ("gone from directory corp", run.id)


async def test_a_conflict_and_an_entry_that_cannot_be_mapped_say_so(filed: Bridge, folk: Folk) -> None:
    await filed.directory.user("p3")
    folk.write(p4={"uid": ""})
    await filed.sync()
    told = await explained(filed, "stable-p3")
    assert told.conflict is not None
    assert "belongs to another account" in told.conflict.reason
    nameless = await explained(filed, "p4@example.org")
    assert (nameless.problems, nameless.account) == (["userName: the entry has no value for it"], "")


async def test_nobody_is_not_found_and_not_everybody_may_ask(filed: Bridge) -> None:
    for source, who in (("corp", "nobody"), ("nowhere", "p3")):
        with pytest.raises(NotFound):
            await filed.service.explainer.explain(SYSTEM, source, who)
    with pytest.raises(PermissionDenied):
        await filed.service.explainer.explain(person("eve"), "corp", "p3")
    assert (await filed.service.explainer.explain(person("adm", "admin"), "corp", "p3")).dn


async def test_a_server_is_asked_for_the_one_entry(bridge: Bridge, slapd: Slapd) -> None:
    run = await bridge.sync()
    told = await explained(bridge, "person000003")
    assert (told.dn, told.differs) == (make_person(3).dn, [])
    assert value_of(told, "userName").run == run.id
    slapd.delete(make_person(3).dn)
    assert (await explained(bridge, "person000003")).dn == ""
