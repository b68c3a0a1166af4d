"""Several servers of the same data, local sockets, and servers that send us elsewhere."""

import itertools
import logging
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ldap_bridge.client import Channel, LdapDirectory
from ldap_bridge.directories import at_any_server
from ldap_bridge.entries import Entry, Outcome, Selection
from ldap_bridge.errors import (
    DirectoryBusy,
    DirectoryRefused,
    DirectorySilent,
    DirectoryUnable,
    DirectoryUnavailable,
    DirectoryUntrusted,
)
from ldap_bridge.servers import Server
from ldap_bridge.settings import parse
from tests.support.ldap_wire import encode_done, encode_reference, raw_server, responder
from tests.support.ldif import write_entry
from tests.support.people import BASE
from tests.support.ports import HOST, free_port
from tests.support.slapd import Slapd

PEOPLE = Selection([BASE], ["inetOrgPerson"], attributes=["uid"])


def server_at(*urls: str, **settings: Any) -> Server:
    """What the settings say of servers."""
    server = parse("corp", {"url": [*urls], "base": BASE, **settings}).server
    assert server is not None
    return server


def directory(*urls: str, stays: bool = False, **settings: Any) -> LdapDirectory:
    """The client for servers."""
    return LdapDirectory("corp", server_at(*urls, **settings), stays=stays)


def reached(source: LdapDirectory) -> str:
    """The server that a connection leads to."""
    with closing(source.connect()) as channel:
        return channel.server.url


def read(source: LdapDirectory, selection: Selection = PEOPLE) -> tuple[list[Entry], Outcome]:
    """Read to the end."""
    reading = source.read(selection)
    return [entry for batch in reading.batches() for entry in batch], reading.outcome


@dataclass
class Served:
    """A server, its local socket, and the address of another one, which a branch of its tree refers to."""

    slapd: Slapd
    local: str
    elsewhere: str
    visits: list[socket.socket]
    """Who came there."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that no test changes."""
    visits: list[socket.socket] = []
    # Names of sockets are short: a directory of pytest's may be too long.
    with tempfile.TemporaryDirectory(dir="/tmp") as short, raw_server(visits.append) as port:
        path, elsewhere = f"{short}/ldapi", f"ldap://{HOST}:{port}/ou=far,{BASE}"
        slapd = Slapd(tmp_path_factory.mktemp("slapd"))
        slapd.process.command[slapd.process.command.index("-h") + 1] += f" ldapi://{quote(path, safe='')}/"
        top = {"objectClass": ["dcObject", "organization"], "dc": ["example"], "o": ["Example"]}
        ada = {"objectClass": ["inetOrgPerson"], "uid": ["ada"], "cn": ["Ada"], "sn": ["L"], "userPassword": ["secret"]}
        far = {"objectClass": ["referral", "extensibleObject"], "ou": ["far"], "ref": [elsewhere]}
        tree = {BASE: top, f"uid=ada,{BASE}": ada, f"ou=far,{BASE}": far}
        slapd.load("".join(write_entry(dn, attributes) for dn, attributes in tree.items()))
        slapd.start()
        slapd.process.wait_until(Path(path).exists)
        yield Served(slapd, path, elsewhere, visits)
        slapd.kill()


@contextmanager
def hanging() -> Iterator[str]:
    """A server that takes connections and says nothing."""

    def listen(line: socket.socket) -> None:
        while line.recv(1000):
            pass

    with raw_server(listen) as port:
        yield f"ldap://{HOST}:{port}"


# --- several of the same data ---


def test_the_next_server_is_asked_when_one_is_down_unless_one_has_to_stay(served: Served) -> None:
    with responder(lambda _: None) as port:
        urls = [f"ldap://{HOST}:{port}", served.slapd.url]
        moving, staying = directory(*urls), directory(*urls, stays=True)
        assert reached(moving) == reached(staying) == urls[0]
    assert reached(moving) == served.slapd.url
    with pytest.raises(DirectoryUnavailable, match=f":{port}"):
        reached(staying)
    assert reached(directory(*urls, stays=True)) == served.slapd.url
    with responder(lambda _: None, port=port):
        assert reached(moving) == served.slapd.url, "whoever answered last goes on doing so"


def test_the_first_comes_back_into_use_when_the_next_goes_down() -> None:
    with responder(lambda _: None) as first:
        with responder(lambda _: None) as second:
            urls = [f"ldap://{HOST}:{free_port()}", f"ldap://{HOST}:{first}", f"ldap://{HOST}:{second}"]
            moving = directory(*urls[::2], urls[1])
            assert reached(moving) == urls[2]
        assert reached(moving) == urls[1]


def test_a_server_that_takes_connections_and_says_nothing_is_passed_over(served: Served) -> None:
    with hanging() as url:
        source = directory(url, served.slapd.url, timeout=1)
        assert reached(source) == served.slapd.url
        with pytest.raises(DirectorySilent, match=r"no answer .* in 1 s"):
            directory(url, timeout=1).connect()


@pytest.mark.parametrize(("code", "what"), [(51, "server busy"), (52, "unavailable")])
def test_a_server_that_cannot_at_present_is_passed_over_and_is_no_outage(served: Served, code: int, what: str) -> None:
    with responder(lambda _: None, bind_code=code) as port:
        url = f"ldap://{HOST}:{port}"
        assert reached(directory(url, served.slapd.url)) == served.slapd.url
        with pytest.raises(
            DirectoryUnable, match=rf"{url} cannot answer the bind as anonymous: {what}; cannot connect"
        ):
            directory(url, f"ldap://{HOST}:{free_port()}").connect()


