"""One connection to a directory server: opened and written by ldap3, read by our decoder."""

import socket
import ssl
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from ldap3 import IP_V4_PREFERRED, NONE, Connection
from ldap3 import Server as Ldap3Server
from ldap3.core.exceptions import LDAPExceptionError

from idp.errors import ConfigError
from ldap_bridge.ber import BIND_RESPONSE, BerError, Decoder, EntryMessage, Message, ResultMessage
from ldap_bridge.client.requests import external_bind, search_by_value, search_request, simple_bind
from ldap_bridge.client.requests import message as encoded_message
from ldap_bridge.client.tls import VerifyingTls
from ldap_bridge.entries import Entry
from ldap_bridge.errors import (
    DirectoryError,
    DirectoryGarbled,
    DirectoryRefused,
    DirectorySilent,
    DirectoryUnavailable,
    DirectoryUntrusted,
)
from ldap_bridge.servers import Server

SUCCESS, SIZE_LIMIT, NO_SUCH_OBJECT, INVALID_DN, INVALID_CREDENTIALS = 0, 4, 32, 34, 49
BASE_SCOPE, SUBTREE_SCOPE = 0, 2
CHUNK = 256 * 1024


class Channel:
    """A connection that does one operation at a time. Every method may raise DirectoryError."""

    def __init__(self, source: str, server: Server) -> None:
        self.source = source
        self.server = server
        self.decoder = Decoder()
        self._inbox: deque[Message] = deque()
        self._tls = self._make_tls()
        self._connection = self._open()

    @property
    def tls_version(self) -> str:
        """The TLS version agreed on, or "" for a plain connection."""
        wrapped = self._connection.socket
        return (wrapped.version() or "") if isinstance(wrapped, ssl.SSLSocket) else ""

    def close(self) -> None:
        """Say goodbye and let go of the socket; safe to call twice."""
        wire = self._connection.socket
        if wire is not None:
            with suppress(OSError, LDAPExceptionError):
                self._connection.unbind()
            # ldap3 keeps the socket when the goodbye cannot be sent.
            wire.close()

    def interrupt(self) -> None:
        """From another thread: make a blocked receive fail at once."""
        with suppress(OSError, AttributeError):
            self._connection.socket.shutdown(socket.SHUT_RDWR)

    def bind(self, dn: str, password: str, controls: Sequence[str] = ()) -> ResultMessage:
        """Bind and return the server's verdict, whatever it is; an empty DN binds anonymously.

        `controls` names what the server may tell besides, if it knows how.

        A DN with an empty password would be an anonymous bind that succeeds (RFC 4513 section 5.1.2): ValueError.
        """
        if dn and not password:
            raise ValueError("an empty password proves nothing")
        return self._bound(simple_bind(dn, password), controls)

    def bind_as_configured(self) -> ResultMessage:
        """Bind as the account that the settings name, or by the certificate that TLS has shown (RFC 4422)."""
        if not self.server.external:
            return self.bind(self.server.bind_dn, self.server.bind_password)
        return self._bound(external_bind())

    def search(
        self,
        base: str,
        scope: int,
        filter_text: str,
        attributes: list[str],
        controls: list[Any] | None = None,
    ) -> Iterator[Message]:
        """Send a search and yield its messages as they come; the last is the ResultMessage."""
        request = search_request(self._filter_key(filter_text), base, scope, filter_text, attributes)
        return self._messages(self._send("searchRequest", request, controls))

    def read_one(self, dn: str, attributes: list[str]) -> Entry | None:
        """Read a single entry by its DN, or None when it is not there. Raises DirectoryRefused."""
        found = self.entries(dn, BASE_SCOPE, "(objectClass=*)", attributes)
        return found[0] if found else None

    def entries(
        self, base: str, scope: int, filter_text: str, attributes: list[str], controls: Sequence[Any] = ()
    ) -> list[Entry]:
        """Return the few entries of a small search, none where there is no such base. Raises DirectoryRefused."""
        return self._collected(base, self.search(base, scope, filter_text, attributes, [*controls]))

    def lookup(self, base: str, filter_text: str, attribute: str, value: bytes) -> list[Entry]:
        """Return the entries below a base, two at most, that match a filter and have a value; names only, and quickly.

        Raises DirectoryRefused.
        """
        request = search_by_value(self._filter_key(filter_text), base, filter_text, attribute, value)
        return self._collected(base, self._messages(self._send_encoded(request)))

    def _filter_key(self, text: str) -> str:
        return f"ldap.{self.source}: filter {text!r}"

    def _collected(self, base: str, messages: Iterator[Message]) -> list[Entry]:
        found: list[Entry] = []
        for message in messages:
            if isinstance(message, EntryMessage):
                found.append(message.entry)
            # That there are more than a look-up may find is an answer to it.
            elif isinstance(message, ResultMessage) and message.code not in (SUCCESS, SIZE_LIMIT, NO_SUCH_OBJECT):
                raise self.refused(f"reading {base or 'the rootDSE'!r}", message)
        return found

    def refused(self, what: str, result: ResultMessage) -> DirectoryRefused:
        """Make the error for an answer that is not success."""
        text = f" ({result.text})" if result.text else ""
        return DirectoryRefused(self.source, f"{what} refused with code {result.code}{text}", result.code)

    # --- opening ---

    def _make_tls(self) -> VerifyingTls | None:
        if not (self.server.ldaps or self.server.starttls):
            return None
        try:
            return VerifyingTls(self.server)
        except (OSError, ssl.SSLError) as error:
            key = "cert_file" if self.server.cert_file else "ca_file"
            raise ConfigError(f"ldap.{self.source}.{key}", f"holds no certificates: {error}") from error

    def _open(self) -> Any:
        server = self.server
        connection = None
        try:
            target = Ldap3Server(
                server.host,
                port=server.port,
                use_ssl=server.ldaps,
                tls=self._tls,
                get_info=NONE,
                connect_timeout=server.connect_timeout,
                mode=IP_V4_PREFERRED,
            )
            connection = Connection(target, auto_referrals=False, check_names=False)
            connection.open(read_server_info=False)
            if server.starttls:
                connection.start_tls(read_server_info=False)
            connection.socket.settimeout(server.timeout)
        except (LDAPExceptionError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            # The last four are what ldap3's own decoder raises on an answer to StartTLS that is not LDAP.
            _drop(connection)
            raise self._unreachable(error) from error
        return connection

    def _unreachable(self, error: Exception) -> DirectoryError:
        where = self.server.url
        failure = self._tls.failure if self._tls else None
        if isinstance(failure, ssl.SSLCertVerificationError):
            reason = failure.verify_message or str(failure)
            return DirectoryUntrusted(self.source, f"the certificate of {where} is not trusted: {reason}")
        if failure is not None:
            return DirectoryUntrusted(self.source, f"no TLS with {where}: {failure}")
        if "startTLS failed" in str(error):
            hint = "; starttls = false goes without encryption"
            return DirectoryUntrusted(self.source, f"{where} does not start TLS: {error}{hint}")
        return DirectoryUnavailable(self.source, f"cannot connect to {where}: {error}")

    # --- exchanging messages ---

    def _bound(self, request: bytes, controls: Sequence[str] = ()) -> ResultMessage:
        for message in self._messages(self._send_encoded(request, controls)):
            if isinstance(message, ResultMessage) and message.operation == BIND_RESPONSE:
                return message
        raise DirectoryGarbled(self.source, "no proper answer to a bind")

    def _send_encoded(self, request: bytes, controls: Sequence[str] = ()) -> int:
        message_id = int(self._connection.server.next_message_id())
        try:
            self._connection.socket.sendall(encoded_message(message_id, request, controls))
        except (OSError, AttributeError) as error:
            raise self._lost(error) from error
        return message_id

    def _lost(self, error: Exception) -> DirectoryUnavailable:
        # ldap3 meets a socket that was interrupted as None, hence the AttributeErrors.
        return DirectoryUnavailable(self.source, f"the connection to {self.server.url} is lost: {error}")

    def _send(self, operation: str, request: Any, controls: list[Any] | None) -> int:
        strategy = self._connection.strategy
        try:
            message_id = int(strategy.send(operation, request, controls))
        except (LDAPExceptionError, OSError, AttributeError) as error:
            raise self._lost(error) from error
        # ldap3 would remember the request until its own decoder had seen the answer.
        strategy._outstanding.pop(message_id, None)  # noqa: SLF001 (no public way to take the answer over)
        return message_id

    def _messages(self, message_id: int) -> Iterator[Message]:
        inbox, garbled = self._inbox, None
        while True:
            while inbox:
                message = inbox.popleft()
                if message.message_id != message_id:
                    raise self._stray(message, message_id)
                yield message
                if type(message) is ResultMessage:
                    return
            if garbled:
                raise garbled
            try:
                inbox.extend(self.decoder.feed(self._receive()))
            except BerError as error:
                # What came whole before it is in the inbox and still counts.
                garbled = DirectoryGarbled(self.source, f"an answer of {self.server.url} is not LDAP: {error}")

    def _receive(self) -> bytes:
        where = self.server.url
        try:
            chunk: bytes = self._connection.socket.recv(CHUNK)
        except TimeoutError as error:
            raise DirectorySilent(self.source, f"no answer from {where} in {self.server.timeout:g} s") from error
        except (OSError, AttributeError) as error:
            raise self._lost(error) from error
        if not chunk:
            raise DirectoryUnavailable(self.source, f"{where} closed the connection")
        return chunk

    def _stray(self, message: Message, wanted: int) -> DirectoryError:
        # RFC 4511 section 4.4.1: a message with id 0 is a notice that the server disconnects.
        if message.message_id == 0 and isinstance(message, ResultMessage):
            return DirectoryUnavailable(self.source, f"{self.server.url} ends the connection: {message.text}")
        return DirectoryGarbled(self.source, f"an answer to message {message.message_id} where {wanted} was asked")


def _drop(connection: Any) -> None:
    """Close what a failed attempt to connect may have left open; ldap3 leaves it to the collector."""
    if connection is not None and connection.socket is not None:
        with suppress(OSError):
            connection.socket.close()
