"""People of a directory log in with its passwords; when it is down nobody is told that theirs is wrong."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event

import pytest

from idp.auth import Verdict
from idp.directory import Resource
from idp.errors import Overloaded, Unavailable
from ldap_bridge.bind import LdapBind, open_verifier
from ldap_bridge.entries import Entry
from ldap_bridge.errors import DirectoryUnable
from ldap_bridge.ldif_passwords import matches
from ldap_bridge.links import Link
from tests.ldap_bridge.conftest import Bridge
from tests.support.directory import SYSTEM
from tests.support.ldap_wire import CuttingProxy, Request, encode_done, encode_entry, responder
from tests.support.ldif import write_change
from tests.support.people import Company, Person, make_person
from tests.support.ports import HOST
from tests.support.slapd import Slapd


@pytest.fixture
async def synced(bridge: Bridge) -> Bridge:
    """The company is in."""
    await bridge.sync()
    return bridge


@pytest.fixture
def verifier(synced: Bridge) -> Iterator[LdapBind]:
    """The verifier of the company's people."""
    with closing(open_verifier(synced.source, synced.store)) as opened:
        yield opened


async def resource(bridge: Bridge, person: Person) -> Resource:
    """The person's account."""
    document = await bridge.person(person.uid)
    return Resource(document["id"], 1, document)


async def test_right_and_wrong_are_told_apart(verifier: LdapBind, synced: Bridge, company: Company) -> None:
    for person in company.people[:5]:
        user = await resource(synced, person)
        assert await verifier.verify(user, person.password) is Verdict.RIGHT
        assert await verifier.verify(user, "wrong") is Verdict.WRONG
        assert await verifier.verify(user, person.password) is Verdict.RIGHT


async def test_an_empty_password_never_gets_there(verifier: LdapBind, synced: Bridge, slapd: Slapd) -> None:
    user = await resource(synced, make_person(1))
    slapd.stop()
    assert await verifier.verify(user, "") is Verdict.WRONG


async def test_what_prepares_to_nothing_is_not_an_anonymous_bind(verifier: LdapBind, synced: Bridge) -> None:
    user = await resource(synced, make_person(1))
    assert await verifier.verify(user, "\u00ad") is Verdict.WRONG


async def test_passwords_of_any_script_are_taken_as_they_are(verifier: LdapBind, synced: Bridge, slapd: Slapd) -> None:
    person = make_person(2)
    slapd.modify(write_change(person.dn, [("replace", "userPassword", ["pässwörd ½ 密码"])]))
    assert await verifier.verify(await resource(synced, person), "pässwörd ½ 密码") is Verdict.RIGHT


async def test_who_is_gone_or_local_has_no_password_there(verifier: LdapBind, synced: Bridge, slapd: Slapd) -> None:
    person = make_person(3)
    user = await resource(synced, person)
    slapd.delete(person.dn)
    await synced.sync()
    assert await verifier.verify(user, person.password) is Verdict.ABSENT
    local = await synced.directory.user("local")
    assert await verifier.verify(local, "anything") is Verdict.ABSENT


async def test_who_was_renamed_since_the_last_run_gets_in(verifier: LdapBind, synced: Bridge, slapd: Slapd) -> None:
    person = make_person(4)
    user = await resource(synced, person)
    slapd.rename(person.dn, "uid=renamed")
    assert await verifier.verify(user, person.password) is Verdict.RIGHT
    assert await verifier.verify(user, "wrong") is Verdict.WRONG


async def test_while_the_directory_is_down_nobody_can_tell(verifier: LdapBind, synced: Bridge, slapd: Slapd) -> None:
    person = make_person(1)
    user = await resource(synced, person)
    assert await verifier.verify(user, person.password) is Verdict.RIGHT
    slapd.stop()
    with pytest.raises(Unavailable, match="'corp'"):
        await verifier.verify(user, person.password)
    slapd.start()
    assert await verifier.verify(user, person.password) is Verdict.RIGHT


async def test_a_kept_connection_that_died_is_replaced(verifier: LdapBind, synced: Bridge, slapd: Slapd) -> None:
    person = make_person(1)
    user = await resource(synced, person)
    assert await verifier.verify(user, person.password) is Verdict.RIGHT
    slapd.restart()
    assert await verifier.verify(user, person.password) is Verdict.RIGHT


async def test_a_directory_that_hangs_is_given_up(
    synced: Bridge, bridge_to: Callable[..., Bridge], slapd: Slapd
) -> None:
    person = make_person(1)
    user = await resource(synced, person)
    with CuttingProxy(slapd.port, 0, hold=True).running() as port:
        slow = bridge_to(f"ldap://{HOST}:{port}", connect_timeout=0.5)
        with closing(open_verifier(slow.source, slow.store)) as verifier, pytest.raises(Unavailable, match="no answer"):
            await verifier.verify(user, person.password)


