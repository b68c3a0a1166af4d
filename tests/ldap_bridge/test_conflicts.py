"""Who wants the login or the address of another account waits for a decision, which is remembered and carried out."""

from collections.abc import Callable
from typing import Any

import pytest

from idp.errors import InvalidValue, NotFound, PermissionDenied
from idp.schema.urns import GATEHOUSE_USER
from ldap_bridge.conflicts import Choice
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import ROOT, Bridge, Folk, bridge_over, resolve, the_one
from tests.support.directory import PROVISIONER, SYSTEM, person
from tests.support.ldif import write_change
from tests.support.people import make_person
from tests.support.slapd import Slapd


def source_of(user: dict[str, Any]) -> str:
    return str(user[GATEHOUSE_USER]["source"])


async def test_a_login_that_somebody_has_is_listed_with_who_has_it(filed_anywhere: Bridge) -> None:
    local = await filed_anywhere.directory.user("P3")
    run = await filed_anywhere.sync()
    assert (run.counts["conflict"], run.counts["create"], run.is_clean) == (1, 12, False)
    found = await the_one(filed_anywhere)
    assert (found.conflict.login, found.conflict.about, found.conflict.holder) == ("p3", "login", local.id)
    assert (found.holder_name, found.holder_source) == ("P3", "local")
    again = await filed_anywhere.sync()
    assert again.counts["conflict"] == 1
    assert await the_one(filed_anywhere) == found, "it is the same, since when it was"
    await filed_anywhere.directory.users.delete(SYSTEM, local.id)
    assert (await filed_anywhere.sync()).is_clean
    assert await filed_anywhere.service.resolving.conflicts(SYSTEM) == []
    assert await filed_anywhere.members("all") == {f"p{number}" for number in range(1, 13)}


@pytest.mark.parametrize("origin", ["local", "scim"])
async def test_an_address_that_an_account_of_other_origin_has_is_a_conflict(filed: Bridge, origin: str) -> None:
    mails = [{"value": "p3@example.org"}]
    actor = SYSTEM if origin == "local" else PROVISIONER
    made = await filed.directory.users.create(actor, {"userName": "petra", "emails": mails})
    run = await filed.sync()
    assert run.counts["conflict"] == 1
    found = await the_one(filed)
    assert (found.conflict.about, found.conflict.value, found.conflict.holder) == ("mail", "p3@example.org", made.id)
    assert found.holder_source.startswith(origin)
    assert "p3" not in await filed.people()


async def test_an_address_that_two_of_one_directory_share_is_none(filed: Bridge, folk: Folk) -> None:
    folk.write(p1={"mail": "office@example.org"}, p2={"mail": "office@example.org"})
    assert (await filed.sync()).is_clean
    folk.write(p13={"mail": "office@example.org"})
    assert (await filed.sync()).counts["create"] == 1


async def test_decisions_and_addresses_hold_in_large_reads_as_well(filed: Bridge, folk: Folk) -> None:
    folk.write(**{f"q{number}": {"mail": f"q{number}@example.org"} for number in range(80)})
    await filed.directory.user("petra", emails=[{"value": "q7@example.org"}])
    await filed.directory.user("q9")
    assert (await filed.sync()).counts["conflict"] == 2
    found = {one.conflict.login: one.conflict for one in await filed.service.resolving.conflicts(SYSTEM)}
    await filed.service.resolving.resolve(ROOT, found["q7"].id, Choice.RENAME, "q7.corp")
    await filed.service.resolving.resolve(ROOT, found["q9"].id, Choice.RENAME, "q9.corp")
    folk.write(**{f"q{number}": {"title": "Chief"} for number in range(80)})
    assert (await filed.sync()).is_clean
    folk.write(**{f"q{number}": {"title": "Head"} for number in range(80)})
    run = await filed.sync()
    assert (run.counts["update"], run.counts["rename"], run.is_clean) == (80, 0, True)
    assert {"q7.corp", "q9.corp"} <= set(await filed.people())


# --- link ---


async def test_a_linked_account_stays_itself_and_becomes_the_directorys(filed_anywhere: Bridge, folk: Folk) -> None:
    local = await filed_anywhere.directory.user("p3", title="Local hero", nickName="Pia")
    await filed_anywhere.directory.users.assign_role(SYSTEM, local.id, "developer")
    await filed_anywhere.sync()
    folk.write(p3={"title": "Chief"})
    run = await resolve(filed_anywhere, Choice.LINK)
    assert (run.counts["relink"], run.counts["create"], run.counts["conflict"]) == (1, 0, 0)
    (line,) = await filed_anywhere.logged(run, "relink")
    assert (line.name, line.reason) == ("p3", "linked by root")
    assert {"path": "title", "old": "Local hero", "new": "Chief"} in line.fields
    user = await filed_anywhere.person("p3")
    assert (user["id"], source_of(user), user["title"], user["nickName"]) == (local.id, "ldap:corp", "Chief", "Pia")
    assert user[GATEHOUSE_USER]["role"] == "developer"
    assert "p3" in await filed_anywhere.members("all")
    assert await filed_anywhere.service.resolving.conflicts(SYSTEM) == []
    assert not any((await filed_anywhere.sync()).counts.values())
    told = [event for event in await filed_anywhere.directory.events(local.id) if event["tag"].startswith("ldap:")]
    assert [(event["actorName"], event["details"]["choice"]) for event in told] == [("root", "link")]


