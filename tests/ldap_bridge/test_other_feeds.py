"""Active Directory and 389 Directory Server are followed by their own feeds, against a responder shaped like them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from idp.directory import manager_of
from ldap_bridge.feeds import FeedName
from ldap_bridge.runs import Run, State
from ldap_bridge.sync_controls import SYNC_REQUEST
from tests.ldap_bridge.conftest import Bridge
from tests.support.directory import SYSTEM
from tests.support.domain import AD, STAFF, domain, person
from tests.support.ldap_wire import Request, responder
from tests.support.memory_directory import MemoryDirectory
from tests.support.ports import HOST


@contextmanager
def bridged(directory: MemoryDirectory, bridge_to: Callable[..., Bridge], **settings: Any) -> Iterator[Bridge]:
    """A bridge to the responder."""
    given = {"base": AD, "preset": "active-directory", "users": {"not_classes": []}, **settings}
    with responder(directory.answer) as port:
        yield bridge_to(f"ldap://{HOST}:{port}", **given)


def done(run: Run) -> dict[str, int]:
    """What a run did that looked at changes only."""
    assert (run.state, run.whole, run.errors, run.problems) == (State.APPLIED, False, 0, []), run.why
    return {name: count for name, count in run.counts.items() if count}


WAYS = [
    ("dirsync", {}, {}),
    ("usn", {"may_dirsync": False}, {}),
    ("usn", {"sees_deleted": False}, {"feed": "usn"}),
]


@pytest.mark.parametrize(("feed", "options", "settings"), WAYS)
async def test_a_domain_is_followed(
    bridge_to: Callable[..., Bridge], feed: str, options: dict[str, Any], settings: dict[str, Any]
) -> None:
    directory = domain(**options)
    with bridged(directory, bridge_to, **settings) as bridge:
        first = await bridge.sync()
        assert (first.feed, first.whole, first.counts["create"]) == (feed, True, 6)
        assert done(await bridge.sync()) == {}
        directory.modify(person("p1"), department="Support")
        directory.add(person("p9"), ["user"], sAMAccountName="p9", sn="Last")
        directory.modify(f"CN=Team,{STAFF}", member=[person("p0"), person("p1"), person("p9")])
        assert done(await bridge.sync()) == {"create": 1, "update": 1, "members_added": 1}
        assert await bridge.members("Team") == {"p0", "p1", "p9"}
        before = (await bridge.person("p0"))["id"]
        directory.rename(person("p0"), person("married"))
        directory.modify(person("married"), sAMAccountName="married")
        directory.delete(person("p1"))
        assert done(await bridge.sync()) == {"rename": 1, "disable": 1, "members_removed": 1}
        assert (await bridge.person("married"))["id"] == before
        assert await bridge.members("Team") == {"married", "p9"}
        assert done(await bridge.sync()) == {}


def sid(number: int) -> str:
    """A security identifier that ends in this number, as octets; all of them below 128, since they come as text."""
    return "\x01\x05" + "\x00" * 22 + number.to_bytes(4, "little").decode()


async def test_primary_groups_have_the_people_who_name_them_besides_their_members(
    bridge_to: Callable[..., Bridge],
) -> None:
    directory = domain()
    for number in range(5):
        directory.modify(person(f"p{number}"), primaryGroupID="513" if number < 4 else "99")
    directory.add(f"CN=Domain Users,{AD}", ["group"], cn="Domain Users", objectSid=sid(513), member=[person("p4")])
    directory.modify(f"CN=Team,{STAFF}", objectSid=sid(1100))
    with bridged(directory, bridge_to, groups={"primary": "primaryGroupID"}) as bridge:
        run = await bridge.sync()
        assert (run.state, run.feed, "primaryGroupID" in run.why) == (State.APPLIED, "full", True)
        assert await bridge.members("Domain Users") == {"p0", "p1", "p2", "p3", "p4"}
        assert await bridge.members("Team") == {"p0", "p1"}
        directory.modify(person("p0"), primaryGroupID="1100")
        directory.modify(person("p2"), primaryGroupID="1100")
        run = await bridge.sync()
        assert (run.counts["members_added"], run.counts["members_removed"]) == (1, 2)
        assert await bridge.members("Domain Users") == {"p1", "p3", "p4"}
        assert await bridge.members("Team") == {"p0", "p1", "p2"}
        assert not any((await bridge.sync()).counts.values())


@pytest.mark.parametrize(("feed", "options", "settings"), WAYS)
async def test_a_manager_who_is_renamed_is_still_the_manager_though_nobody_else_is_said_to_change(
    bridge_to: Callable[..., Bridge], feed: str, options: dict[str, Any], settings: dict[str, Any]
) -> None:
    directory = domain(**options)
    directory.modify(person("p1"), manager=person("p4"))
    with bridged(directory, bridge_to, **settings) as bridge:
        await bridge.sync()
        boss = (await bridge.person("p4"))["id"]
        assert manager_of(await bridge.person("p1")) == boss
        directory.rename(person("p4"), person("married"))
        assert done(await bridge.sync()) == {"rename": 1}
        assert manager_of(await bridge.person("p1")) == boss
        directory.modify(person("p2"), manager=person("married"))
        assert done(await bridge.sync()) == {"update": 1}
        assert manager_of(await bridge.person("p2")) == boss
        directory.delete(person("married"))
        assert done(await bridge.sync()) == {"disable": 1, "update": 2}
        assert manager_of(await bridge.person("p1")) is None


@pytest.mark.parametrize(("feed", "options", "settings"), WAYS)
async def test_who_leaves_the_filter_is_gone_and_who_comes_into_it_is_new(
    bridge_to: Callable[..., Bridge], feed: str, options: dict[str, Any], settings: dict[str, Any]
) -> None:
    directory = domain(**options)
    users = {"not_classes": [], "filter": "(department=Sales)"}
    with bridged(directory, bridge_to, users=users, **settings) as bridge:
        assert (await bridge.sync()).counts["create"] == 6
        directory.modify(person("p1"), department="Support")
        directory.add(person("p8"), ["user"], sAMAccountName="p8", department="Support")
        assert done(await bridge.sync()) == {"disable": 1, "members_removed": 1}
        directory.modify(person("p8"), department="Sales")
        directory.modify(person("p1"), department="Sales")
        assert done(await bridge.sync()) == {"create": 1, "enable": 1, "members_added": 1}
        assert await bridge.inactive() == set()


@pytest.mark.parametrize(("feed", "options", "settings"), WAYS)
async def test_a_renamed_unit_leads_to_a_full_compare_and_keeps_every_account(
    bridge_to: Callable[..., Bridge], feed: str, options: dict[str, Any], settings: dict[str, Any]
) -> None:
    directory = domain(**options)
    with bridged(directory, bridge_to, **settings) as bridge:
        await bridge.sync()
        before = {login: user["id"] for login, user in (await bridge.people()).items()}
        directory.rename(STAFF, f"OU=Crew,{AD}")
        run = await bridge.sync()
        assert (run.state, run.whole, run.feed, run.counts["move"]) == (State.APPLIED, True, feed, 6)
        assert "container" in run.why
        assert {login: user["id"] for login, user in (await bridge.people()).items()} == before
        assert await bridge.members("Team") == {"p0", "p1"}


@pytest.mark.parametrize("options", [{"may_dirsync": False}, {"sees_deleted": False}])
async def test_who_changes_between_two_searches_is_not_taken_for_gone(
    bridge_to: Callable[..., Bridge], options: dict[str, Any]
) -> None:
    directory = domain(**options)
    with bridged(directory, bridge_to, feed="usn") as bridge:
        await bridge.sync()
        directory.modify(person("p1"), department="Support")
        others = iter(["p2", "p3"])

        def change_another(request: Request) -> None:
            if "usnchanged" in str(request.whole_filter).lower() and (name := next(others, None)):
                directory.modify(person(name), department="Support")

        directory.meanwhile = change_another
        counts = done(await bridge.sync())
        assert "disable" not in counts
        assert await bridge.inactive() == set()
        done(await bridge.sync())
        assert await bridge.inactive() == set()
        assert {name: (await bridge.person(name))["active"] for name in ("p1", "p2", "p3")} == dict.fromkeys(
            ("p1", "p2", "p3"), True
        )


async def test_a_test_tells_the_feed_that_runs_will_go_by(bridge_to: Callable[..., Bridge]) -> None:
    with bridged(domain(may_dirsync=False), bridge_to) as bridge:
        told = await bridge.service.test(SYSTEM, "corp")
        assert told.feed == FeedName.USN
        assert "the server refuses DirSync with code 50" in told.why


async def test_an_entry_without_a_stable_id_leads_to_a_full_compare(bridge_to: Callable[..., Bridge]) -> None:
    directory = domain(sees_deleted=False)
    with bridged(directory, bridge_to, feed="usn") as bridge:
        await bridge.sync()
        directory.add(person("p7"), ["user"], sAMAccountName="p7", sn="Last")
        del directory.entries[person("p7")][directory.stable.lower()]
        run = await bridge.sync()
        assert (run.whole, run.state) == (True, State.INCOMPLETE)
        assert run.problems


@pytest.mark.parametrize("options", [{}, {"may_dirsync": False}])
async def test_another_domain_controller_behind_the_same_name_is_not_gone_on_with(
    bridge_to: Callable[..., Bridge], options: dict[str, Any]
) -> None:
    directory = domain(**options)
    with bridged(directory, bridge_to) as bridge:
        await bridge.sync()
        directory.root["dsServiceName"] = ["CN=NTDS Settings,CN=DC2"]
        run = await bridge.sync()
        assert run.whole
        assert run.why.startswith("another server answers: ldap://")
        assert "CN=NTDS Settings,CN=DC2; until now it was" in run.why
        assert not (await bridge.sync()).whole


async def test_a_run_stays_with_one_server_and_goes_on_from_no_other_ones_position(
    bridge_to: Callable[..., Bridge],
) -> None:
    first, behind = domain(), domain()
    with responder(first.answer) as port, responder(behind.answer) as other:
        urls = [f"ldap://{HOST}:{port}", f"ldap://{HOST}:{other}"]
        both = bridge_to(urls, preset="active-directory", base=AD)
        await both.sync()
        assert behind.asked == []
        first.add(person("p9"), ["user"], sAMAccountName="p9", sn="Last")
        assert done(await both.sync()) == {"create": 1}
    with responder(behind.answer, port=other):
        run = await both.sync()
    assert (run.whole, run.counts["disable"]) == (True, 1)
    assert run.why.startswith(f"another server answers: {urls[1]}")


async def test_why_dirsync_is_not_used_is_told(bridge_to: Callable[..., Bridge]) -> None:
    with bridged(domain(may_dirsync=False), bridge_to) as bridge:
        run = await bridge.sync()
        assert run.feed == FeedName.USN
        assert "refuses DirSync with code 50 (insufficient rights)" in run.why
    with bridged(domain(), bridge_to, base=STAFF) as bridge:
        assert (await bridge.service.test(SYSTEM, "corp")).feed == FeedName.USN


# --- 389 Directory Server ---

DS = "dc=example,dc=org"


@pytest.fixture
def directory_server() -> MemoryDirectory:
    """Three people and a group on a server with a retro changelog."""
    found = MemoryDirectory(DS, stable="nsUniqueId", root={"changelog": ["cn=changelog"]})
    for name in ("ada", "bo", "cy"):
        found.add(f"uid={name},{DS}", ["inetOrgPerson"], uid=name, cn=name, sn=name)
    found.add(f"cn=Team,{DS}", ["groupOfNames"], cn="Team", member=[f"uid=ada,{DS}"])
    return found


def changelogged(directory: MemoryDirectory, bridge_to: Callable[..., Bridge]) -> Any:
    """A bridge that follows the changelog."""
    given = {"base": DS, "preset": "openldap", "stable_id": "nsUniqueId"}
    return bridged(directory, bridge_to, **given)


async def test_a_changelog_is_followed(directory_server: MemoryDirectory, bridge_to: Callable[..., Bridge]) -> None:
    with changelogged(directory_server, bridge_to) as bridge:
        first = await bridge.sync()
        assert (first.feed, first.whole, first.counts["create"]) == ("changelog", True, 4)
        assert done(await bridge.sync()) == {}
        directory_server.modify(f"uid=bo,{DS}", sn="Derek")
        directory_server.rename(f"uid=ada,{DS}", f"uid=countess,{DS}")
        directory_server.modify(f"uid=countess,{DS}", uid="countess")
        directory_server.delete(f"uid=cy,{DS}")
        assert done(await bridge.sync()) == {"rename": 1, "update": 1, "disable": 1}
        assert await bridge.members("Team") == {"countess"}


async def test_a_changelog_that_was_cut_off_leads_to_a_full_compare(
    directory_server: MemoryDirectory, bridge_to: Callable[..., Bridge]
) -> None:
    with changelogged(directory_server, bridge_to) as bridge:
        await bridge.sync()
        directory_server.delete(f"uid=cy,{DS}")
        directory_server.root["firstChangeNumber"] = ["2000"]
        directory_server.number = 2000
        run = await bridge.sync()
        assert (run.whole, run.counts["disable"]) == (True, 1)
        assert "cut off" in run.why


async def test_a_setting_chooses_the_feed_and_says_why_it_cannot(
    directory_server: MemoryDirectory, bridge_to: Callable[..., Bridge]
) -> None:
    with bridged(directory_server, bridge_to, base=DS, preset="openldap", feed="rfc4533") as bridge:
        report = await bridge.service.test(SYSTEM, "corp")
        assert (report.feed, "does not offer RFC 4533" in report.why) == ("full", True)
    assert SYNC_REQUEST not in directory_server.root.get("supportedControl", [])
