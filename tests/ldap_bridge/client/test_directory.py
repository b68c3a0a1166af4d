"""A real OpenLDAP server is connected to, bound to and read, or the error says what is wrong with which source."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from idp.errors import ConfigError, RemoteError, Unavailable
from ldap_bridge.client import Channel, LdapDirectory, present_dn
from ldap_bridge.entries import Entry, Outcome, Selection
from ldap_bridge.errors import DirectoryRefused, DirectoryUnavailable
from ldap_bridge.settings import parse
from tests.support.ldap_wire import CuttingProxy, Request, encode_done, encode_entry, responder
from tests.support.people import BASE, Company, make_company
from tests.support.ports import HOST, free_port
from tests.support.slapd import Slapd

PEOPLE = Selection([BASE], ["inetOrgPerson"], attributes=["uid", "cn", "sn", "givenName", "mail", "entryUUID"])


def directory(slapd: Slapd, **settings: Any) -> LdapDirectory:
    """The client for a server, bound as its administrator unless told otherwise."""
    raw = {"url": slapd.url, "base": BASE, "bind_dn": slapd.admin_dn, "bind_password": slapd.admin_password, **settings}
    source = parse("corp", raw)
    assert source.server is not None
    return LdapDirectory("corp", source.server)


def read(source: LdapDirectory, selection: Selection = PEOPLE) -> tuple[list[Entry], Outcome]:
    """Read to the end."""
    reading = source.read(selection)
    entries = [entry for batch in reading.batches() for entry in batch]
    return entries, reading.outcome


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server with five thousand people that no test changes, and what is in it."""
    server, company = Slapd(tmp_path_factory.mktemp("slapd")), make_company(5000, 20)
    server.load(company.ldif())
    server.start()
    yield server, company
    server.kill()


@pytest.mark.parametrize("page_size", [1000, 777, 10_000])
def test_five_thousand_people_come_out_whole_in_pages_of_any_size(big: tuple[Slapd, Company], page_size: int) -> None:
    slapd, company = big
    entries, outcome = read(directory(slapd, page_size=page_size))
    assert outcome == Outcome(complete=True, entries=5000)
    assert {entry.dn: entry.attributes["cn"][0].decode() for entry in entries} == {
        person.dn: person.display_name for person in company.people
    }


def test_what_is_read_is_what_ldapsearch_reads(slapd: Slapd) -> None:
    entries, _ = read(directory(slapd), Selection([BASE], ["groupOfNames"], attributes=["*", "+"]))
    truth = slapd.search("(objectClass=groupOfNames)")
    assert {entry.dn: entry.attributes for entry in entries} == {
        dn: {name.lower(): values for name, values in attributes.items()} for dn, attributes in truth.items()
    }


def test_classes_and_filter_select_together(slapd: Slapd) -> None:
    chosen = Selection([BASE], ["inetOrgPerson", "groupOfNames"], ["groupOfNames"], ["uid=person00000*"], ["uid"])
    entries, _ = read(directory(slapd), chosen)
    assert [entry.attributes["uid"] for entry in entries] == [[b"person00000%d" % number] for number in range(1, 10)]


def test_a_size_limit_of_the_server_makes_the_read_incomplete(
    new_slapd: Callable[[], Slapd], company: Company, tmp_path: Path
) -> None:
    slapd = Slapd(tmp_path / "limited", database_lines="limits users size.soft=30 size.hard=30 size.prtotal=30")
    slapd.load(company.ldif())
    try:
        slapd.start()
        person = company.people[0]
        entries, outcome = read(directory(slapd, bind_dn=person.dn, bind_password=person.password, page_size=10))
    finally:
        slapd.kill()
    assert 0 < len(entries) < len(company.people)
    assert not outcome.complete
    assert "size limit" in outcome.reason


@pytest.mark.parametrize("limit", [20_000, 200_000, 700_000])
def test_a_line_cut_in_mid_read_makes_it_incomplete(big: tuple[Slapd, Company], limit: int) -> None:
    slapd, _ = big
    with CuttingProxy(slapd.port, limit).running() as port:
        entries, outcome = read(directory(slapd, url=f"ldap://{HOST}:{port}"))
    assert 0 < len(entries) < 5000
    assert not outcome.complete
    assert outcome.entries == len(entries)
    assert "closed the connection" in outcome.reason


def test_a_line_cut_before_anything_came_is_an_error(big: tuple[Slapd, Company]) -> None:
    slapd, _ = big
    with CuttingProxy(slapd.port, 5).running() as port, pytest.raises(DirectoryUnavailable, match="'corp'"):
        read(directory(slapd, url=f"ldap://{HOST}:{port}"))


