"""Directories of other shapes: POSIX groups, memberOf, Active Directory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid5

import pytest

from idp.store import Store
from ldap_bridge.entries import Entry
from ldap_bridge.errors import DirectoryUnavailable
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge, bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM
from tests.support.ldap_wire import Request, encode_done, encode_entry, responder
from tests.support.ldif import write_change, write_entry
from tests.support.people import BASE, Company, Person, make_person
from tests.support.ports import HOST
from tests.support.slapd import Slapd

PEOPLE = f"ou=people,{BASE}"


async def test_posix_groups_name_their_members_by_login(bridge: Bridge, slapd: Slapd) -> None:
    posix = {"objectClass": ["posixGroup"], "cn": ["wheel"], "gidNumber": ["10"]}
    members = ["person000001", "PERSON000002", "nobody-known"]
    slapd.modify(write_entry(f"cn=wheel,ou=groups,{BASE}", {**posix, "memberUid": members}))
    await bridge.sync()
    assert await bridge.members("wheel") == {"person000001", "person000002"}
    assert (await bridge.service.plan(SYSTEM, "corp", whole=True)).unresolved == 1
    slapd.rename(make_person(1).dn, "uid=primus")
    await bridge.sync()
    assert await bridge.members("wheel") == {"person000002"}, "memberUid still has the old name"


async def test_member_of_of_people_and_groups_says_the_same_as_member(
    slapd: Slapd, bridge_to: Callable[..., Bridge], company: Company
) -> None:
    bridge = bridge_to(slapd.url, groups={"member_of": "memberOf"})
    await bridge.sync()
    names = {person.dn: person.uid for person in company.people} | {group.dn: group.name for group in company.groups}
    for group in company.groups:
        assert await bridge.members(group.name) == {names[dn] for dn in group.members}, group.name
    egg = next(group for group in company.groups if group.name == "Egg")
    slapd.modify(write_change(egg.dn, [("add", "member", [make_person(9).dn])]))
    run = await bridge.sync()
    assert (run.counts["members_added"], run.counts["update"]) == (1, 0)
    assert await bridge.members("Egg") == {"Chicken", "person000009"}


async def test_who_is_brought_in_alone_takes_nobody_else_out_of_the_groups(
    slapd: Slapd, bridge_to: Callable[..., Bridge]
) -> None:
    bridge = bridge_to(slapd.url, groups={"member_of": "memberOf"})
    await bridge.sync()
    before = await bridge.members("Everybody") | await bridge.members("Egg")
    new = Person("ada", "Ada", "Lovelace", "Engineering", 4711)
    slapd.modify(
        write_entry(new.dn, new.attributes()) + write_change(f"cn=Egg,ou=groups,{BASE}", [("add", "member", [new.dn])])
    )
    ((dn, found),) = slapd.search("(uid=ada)").items()
    entry = Entry(dn, {name.lower(): values for name, values in found.items()})
    await bridge.service.bring_in(SYSTEM, "corp", {found["entryUUID"][0].decode(): entry})
    assert await bridge.members("Everybody") | await bridge.members("Egg") == before | {"ada"}
    assert not any((await bridge.sync()).counts.values())


async def test_groups_can_be_left_out(slapd: Slapd, bridge_to: Callable[..., Bridge]) -> None:
    await bridge_to(slapd.url).sync()
    bridge = bridge_to(slapd.url, groups={"enabled": False})
    run = await bridge.sync()
    assert not any(run.counts.values())
    assert await bridge.members("Egg") == {"Chicken"}


async def test_people_outside_the_filter_are_gone_and_their_memberships_with_them(
    slapd: Slapd, bridge_to: Callable[..., Bridge]
) -> None:
    await bridge_to(slapd.url).sync()
    bridge = bridge_to(slapd.url, users={"filter": "(!(uid=person000001))"})
    run = await bridge.sync()
    assert run.counts["disable"] == 1
    assert run.counts["members_removed"] > 0
    assert await bridge.members("Chicken") == {"Egg"}


# --- Active Directory ---

AD = "dc=corp,dc=example"


class ActiveDirectory:
    """A responder with people and one group, which hands out members three at a time."""

    def __init__(self, people: int) -> None:
        self.control = {f"user{number}": 512 for number in range(people)}
        self.names = {login: login for login in self.control}
        self.alive = True

    @staticmethod
    def guid(name: str) -> bytes:
        """The binary objectGUID of a name, always the same."""
        return uuid5(UUID(int=0), name).bytes_le

    def dn(self, login: str) -> str:
        """The DN, which contains what needs escaping."""
        return f"CN=Last\\, {self.names[login]},OU=Staff,{AD}"

    def answer(self, request: Request) -> Iterable[bytes] | None:
        """Answer a search for people, the group, or a range of its members."""
        if not self.alive:
            return None
        ranged = [name for name in request.attributes if name.startswith("member;range=")]
        if ranged:
            return [self._group(request, int(ranged[0].split("=")[1].split("-")[0])), self._done(request)]
        if "member" in request.attributes:
            return [self._group(request, 0), self._done(request)]
        people = [self._person(login, request) for login in self.control if login in self.names]
        return [*people, self._done(request)]

    def _person(self, login: str, request: Request) -> bytes:
        attributes = {
            "sAMAccountName": [self.names[login].encode()],
            "objectGUID": [self.guid(login)],
            "userAccountControl": [str(self.control[login]).encode()],
            "givenName": [b"First"],
            "sn": [b"Last"],
            "cn": [f"Last, {self.names[login]}".encode()],
        }
        return encode_entry(self.dn(login), attributes, request.message_id)

    def _group(self, request: Request, start: int) -> bytes:
        members = [self.dn(login).encode() for login in self.names]
        stop = start + 3
        last = "*" if stop >= len(members) else str(stop - 1)
        attributes = {
            "cn": [b"Staff"],
            "objectGUID": [self.guid("Staff")],
            f"member;range={start}-{last}": members[start:stop],
        }
        return encode_entry(f"CN=Staff,OU=Groups,{AD}", attributes, request.message_id)

    @staticmethod
    def _done(request: Request) -> bytes:
        return encode_done(message_id=request.message_id)


@contextmanager
def bridged(directory: ActiveDirectory, bridge_to: Callable[..., Bridge]) -> Iterator[Bridge]:
    """A bridge to the responder."""
    with responder(directory.answer) as port:
        yield bridge_to(f"ldap://{HOST}:{port}", base=AD, preset="active-directory", feed="full")


async def test_an_active_directory_is_followed_by_guid(bridge_to: Callable[..., Bridge]) -> None:
    directory = ActiveDirectory(8)
    with bridged(directory, bridge_to) as bridge:
        run = await bridge.sync()
        assert (run.state, run.counts["create"], run.problems) == (State.APPLIED, 9, [])
        assert await bridge.members("Staff") == set(directory.control), "all ranges"
        before = {login: user["id"] for login, user in (await bridge.people()).items()}

        directory.names["user3"] = "married"
        directory.control["user4"] = 514
        run = await bridge.sync()
        assert (run.counts["rename"], run.counts["disable"], run.counts["members_removed"]) == (1, 1, 0)
        (change,) = await bridge.logged(run, "disable")
        assert change.reason == "disabled in the directory (userAccountControl)"
        assert (await bridge.person("married"))["id"] == before["user3"]
        assert await bridge.inactive() == {"user4"}

        directory.control["user4"] = 512
        run = await bridge.sync()
        assert run.counts["enable"] == 1
        assert await bridge.inactive() == set()
        assert not any((await bridge.sync()).counts.values())


async def test_who_is_disabled_there_from_the_start_comes_disabled(bridge_to: Callable[..., Bridge]) -> None:
    directory = ActiveDirectory(3)
    directory.control["user1"] = 514
    with bridged(directory, bridge_to) as bridge:
        await bridge.sync()
        assert await bridge.inactive() == {"user1"}


async def test_a_domain_controller_that_hangs_up_changes_nothing(bridge_to: Callable[..., Bridge]) -> None:
    directory = ActiveDirectory(3)
    with bridged(directory, bridge_to) as bridge:
        await bridge.sync()
        directory.alive = False
        with pytest.raises(DirectoryUnavailable):
            await bridge.sync()
        assert await bridge.inactive() == set()


# --- the other store ---


@pytest.mark.parametrize("store", ["pymongo"], indirect=True)
async def test_on_mongodb_a_directory_is_followed_just_the_same(
    slapd: Slapd, company: Company, store: Store, clock: FakeClock
) -> None:
    bridge = bridge_over(store, clock, slapd.url)
    assert (await bridge.sync()).counts["create"] == 60
    assert not any((await bridge.sync()).counts.values())
    slapd.rename(make_person(1).dn, "uid=primus")
    slapd.delete(make_person(2).dn)
    run = await bridge.sync()
    assert (run.counts["rename"], run.counts["disable"], run.errors) == (1, 1, 0)
    assert await bridge.inactive() == {"person000002"}
    assert "primus" in await bridge.members("Chicken")
    assert [logged.kind for logged in await bridge.lines(run)].count("members") > 0