@pytest.mark.parametrize("code", [51, 52])
def test_a_search_goes_to_the_next_server_when_one_is_busy_before_it_sends_anything(served: Served, code: int) -> None:
    with busy(code) as url, busy(code) as other:
        urls = [url, served.slapd.url]
        entries, outcome = read(directory(*urls))
        assert ([entry.dn for entry in entries], outcome.complete) == ([f"uid=ada,{BASE}"], True)
        staying = directory(*urls, stays=True)
        with pytest.raises(DirectoryBusy, match=f"{url} cannot answer at present.*code {code}") as caught:
            read(staying)
        staying.next_server(caught.value)
        assert read(staying)[1].complete
        assert reached(staying) == served.slapd.url
        with pytest.raises(DirectoryUnable, match=f"{other}.*; {url}"):
            give_up(directory(other, url, stays=True))
        assert "after 0 entries" in read(directory(url))[1].reason
        looking = directory(*urls)
        facts = at_any_server(looking, looking.facts)
        assert [reason.partition(" cannot")[0] for reason in facts.out_of_use] == [url]


def give_up(source: LdapDirectory) -> None:
    """Ask one server after the other."""
    while True:
        try:
            with closing(source.connect()) as channel:
                channel.read_one("", [])
        except DirectoryBusy as error:
            source.next_server(error)


@contextmanager
def busy(code: int) -> Iterator[str]:
    """A server that takes binds, and does nothing else at present."""
    with responder(lambda request: [encode_done(code, "later", None, request.message_id)]) as port:
        yield f"ldap://{HOST}:{port}"


def test_a_password_that_is_refused_is_not_tried_at_the_next_server() -> None:
    binds: list[str] = []

    def bound(dn: str, _: bytes) -> tuple[int, str]:
        binds.append(dn)
        return 49, ""

    with responder(lambda _: None, bound=bound) as first, responder(lambda _: None, bound=bound) as second:
        urls = [f"ldap://{HOST}:{port}" for port in (first, second)]
        with pytest.raises(DirectoryRefused, match=f"{urls[0]} refuses the bind as cn=a: wrong DN or password"):
            directory(*urls, bind_dn="cn=a", bind_password="wrong").connect()
    assert binds == ["cn=a"], "twice would be two failures, and the account locked the sooner"


def test_one_wrong_server_of_several_is_told_of(
    served: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, down = served.slapd.url, f"ldap://{HOST}:{free_port()}"
    wrong = f"ldaps://{HOST}:{served.slapd.port}"
    with caplog.at_level(logging.WARNING):
        facts = directory(wrong, good, down).facts()
    assert [reason.partition(" with ")[0].partition(":")[0] for reason in facts.out_of_use] == [
        "no TLS",
        "cannot connect to ldap",
    ]
    assert f"no TLS with {wrong}" in caplog.text
    assert f"{good} answers instead" in caplog.text
    with pytest.raises(DirectoryUntrusted, match=f"no TLS with {wrong}.*; cannot connect to {down}"):
        directory(wrong, down).connect()
    assert directory(good).facts().out_of_use == ()


# --- local sockets ---


def test_over_a_local_socket_the_system_user_says_who_we_are(served: Served) -> None:
    url = f"ldapi://{quote(served.local, safe='')}"
    facts = directory(url, bind="external").facts()
    assert (facts.vendor, facts.bound_as, facts.tls) == ("OpenLDAP", "the system user of this process", "")
    entries, outcome = read(directory(f"ldapi://{served.local}", bind="external"))
    assert [entry.attributes["uid"] for entry in entries] == [[b"ada"]]
    assert outcome.complete


def test_a_local_socket_that_is_not_there_is_named(served: Served) -> None:
    with pytest.raises(DirectoryUnavailable, match=r"cannot connect to ldapi://%2Fnowhere.*No such file"):
        directory("ldapi:///nowhere").connect()
    assert reached(directory("ldapi:///nowhere", served.slapd.url)) == served.slapd.url


# --- elsewhere ---


def test_what_lies_on_another_server_is_told_and_nobody_goes_there(served: Served) -> None:
    source = directory(served.slapd.url, bind_dn=f"uid=ada,{BASE}", bind_password="secret")
    entries, outcome = read(source)
    assert [entry.dn for entry in entries] == [f"uid=ada,{BASE}"]
    assert (outcome.complete, outcome.references) == (True, 1)
    assert outcome.elsewhere[0].startswith(served.elsewhere)
    with pytest.raises(DirectoryRefused, match=rf"code 10.*refers to ldap://{HOST}:.*/ou=people,ou=far.*not followed"):
        read(source, Selection([f"ou=people,ou=far,{BASE}"], ["person"]))
    assert served.visits == []


# --- time ---


@pytest.mark.parametrize("drip", [b"\x00", encode_reference("x" * 50_000, 1)])
def test_octets_that_drip_in_for_ever_are_no_answer(drip: bytes) -> None:
    """One that never ends, and, where somebody waits for the whole, one of ever more messages."""
    begun = b"" if len(drip) > 1 else b"\x30\x84\x00\xff\xff\xff"

    def serve(line: socket.socket) -> None:
        line.recv(1000)
        line.sendall(begun)
        while True:
            line.sendall(drip)

    ticks = itertools.count()
    with raw_server(serve) as port:
        channel = Channel("corp", server_at(f"ldap://{HOST}:{port}"), lambda: float(next(ticks)))
        with closing(channel), pytest.raises(DirectorySilent, match="no answer"):
            channel.bind("cn=a", "b") if begun else channel.lookup(BASE, "(cn=*)", "entryUUID", b"1")
