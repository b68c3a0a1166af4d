"""Encrypted lines to real servers: only the right one is trusted, and errors say which setting mends what is wrong."""

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from idp.errors import ConfigError
from ldap_bridge.client import LdapDirectory
from ldap_bridge.errors import DirectoryError, DirectoryUnavailable, DirectoryUntrusted
from ldap_bridge.settings import parse
from tests.support.certificates import NOT_BEFORE, Certificates, make_certificates
from tests.support.ldap_wire import encode_bind_response, encode_starttls_response, raw_server
from tests.support.people import BASE
from tests.support.ports import HOST, free_port, is_listening
from tests.support.slapd import Slapd

LONG_AGO = datetime(2020, 2, 1, tzinfo=NOT_BEFORE.tzinfo)
Served = tuple[Slapd, str]
"""A server that offers StartTLS at its address, and its other address, for LDAPS."""


def serve(directory: Path, certificates: Certificates, *more: str) -> Served:
    """Start a server that has a certificate."""
    lines = [f"TLSCertificateFile {certificates.certificate}", f"TLSCertificateKeyFile {certificates.key}", *more]
    slapd, port = Slapd(directory, global_lines="\n".join(lines)), free_port()
    slapd.process.command[slapd.process.command.index("-h") + 1] += f" ldaps://{HOST}:{port}/"
    slapd.start()
    slapd.process.wait_until(lambda: is_listening(port))
    return slapd, f"ldaps://{HOST}:{port}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def own(place: Path) -> Certificates:
    """An authority, and the server's certificate for 127.0.0.1."""
    return make_certificates(place / "own")


@pytest.fixture(scope="module")
def other(place: Path) -> Certificates:
    """Another authority, which nobody here trusts."""
    return make_certificates(place / "other")


@pytest.fixture(scope="module")
def served(place: Path, own: Certificates) -> Iterator[Served]:
    found = serve(place / "open", own)
    yield found
    found[0].kill()


@pytest.fixture(scope="module")
def strict(place: Path, own: Certificates) -> Iterator[Served]:
    """A server that talks only to who shows a certificate of its authority."""
    found = serve(place / "strict", own, f"TLSCACertificateFile {own.ca}", "TLSVerifyClient demand")
    yield found
    found[0].kill()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[Certificates], Served]]:
    """Start a server with a certificate of the test's own."""
    found: list[Served] = []

    def start(certificates: Certificates) -> Served:
        found.append(serve(tmp_path / "slapd", certificates))
        return found[-1]

    yield start
    for slapd, _ in found:
        slapd.kill()


def directory(url: str, **settings: Any) -> LdapDirectory:
    """The client for a server."""
    source = parse("corp", {"url": url, "base": BASE, **settings})
    assert source.server is not None
    return LdapDirectory("corp", source.server)


@pytest.fixture(params=["starttls", "ldaps"])
def way(request: pytest.FixtureRequest) -> str:
    """The two ways to encryption."""
    return str(request.param)


def towards(served: Served, way: str) -> dict[str, Any]:
    return {"url": served[1]} if way == "ldaps" else {"url": served[0].url, "starttls": True}


def test_the_right_authority_is_enough(served: Served, own: Certificates, way: str) -> None:
    assert directory(**towards(served, way), ca_file=str(own.ca)).facts().tls.startswith("TLSv1")


def test_another_authority_in_the_same_file_is_noticed(
    served: Served, own: Certificates, other: Certificates, tmp_path: Path
) -> None:
    file = tmp_path / "authority.pem"
    file.write_bytes(own.ca.read_bytes())
    there = directory(served[1], ca_file=str(file))
    there.abilities()
    file.write_bytes(other.ca.read_bytes())
    with pytest.raises(DirectoryUntrusted):
        there.abilities()
    file.write_bytes(own.ca.read_bytes())
    there.abilities()


def test_an_unknown_authority_is_refused_and_ca_file_mends_it(served: Served, other: Certificates, way: str) -> None:
    for settings in ({"ca_file": str(other.ca)}, {}):
        with pytest.raises(DirectoryUntrusted, match=r"'corp'.*not trusted: unable to get.*; ca_file names"):
            directory(**towards(served, way), **settings).connect()


def test_a_certificate_for_another_host_is_refused_and_url_mends_it(served: Served, own: Certificates) -> None:
    url = served[1].replace(HOST, "localhost")
    with pytest.raises(DirectoryUntrusted, match=r"ldaps://localhost.*not trusted: .*localhost.*; url must name"):
        directory(url, ca_file=str(own.ca)).connect()
    assert directory(url, verify=False).facts().tls


def test_an_expired_certificate_is_refused_and_only_a_new_one_mends_it(
    started: Callable[[Certificates], Served], tmp_path: Path, way: str
) -> None:
    old = make_certificates(tmp_path / "old", not_after=LONG_AGO)
    with pytest.raises(DirectoryUntrusted, match="not trusted: certificate has expired; the server needs a new one"):
        directory(**towards(started(old), way), ca_file=str(old.ca)).connect()