def test_a_server_that_falls_silent_is_given_up(big: tuple[Slapd, Company]) -> None:
    slapd, _ = big
    with CuttingProxy(slapd.port, 200_000, hold=True).running() as port:
        entries, outcome = read(directory(slapd, url=f"ldap://{HOST}:{port}", timeout=2))
    assert 0 < len(entries) < 5000
    assert "no answer" in outcome.reason


def test_more_entries_than_allowed_end_the_read(big: tuple[Slapd, Company]) -> None:
    slapd, _ = big
    entries, outcome = read(directory(slapd, max_entries=1200))
    assert len(entries) < 5000
    assert "max_entries" in outcome.reason


def test_the_server_tells_about_itself(slapd: Slapd) -> None:
    facts = directory(slapd).facts()
    assert facts.vendor == "OpenLDAP"
    assert facts.naming_contexts == (BASE,)
    assert facts.bound_as == slapd.admin_dn
    assert facts.tls == ""


# --- wrong settings ---


def test_nobody_at_the_address_is_named(slapd: Slapd) -> None:
    port = free_port()
    with pytest.raises(Unavailable, match=rf"'corp'.*127\.0\.0\.1:{port}"):
        read(directory(slapd, url=f"ldap://{HOST}:{port}"))


def test_an_unknown_host_is_named(slapd: Slapd) -> None:
    with pytest.raises(DirectoryUnavailable, match=r"'corp'.*nowhere\.invalid"):
        read(directory(slapd, url="ldap://nowhere.invalid", starttls=False))


def test_a_wrong_password_is_told_with_the_name_that_was_refused(slapd: Slapd) -> None:
    with pytest.raises(DirectoryRefused, match=r"'corp'.*cn=admin,dc=example,dc=org.*wrong DN or password") as caught:
        read(directory(slapd, bind_password="wrong-password"))
    assert caught.value.code == 49
    assert "wrong-password" not in str(caught.value)
    assert isinstance(caught.value, RemoteError)


@pytest.mark.parametrize("base", ["dc=elsewhere,dc=org", "not a name"])
def test_a_wrong_base_is_named(slapd: Slapd, base: str) -> None:
    with pytest.raises(DirectoryRefused, match=f"'corp'.*{base}"):
        read(directory(slapd), Selection([base], ["inetOrgPerson"]))


@pytest.mark.parametrize("text", ["(uid=a", "uid", "(&)(", "((uid=a))x"])
def test_a_wrong_filter_is_named(slapd: Slapd, text: str) -> None:
    with pytest.raises(ConfigError, match=r"corp.*is no LDAP filter"):
        read(directory(slapd), Selection([BASE], ["inetOrgPerson"], filters=[text]))


def test_an_empty_password_is_refused_before_the_server_hears_of_it(slapd: Slapd, company: Company) -> None:
    server = directory(slapd)._server  # noqa: SLF001 (the settings as the client has them)
    with closing(Channel("corp", server)) as channel:
        with pytest.raises(ValueError, match="empty"):
            channel.bind(company.people[0].dn, "")
        assert channel.bind(company.people[0].dn, company.people[0].password).code == 0


# --- finding somebody again ---


@pytest.mark.parametrize(
    ("attribute", "stable", "sent"),
    [
        ("objectGUID", "12345678-9abc-4def-8123-456789abcdef", UUID("12345678-9abc-4def-8123-456789abcdef").bytes_le),
        ("entryUUID", "a(*)b", b"a(*)b"),
    ],
)
def test_an_entry_is_found_again_by_its_stable_id(attribute: str, stable: str, sent: bytes) -> None:
    asked: list[bytes] = []

    def answer(request: Request) -> list[bytes]:
        asked.append(request.filter)
        return [encode_entry("cn=now", {}, request.message_id), encode_done(message_id=request.message_id)]

    with responder(answer) as port:
        source = parse("corp", {"url": f"ldap://{HOST}:{port}", "base": BASE})
        assert source.server is not None
        with closing(LdapDirectory("corp", source.server).connect()) as channel:
            assert present_dn(channel, PEOPLE, attribute, stable) == "cn=now"
    assert asked[0].endswith(b"\x04" + bytes([len(sent)]) + sent)


def test_who_is_not_there_or_not_in_the_selection_is_not_found(slapd: Slapd, company: Company) -> None:
    entry = slapd.search(f"(uid={company.people[0].uid})", ["entryUUID"])[company.people[0].dn]
    stable = entry["entryUUID"][0].decode()
    others = Selection([BASE, f"ou=nowhere,{BASE}"], ["inetOrgPerson"], filters=["(!(uid=person*))"])
    with closing(directory(slapd).connect()) as channel:
        assert present_dn(channel, PEOPLE, "entryUUID", stable) == company.people[0].dn
        assert present_dn(channel, others, "entryUUID", stable) is None
        assert present_dn(channel, PEOPLE, "entryUUID", "00000000-0000-4000-8000-000000000000") is None