async def test_a_server_in_trouble_is_no_wrong_password(synced: Bridge, bridge_to: Callable[..., Bridge]) -> None:
    user = await resource(synced, make_person(1))
    codes = [1, 10, 51, 52, 80]
    answers = iter(codes)

    def found(request: Request) -> list[bytes]:
        return [encode_entry("cn=now", {}, request.message_id), encode_done(message_id=request.message_id)]

    with responder(found, bound=lambda dn, _: (next(answers) if dn else 0, "")) as port:
        troubled = bridge_to(f"ldap://{HOST}:{port}")
        with closing(open_verifier(troubled.source, troubled.store)) as verifier:
            for code in codes:
                with pytest.raises(DirectoryUnable, match=f"code {code}"):
                    await verifier.verify(user, "whatever")


async def test_a_server_that_cannot_look_anybody_up_now_is_no_outage(
    synced: Bridge, bridge_to: Callable[..., Bridge]
) -> None:
    user = await resource(synced, make_person(1))
    with responder(lambda request: [encode_done(51, "later", message_id=request.message_id)]) as port:
        busy = bridge_to(f"ldap://{HOST}:{port}")
        verifier = open_verifier(busy.source, busy.store)
        with closing(verifier), pytest.raises(DirectoryUnable, match=r"server busy, code 51 \(later\)"):
            await verifier.verify(user, "whatever")


async def test_who_has_the_name_of_another_by_now_does_not_open_their_account(
    verifier: LdapBind, synced: Bridge, slapd: Slapd
) -> None:
    old, new = make_person(5), make_person(6)
    user = await resource(synced, old)
    slapd.delete(old.dn)
    slapd.rename(new.dn, f"uid={old.uid}")
    assert slapd.accepts(old.dn, new.password)
    assert await verifier.verify(user, new.password) is Verdict.ABSENT


async def test_who_left_the_filter_since_the_last_run_does_not_get_in(
    synced: Bridge, bridge_to: Callable[..., Bridge], slapd: Slapd
) -> None:
    person = make_person(7)
    user = await resource(synced, person)
    filtered = bridge_to(slapd.url, users={"filter": "(employeeType=employee)"})
    with closing(open_verifier(filtered.source, filtered.store)) as verifier:
        slapd.modify(write_change(person.dn, [("replace", "employeeType", ["employee"])]))
        assert await verifier.verify(user, person.password) is Verdict.RIGHT
        slapd.modify(write_change(person.dn, [("replace", "employeeType", ["retired"])]))
        assert await verifier.verify(user, person.password) is Verdict.ABSENT


async def test_many_at_once_share_few_connections(synced: Bridge, slapd: Slapd, company: Company) -> None:
    users = [(await resource(synced, person), person) for person in company.people[:20]]
    with closing(open_verifier(synced.source, synced.store)) as verifier:
        verdicts = await asyncio.gather(*(verifier.verify(user, person.password) for user, person in users * 3))
    assert set(verdicts) == {Verdict.RIGHT}


class Stuck:
    """A prover that waits until it is told to go on."""

    def __init__(self, go: Event) -> None:
        self._go = go

    def prove(self, link: Link, password: str) -> Verdict:
        self._go.wait(30)
        return Verdict.RIGHT

    def find(self, login: str) -> list[Entry]:
        return []

    def close(self) -> None:
        self._go.set()


async def test_when_too_many_wait_the_next_is_refused_at_once(synced: Bridge) -> None:
    go = Event()
    user = await resource(synced, make_person(1))
    verifier = LdapBind(synced.source, synced.store, Stuck(go), 1)
    waiting = [asyncio.create_task(verifier.verify(user, "x")) for _ in range(40)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
    assert {type(task.exception()) for task in done} == {Overloaded}
    go.set()
    verdicts = await asyncio.gather(*waiting, return_exceptions=True)
    assert verdicts.count(Verdict.RIGHT) == 16
    assert await verifier.verify(user, "x") is Verdict.RIGHT
    verifier.close()


async def test_a_locked_account_is_left_to_the_login(verifier: LdapBind, synced: Bridge) -> None:
    person = make_person(1)
    user = await resource(synced, person)
    await synced.directory.users.set_active(SYSTEM, user.id, False, "lost phone")
    assert await verifier.verify(user, person.password) is Verdict.RIGHT


@pytest.mark.parametrize(
    ("stored", "password", "right"),
    [
        (b"plain", "plain", True),
        (b"plain", "Plain", False),
        (b"{SSHA}eo5gFbFtlfAxsXw8reLbOp7Pjqj97kMNQL1X3g==", "ada-sample", True),
        (b"{ssha}eo5gFbFtlfAxsXw8reLbOp7Pjqj97kMNQL1X3g==", "other", False),
        (b"{SSHA}not base64", "x", False),
        (b"{SSHA}", "", False),
        (b"{UNKNOWN}x", "x", False),
        (b"{UNKNOWN}x", "{UNKNOWN}x", False),
        (b"{ARGON2}nonsense", "x", False),
    ],
)
def test_values_of_a_file_are_compared_by_their_scheme(stored: bytes, password: str, right: bool) -> None:
    assert matches(stored, password) is right