def test_a_certificate_signed_by_itself_is_refused_until_it_stands_in_ca_file(
    started: Callable[[Certificates], Served], tmp_path: Path
) -> None:
    alone = make_certificates(tmp_path / "alone", self_signed=True)
    settings = towards(started(alone), "ldaps")
    with pytest.raises(DirectoryUntrusted, match=r"not trusted: self.signed certificate; ca_file names"):
        directory(**settings, ca_file=str(alone.ca)).connect()
    assert directory(**settings, ca_file=str(alone.certificate)).facts().tls


# --- our own certificate ---


def test_a_certificate_is_shown_and_says_who_we_are(strict: Served, own: Certificates, way: str) -> None:
    shown = {"cert_file": str(own.certificate), "key_file": str(own.key), "bind": "external"}
    facts = directory(**towards(strict, way), ca_file=str(own.ca), **shown).facts()
    assert facts.bound_as == f"the certificate {own.certificate}"


def test_a_server_that_asks_for_a_certificate_is_told_from_one_that_is_down(
    strict: Served, own: Certificates, other: Certificates, way: str
) -> None:
    settings = {**towards(strict, way), "ca_file": str(own.ca)}
    with pytest.raises(DirectoryUnavailable, match=r"may ask for a certificate \(cert_file, key_file\)"):
        directory(**settings).connect()
    with pytest.raises(DirectoryUnavailable, match="may not accept the certificate of cert_file"):
        directory(**settings, cert_file=str(other.certificate), key_file=str(other.key)).connect()


def test_a_server_that_says_it_wants_a_certificate_is_not_to_be_trusted(own: Certificates) -> None:
    asking = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(own.ca))
    asking.load_cert_chain(own.certificate, own.key)
    asking.verify_mode = ssl.CERT_REQUIRED

    def serve(line: socket.socket) -> None:
        # A handshake that fails closes the line; one that stays lets the client read what was said.
        with socket.socket(fileno=os.dup(line.fileno())) as open_end:
            with suppress(ssl.SSLError):
                asking.wrap_socket(line, server_side=True)
            while open_end.recv(1000):
                pass

    with raw_server(serve) as port, pytest.raises(DirectoryUntrusted, match=r"no TLS with.*\(cert_file, key_file\)"):
        directory(f"ldaps://{HOST}:{port}", ca_file=str(own.ca)).connect()


def test_a_key_that_cannot_be_used_is_named_by_its_setting(own: Certificates, other: Certificates) -> None:
    locked = own.key.with_name("locked.key")
    key = serialization.load_pem_private_key(own.key.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    form = serialization.PrivateFormat.PKCS8
    locked.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))
    wrong = {
        "key_file: holds a key under a password": {"cert_file": own.certificate, "key_file": locked},
        "key_file: is not the key": {"cert_file": own.certificate, "key_file": other.key},
        "cert_file: holds no certificate": {"cert_file": own.key, "key_file": own.key},
        "ca_file: holds no certificates": {"ca_file": own.key},
    }
    for message, files in wrong.items():
        settings = {name: str(file) for name, file in files.items()}
        with pytest.raises(ConfigError, match=rf"ldap\.corp\.{message}"):
            directory(f"ldaps://{HOST}:1", **settings).connect()


# --- no TLS there ---


def test_a_server_without_tls_is_told_from_a_bad_certificate(slapd: Slapd) -> None:
    with pytest.raises(DirectoryUntrusted, match=r"does not start TLS.*starttls = false"):
        directory(slapd.url, starttls=True).connect()


def test_ldaps_to_a_plain_port_is_an_error_of_its_own(slapd: Slapd) -> None:
    with pytest.raises(DirectoryUntrusted, match="no TLS with"):
        directory(f"ldaps://{HOST}:{slapd.port}").connect()


def test_a_plain_line_to_a_port_of_ldaps_is_told_what_may_be_there(served: Served) -> None:
    with pytest.raises(DirectoryUnavailable, match=r"closed the connection; .* may speak TLS .*: ldaps://"):
        directory(served[1].replace("ldaps://", "ldap://")).connect()


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 400 Bad Request\r\n", encode_bind_response(message_id=1)])
def test_an_answer_to_starttls_that_is_none_is_no_line(reply: bytes) -> None:
    def answer(line: socket.socket) -> None:
        line.recv(1000)
        line.sendall(reply)

    with raw_server(answer) as port, pytest.raises(DirectoryError, match="'corp'"):
        directory(f"ldap://{HOST}:{port}", starttls=True).connect()


def test_nothing_said_before_encryption_counts_as_said_under_it() -> None:
    def inject(line: socket.socket) -> None:
        line.recv(1000)
        line.sendall(encode_starttls_response(message_id=1) + encode_bind_response(message_id=2))

    with raw_server(inject) as port, pytest.raises(DirectoryUntrusted, match="goes on in plain text"):
        directory(f"ldap://{HOST}:{port}", starttls=True).connect()


@pytest.mark.parametrize("settings", [{}, {"starttls": True}])
def test_a_server_that_never_finishes_the_handshake_is_given_up(settings: dict[str, Any]) -> None:
    def hang(line: socket.socket) -> None:
        if settings:
            line.recv(1000)
            line.sendall(encode_starttls_response(message_id=1))
        while line.recv(1000):
            pass

    scheme = "ldap" if settings else "ldaps"
    with raw_server(hang) as port, pytest.raises(DirectoryUnavailable, match="TLS handshake"):
        directory(f"{scheme}://{HOST}:{port}", connect_timeout=1, **settings).connect()
