"""LDAP on the wire for tests: messages encoded by pyasn1, a server that answers as told, a proxy that cuts the line."""

import socket
import socketserver
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.support.ports import HOST

with warnings.catch_warnings():
    # ldap3 reads names that pyasn1 has deprecated; nothing here can mend that.
    warnings.simplefilter("ignore", DeprecationWarning)
    from ldap3.protocol import rfc4511 as asn1
    from ldap3.protocol.rfc2696 import RealSearchControlValue
    from pyasn1.codec.ber import encoder
    from pyasn1.type.univ import Integer, OctetString
    from pyasn1.type.univ import Sequence as Sequence_

BIND_REQUEST, SEARCH_REQUEST, OCTETS = 0x60, 0x63, 0x04
PAGED = "1.2.840.113556.1.4.319"


def encode_entry(dn: str, attributes: Mapping[str, Sequence[bytes]], message_id: int = 7) -> bytes:
    """Encode a SearchResultEntry."""
    entry, partial = asn1.SearchResultEntry(), asn1.PartialAttributeList()
    partial.clear()
    entry["object"] = asn1.LDAPDN(dn)
    for index, (name, values) in enumerate(attributes.items()):
        attribute, vals = asn1.PartialAttribute(), asn1.Vals()
        vals.clear()
        attribute["type"] = asn1.AttributeDescription(name)
        for position, value in enumerate(values):
            vals.setComponentByPosition(position, asn1.AttributeValue(value), verifyConstraints=False)
        attribute["vals"] = vals
        partial.setComponentByPosition(index, attribute)
    entry["attributes"] = partial
    return _envelope("searchResEntry", entry, message_id)


def encode_reference(uri: str, message_id: int = 7) -> bytes:
    """Encode a SearchResultReference."""
    reference = asn1.SearchResultReference().setComponentByPosition(0, asn1.URI(uri))
    return _envelope("searchResRef", reference, message_id)


def encode_done(
    code: int = 0,
    text: str = "",
    cookie: bytes | None = None,
    message_id: int = 7,
    controls: Sequence["asn1.Control"] = (),
) -> bytes:
    """Encode a SearchResultDone, with a paged results control when a cookie is given, and others."""
    if cookie is not None:
        value = RealSearchControlValue()
        value["size"], value["cookie"] = 0, cookie
        controls = [*controls, encode_control(PAGED, encoder.encode(value))]
    return _envelope("searchResDone", _result(asn1.SearchResultDone(), code, text), message_id, controls)


def encode_control(oid: str, value: bytes) -> "asn1.Control":
    """Make a response control."""
    control = asn1.Control()
    control["controlType"] = asn1.LDAPOID(oid)
    control["criticality"] = asn1.Criticality(False)
    control["controlValue"] = asn1.ControlValue(value)
    return control


def encode_dirsync(*, more: bool, cookie: bytes) -> bytes:
    """Encode the value of DirSync's answer ([MS-ADTS] 3.1.1.3.4.1.3)."""
    value = Sequence_()
    for index, part in enumerate((Integer(int(more)), Integer(0), OctetString(cookie))):
        value.setComponentByPosition(index, part)
    return bytes(encoder.encode(value))


def encode_bind_response(
    code: int = 0, text: str = "", message_id: int = 7, controls: Sequence["asn1.Control"] = ()
) -> bytes:
    """Encode a BindResponse."""
    return _envelope("bindResponse", _result(asn1.BindResponse(), code, text), message_id, controls)


def encode_starttls_response(code: int = 0, message_id: int = 7) -> bytes:
    """Encode the ExtendedResponse to StartTLS (RFC 4511 section 4.14)."""
    return _envelope("extendedResp", _result(asn1.ExtendedResponse(), code, ""), message_id)


def encode_notice(text: str) -> bytes:
    """Encode a Notice of Disconnection (RFC 4511 section 4.4.1)."""
    return _envelope("extendedResp", _result(asn1.ExtendedResponse(), 52, text), 0)


def _result(response: "asn1.LDAPResult", code: int, text: str) -> "asn1.LDAPResult":
    response["resultCode"] = asn1.ResultCode(code)
    response["matchedDN"] = asn1.LDAPDN("")
    response["diagnosticMessage"] = asn1.LDAPString(text)
    return response


def _envelope(kind: str, operation: object, message_id: int, controls: Sequence["asn1.Control"] = ()) -> bytes:
    message = asn1.LDAPMessage()
    message["messageID"] = asn1.MessageID(message_id)
    message["protocolOp"] = asn1.ProtocolOp().setComponentByName(kind, operation)
    if controls:
        listed = asn1.Controls()
        for position, control in enumerate(controls):
            listed.setComponentByPosition(position, control)
        message["controls"] = listed
    return bytes(encoder.encode(message))