async def test_a_person_of_another_directory_cannot_be_linked_or_robbed(
    filed: Bridge, folk: Folk, store: Any, clock: Any
) -> None:
    await filed.sync()
    other = bridge_over(store, clock, f"ldif:{folk.path}", name="other")
    assert (await other.service.sync(SYSTEM, "other")).counts["conflict"] == 12
    found = (await other.service.resolving.conflicts(SYSTEM, "other"))[0].conflict
    for choice in (Choice.LINK, Choice.TAKE_OVER):
        with pytest.raises(InvalidValue, match="belongs to ldap:corp"):
            await other.service.resolving.resolve(ROOT, found.id, choice)
    assert {source_of(user) for user in (await filed.people()).values()} == {"ldap:corp"}


# --- rename ---


async def test_a_renamed_person_has_an_account_of_her_own_for_good(filed: Bridge, folk: Folk) -> None:
    await filed.directory.user("p3")
    await filed.sync()
    run = await resolve(filed, Choice.RENAME, "p3.corp")
    assert run.counts["create"] == 1
    folk.write(p3={"title": "Chief"})
    changed = await filed.sync()
    assert (changed.counts["update"], changed.counts["rename"], changed.is_clean) == (1, 0, True)
    assert (await filed.person("p3.corp"))["title"] == "Chief"
    assert source_of(await filed.person("p3")) == "local"
    assert (await the_one(filed)).conflict.choice == Choice.RENAME, "the list says what holds"


async def test_a_new_name_must_be_free_and_may_be_taken_back(filed: Bridge) -> None:
    local = await filed.directory.user("p3")
    await filed.sync()
    found = (await the_one(filed)).conflict
    someone = (await filed.person("p4"))["id"]
    wrong = {"": "is missing", "P4": "is taken", someone: "is taken", " p3": "blank", "  ": "blank"}
    for name, why in {**wrong, "p\x07": "control", "p" * 513: "longer than 512"}.items():
        with pytest.raises(InvalidValue, match=f"^name: .*{why}"):
            await filed.service.resolving.resolve(ROOT, found.id, Choice.RENAME, name)
    for choice in (Choice.LINK, Choice.SKIP, Choice.UNDO):
        with pytest.raises(InvalidValue, match="says nothing"):
            await filed.service.resolving.resolve(ROOT, found.id, choice, "p3.corp")
    await resolve(filed, Choice.RENAME, "p3.corp")
    await filed.directory.users.delete(SYSTEM, local.id)
    back = await resolve(filed, Choice.UNDO)
    assert (back.counts["rename"], back.is_clean) == (1, True)
    assert "p3" in await filed.people()
    assert await filed.service.resolving.conflicts(SYSTEM) == []


async def test_a_name_is_promised_to_one_only(filed: Bridge) -> None:
    for login in ("p3", "p5"):
        await filed.directory.user(login)
    await filed.sync()
    one, other = [found.conflict.id for found in await filed.service.resolving.conflicts(SYSTEM)]
    for _ in range(2):
        await filed.service.resolving.resolve(ROOT, one, Choice.RENAME, "new.one")
    with pytest.raises(InvalidValue, match=r"'NEW\.one' is taken"):
        await filed.service.resolving.resolve(ROOT, other, Choice.RENAME, "NEW.one")


async def test_who_shares_an_address_may_have_an_account_of_her_own(filed: Bridge) -> None:
    await filed.directory.user("petra", emails=[{"value": "p3@example.org"}])
    await filed.sync()
    run = await resolve(filed, Choice.RENAME)
    assert (run.counts["create"], run.is_clean) == (1, True)
    assert {"p3", "petra"} <= set(await filed.people())


# --- skip, take over ---


async def test_who_is_skipped_gets_no_account_until_it_is_undone(filed: Bridge, folk: Folk) -> None:
    await filed.directory.user("p3")
    await filed.sync()
    for _ in range(2):
        run = await filed.sync() if _ else await resolve(filed, Choice.SKIP)
        assert (run.counts["conflict"], run.counts["create"], run.is_clean) == (0, 0, True)
        assert (await the_one(filed)).conflict.choice == Choice.SKIP
    assert (await resolve(filed, Choice.UNDO)).counts["conflict"] == 1
    await resolve(filed, Choice.SKIP)
    folk.write(p3=None)
    await filed.sync()
    assert await filed.service.resolving.conflicts(SYSTEM) == []