@dataclass(frozen=True)
class Request:
    """A search as the responder received it; the filter is what its outermost element holds."""

    message_id: int
    base: str
    filter: bytes
    attributes: tuple[str, ...]
    cookie: bytes
    scope: int = 2
    whole_filter: tuple[int, bytes] = (0, b"")
    controls: Mapping[str, bytes] = field(default_factory=dict)


Answer = Callable[[Request], Iterable[bytes] | None]
Bound = Callable[[str, bytes], tuple[int, str]]
"""Says with which code and text a simple bind as a DN with a password is answered."""


@contextmanager
def responder(answer: Answer, bind_code: int = 0, *, bound: Bound | None = None, port: int = 0) -> Iterator[int]:
    """Run a server that answers each search as told; None closes the line. Yields its port.

    Every bind is answered with `bind_code`, or as `bound` says. It listens on a free port, or on the one given.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                _serve(self.request, answer, bound or (lambda _, __: (bind_code, "")))

    with _listening(Handler, port) as own:
        yield own


def _serve(line: socket.socket, answer: Answer, bound: Bound) -> None:
    buffer = b""
    while chunk := line.recv(65536):
        buffer += chunk
        while len(buffer) >= 2 and (size := _size(buffer)) <= len(buffer):
            ((_, message),) = elements(buffer[:size])
            buffer = buffer[size:]
            (_, identifier), (operation, content), *controls = elements(message)
            message_id = int.from_bytes(identifier, "big")
            if operation == BIND_REQUEST:
                _, (_, dn), (_, password) = elements(content)
                code, text = bound(dn.decode(), password)
                line.sendall(encode_bind_response(code, text, message_id))
            elif operation == SEARCH_REQUEST:
                replies = answer(_request(message_id, content, controls[0][1] if controls else b""))
                if replies is None:
                    return
                line.sendall(b"".join(replies))
            else:
                return


def _size(buffer: bytes) -> int:
    length = buffer[1]
    if length < 0x80:
        return 2 + length
    octets = length & 0x7F
    return 2 + octets + int.from_bytes(buffer[2 : 2 + octets], "big")


def elements(octets: bytes) -> list[tuple[int, bytes]]:
    """Split into tags and contents; pyasn1 cannot read ldap3's filters with a `!` in them."""
    found = []
    while octets:
        size = _size(octets)
        start = 2 + (octets[1] & 0x7F if octets[1] >= 0x80 else 0)
        found.append((octets[0], octets[start:size]))
        octets = octets[size:]
    return found


def _request(message_id: int, content: bytes, controls: bytes) -> Request:
    (_, base), (_, scope), *_, wanted, (_, names) = elements(content)
    found = {}
    for _, control in elements(controls):
        (_, oid), *rest = elements(control)
        found[oid.decode()] = next((value for tag, value in rest if tag == OCTETS), b"")
    cookie = b""
    if PAGED in found:
        ((_, inner),) = elements(found[PAGED])
        _, (_, cookie) = elements(inner)
    attributes = tuple(name.decode() for _, name in elements(names))
    return Request(message_id, base.decode(), wanted[1], attributes, cookie, scope[0], wanted, found)


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server that does with each line as told, until it returns or the client is gone. Yields its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                serve(self.request)

    with _listening(Handler) as port:
        yield port


class CuttingProxy:
    """Passes octets between clients and a server until it has passed `limit` of the server's; then it hangs up.

    With `hold` it stops passing instead, and leaves the line open.
    """

    def __init__(self, port: int, limit: int | None = None, *, hold: bool = False) -> None:
        self.limit = limit
        self.hold = hold
        self._target = port
        self.passed = 0
        """Octets of the server's so far."""

    @contextmanager
    def running(self) -> Iterator[int]:
        """Run the proxy and yield its port."""
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection((HOST, proxy._target)) as server, suppress(OSError):
                    upwards = threading.Thread(target=proxy._up, args=(self.request, server), daemon=True)
                    upwards.start()
                    proxy._down(server, self.request)
                    for side in (server, self.request):
                        with suppress(OSError):
                            side.shutdown(socket.SHUT_RDWR)
                    upwards.join()

        with _listening(Handler) as port:
            yield port

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while chunk := client.recv(65536):
                server.sendall(chunk)
            server.shutdown(socket.SHUT_RDWR)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        while chunk := server.recv(65536):
            if self.limit is not None and self.passed + len(chunk) > self.limit:
                client.sendall(chunk[: self.limit - self.passed])
                self.passed = self.limit
                if self.hold:
                    server.recv(65536)
                    continue
                return
            self.passed += len(chunk)
            client.sendall(chunk)


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def _listening(handler: type[socketserver.BaseRequestHandler], port: int = 0) -> Iterator[int]:
    with _Listener((HOST, port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