async def test_who_takes_over_gets_the_login_and_the_other_account_another(filed: Bridge) -> None:
    local = await filed.directory.user("p3")
    await filed.directory.user("p3.local")
    await filed.sync()
    run = await resolve(filed, Choice.TAKE_OVER)
    assert (run.counts["create"], run.is_clean) == (1, True)
    people = await filed.people()
    assert (people["p3.local2"]["id"], source_of(people["p3"])) == (local.id, "ldap:corp")


async def test_who_takes_over_an_address_leaves_the_others(filed: Bridge) -> None:
    mails = [{"value": "p3@example.org"}, {"value": "petra@example.net"}]
    await filed.directory.user("petra", emails=mails)
    await filed.sync()
    assert (await resolve(filed, Choice.TAKE_OVER)).is_clean
    assert [mail["value"] for mail in (await filed.person("petra"))["emails"]] == ["petra@example.net"]
    assert [mail["value"] for mail in (await filed.person("p3"))["emails"]] == ["p3@example.org"]


@pytest.mark.parametrize("choice", [Choice.LINK, Choice.TAKE_OVER])
@pytest.mark.parametrize("own", [{"userName": "p3"}, {"userName": "petra", "emails": [{"value": "P3@example.org"}]}])
async def test_an_account_that_is_not_in_the_way_any_more_is_left_alone(
    filed: Bridge, choice: Choice, own: dict[str, Any]
) -> None:
    local = await filed.directory.users.create(SYSTEM, own)
    await filed.sync()
    found = (await the_one(filed)).conflict
    other = {"userName": "somebody.else", "emails": []}
    await filed.directory.users.update(SYSTEM, local.id, lambda document: {**document, **other})
    with pytest.raises(InvalidValue, match=r"'somebody\.else' is not in the way any more"):
        await filed.service.resolving.resolve(ROOT, found.id, choice)
    assert (await filed.sync()).is_clean


async def test_two_entries_with_one_login_can_be_told_apart_but_not_linked(filed: Bridge, folk: Folk) -> None:
    folk.write(p13={"uid": "p1"})
    assert (await filed.sync()).counts["conflict"] == 1
    found = (await the_one(filed)).conflict
    for choice in (Choice.LINK, Choice.TAKE_OVER):
        with pytest.raises(InvalidValue):
            await filed.service.resolving.resolve(ROOT, found.id, choice)
    assert (await resolve(filed, Choice.RENAME, "p1.second")).is_clean
    assert {"p1", "p1.second"} <= set(await filed.people())


async def test_only_who_may_change_directories_decides(filed: Bridge) -> None:
    await filed.directory.user("p3")
    await filed.sync()
    found = (await the_one(filed)).conflict
    admin, nobody = person("adm", "admin"), person("eve")
    for actor in (admin, nobody):
        with pytest.raises(PermissionDenied):
            await filed.service.resolving.resolve(actor, found.id, Choice.SKIP)
    assert len(await filed.service.resolving.conflicts(admin)) == 1
    with pytest.raises(PermissionDenied):
        await filed.service.resolving.conflicts(nobody)
    with pytest.raises(NotFound):
        await filed.service.resolving.resolve(ROOT, "nope", Choice.SKIP)
    with pytest.raises(NotFound):
        await filed.service.resolving.conflicts(admin, "nowhere")


async def test_a_held_run_lists_conflicts_and_a_broken_read_forgets_none(filed: Bridge, folk: Folk) -> None:
    await filed.sync()
    await filed.directory.user("p13")
    folk.write(**dict.fromkeys([f"p{number}" for number in range(1, 9)]), p13={})
    assert (await filed.sync()).state == State.HELD
    assert (await the_one(filed)).conflict.login == "p13"


async def test_a_decision_reaches_a_directory_that_is_followed_by_its_changes(
    slapd: Slapd, bridge_to: Callable[..., Bridge]
) -> None:
    bridge = bridge_to(slapd.url, bind_dn=slapd.admin_dn, bind_password=slapd.admin_password)
    local = await bridge.directory.user("person000003")
    await bridge.sync()
    run = await resolve(bridge, Choice.SKIP)
    assert (run.whole, run.is_clean) == (False, True)
    slapd.modify(write_change(make_person(4).dn, [("replace", "title", ["Chief"])]))
    assert (await bridge.sync()).counts["update"] == 1
    undone = await resolve(bridge, Choice.UNDO)
    assert (undone.whole, undone.counts["conflict"]) == (False, 1)
    linked = await resolve(bridge, Choice.LINK)
    assert (linked.whole, linked.counts["relink"]) == (False, 1)
    assert (await bridge.person("person000003"))["id"] == local.id
    assert "person000003" in await bridge.members(make_person(3).department)
