"""One connection to a directory server: requests go out as octets, answers come in through our decoder."""

import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from ldap_bridge.ber import BIND_RESPONSE, EXTENDED_RESPONSE, BerError, Decoder, EntryMessage, Message, ResultMessage
from ldap_bridge.client import requests
from ldap_bridge.client.line import connected
from ldap_bridge.client.tls import context_for, distrusted, hint_on_silent_end, is_alert
from ldap_bridge.entries import Entry
from ldap_bridge.errors import (
    DirectoryBusy,
    DirectoryError,
    DirectoryGarbled,
    DirectoryRefused,
    DirectorySilent,
    DirectoryUnavailable,
    DirectoryUntrusted,
)
from ldap_bridge.servers import Server

SUCCESS, SIZE_LIMIT, NO_SUCH_OBJECT, INVALID_DN = 0, 4, 32, 34
CANNOT_NOW: Final = {51: "server busy", 52: "unavailable"}
"""Codes of a server that is there, but cannot do what it would do at other times."""
BASE_SCOPE, ONE_LEVEL, SUBTREE_SCOPE = 0, 1, 2
CHUNK = 256 * 1024
# Octets that have to come within the time for an answer, while one message takes longer than that: a slow line brings
# them, and who drips octets to keep us waiting does not.
_PROGRESS: Final = 64 * 1024
# Entries of a small search. Who sends more was not asked for them.
_SMALL: Final = 10_000
_MESSAGE_IDS: Final = 2**31 - 1


class Channel:
    """A connection that does one operation at a time. Every method may raise DirectoryError."""

    def __init__(self, source: str, server: Server, now: Callable[[], float] = time.monotonic) -> None:
        self.source = source
        self.server = server
        self.decoder = Decoder()
        self.received = 0
        """Octets that have come so far."""
        self._now = now
        self._inbox: deque[Message] = deque()
        self._last_id = 0
        self._encrypted_at = 0
        self._patience = server.connect_timeout
        # Before anything is opened, since settings may be wrong.
        context = context_for(source, server) if server.ldaps or server.starttls else None
        self._socket = connected(source, server)
        try:
            if context is not None:
                self._encrypt(context)
        except BaseException:
            self._socket.close()
            raise
        self._patience = server.timeout
        self._encrypted_at = self.received

    @property
    def tls_version(self) -> str:
        """The TLS version agreed on, or "" for a plain connection."""
        return (self._socket.version() or "") if isinstance(self._socket, ssl.SSLSocket) else ""

    def close(self) -> None:
        """Say goodbye and let go of the socket; safe to call twice."""
        with suppress(OSError):
            self._socket.sendall(requests.message(self._next_id(), requests.unbind()))
        self._socket.close()

    def interrupt(self) -> None:
        """From another thread: make a blocked receive fail at once."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def bind(self, dn: str, password: str, controls: Sequence[str] = ()) -> ResultMessage:
        """Bind and return the server's verdict, whatever it is; an empty DN binds anonymously.

        `controls` names what the server may tell besides, if it knows how.

        A DN with an empty password would be an anonymous bind that succeeds (RFC 4513 section 5.1.2): ValueError.
        """
        if dn and not password:
            raise ValueError("an empty password proves nothing")
        named = [requests.control(name) for name in controls]
        return self._result_of(requests.simple_bind(dn, password), BIND_RESPONSE, named)

    def bind_as_configured(self) -> ResultMessage:
        """Bind as the account that the settings name, or by what the line has shown of us (RFC 4422)."""
        if not self.server.external:
            return self.bind(self.server.bind_dn, self.server.bind_password)
        return self._result_of(requests.external_bind(), BIND_RESPONSE)

    def search(
        self, base: str, scope: int, filter_text: str, attributes: Sequence[str], controls: Sequence[bytes] = ()
    ) -> Iterator[Message]:
        """Send a search and yield its messages as they come; the last is the ResultMessage."""
        request = requests.search(f"ldap.{self.source}", base, scope, filter_text, attributes)
        return self._messages(self._send(request, controls))

    def read_one(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """Read a single entry by its DN, or None when it is not there. Raises DirectoryRefused."""
        found = self.entries(dn, BASE_SCOPE, "(objectClass=*)", attributes)
        return found[0] if found else None

    def entries(
        self, base: str, scope: int, filter_text: str, attributes: Sequence[str], controls: Sequence[bytes] = ()
    ) -> list[Entry]:
        """Return the few entries of a small search, none where there is no such base. Raises DirectoryRefused."""
        return self._collected(base, self.search(base, scope, filter_text, attributes, controls))

    def holds_any(self, base: str, filter_text: str, controls: Sequence[bytes] = ()) -> bool:
        """Tell whether anything that matches a filter is seen right below a base. Raises DirectoryRefused."""
        request = requests.search(f"ldap.{self.source}", base, ONE_LEVEL, filter_text, requests.NO_ATTRIBUTES, most=1)
        return bool(self._collected(base, self._messages(self._send(request, controls), whole=True)))

    def lookup(self, base: str, filter_text: str, attribute: str, value: bytes) -> list[Entry]:
        """Return the entries below a base, two at most, that match a filter and have a value; names only, and quickly.

        Raises DirectoryRefused.
        """
        request = requests.search_by_value(f"ldap.{self.source}", base, filter_text, attribute, value)
        return self._collected(base, self._messages(self._send(request), whole=True))

    def _collected(self, base: str, messages: Iterator[Message]) -> list[Entry]:
        found: list[Entry] = []
        for message in messages:
            if isinstance(message, EntryMessage):
                found.append(message.entry)
                if len(found) > _SMALL:
                    raise DirectoryGarbled(self.source, f"more than {_SMALL} entries where few were asked for")
            # That there are more than a look-up may find is an answer to it.
            elif isinstance(message, ResultMessage) and message.code not in (SUCCESS, SIZE_LIMIT, NO_SUCH_OBJECT):
                raise self.refused(f"reading {base or 'the rootDSE'!r}", message)
        return found

    def refused(self, what: str, result: ResultMessage) -> DirectoryError:
        """Make the error for an answer that is not success: DirectoryRefused, or DirectoryBusy if it may be later."""
        if result.code in CANNOT_NOW:
            reason = f"{self.server.url} cannot answer at present: {CANNOT_NOW[result.code]}, code {result.code}"
            return DirectoryBusy(self.source, reason + said_with(result))
        return DirectoryRefused(self.source, f"{what} refused with code {result.code}{said_with(result)}", result.code)

    # --- opening ---

    def _encrypt(self, context: ssl.SSLContext) -> None:
        if not self.server.ldaps:
            self._start_tls()
        try:
            self._socket.settimeout(self.server.connect_timeout)
            self._socket = context.wrap_socket(self._socket, server_hostname=self.server.host)
        except TimeoutError as error:
            raise DirectorySilent(self.source, f"{self.server.url} does not finish the TLS handshake") from error
        except (OSError, ValueError) as error:
            raise distrusted(self.source, self.server, error) from error

    def _start_tls(self) -> None:
        result = self._result_of(requests.starttls(), EXTENDED_RESPONSE)
        if result.code != SUCCESS:
            reason = f"code {result.code}{said_with(result)}"
            hint = "starttls = false goes without encryption"
            raise DirectoryUntrusted(self.source, f"{self.server.url} does not start TLS: {reason}; {hint}")
        if self._inbox or self.decoder.pending:
            # Anybody on the way may have put it there, and it would count as said under encryption.
            raise DirectoryUntrusted(self.source, f"{self.server.url} goes on in plain text after it has agreed to TLS")

    # --- exchanging messages ---

    def _result_of(self, request: bytes, operation: int, controls: Sequence[bytes] = ()) -> ResultMessage:
        """Return the answer to an operation that has a single one."""
        for message in self._messages(self._send(request, controls), whole=True):
            if isinstance(message, ResultMessage) and message.operation == operation:
                return message
        raise DirectoryGarbled(self.source, "no proper answer to what was asked")

    def _next_id(self) -> int:
        self._last_id = self._last_id % _MESSAGE_IDS + 1
        return self._last_id

    def _send(self, request: bytes, controls: Sequence[bytes] = ()) -> int:
        message_id = self._next_id()
        try:
            self._socket.settimeout(self._patience)
            self._socket.sendall(requests.message(message_id, request, controls))
        except OSError as error:
            raise self._lost(self._last_word() or error) from error
        return message_id

    def _last_word(self) -> OSError | None:
        """Return what a server has said before it hung up: that tells more than that a request did not arrive."""
        try:
            self._socket.settimeout(0)
            self._socket.recv(CHUNK)
        except OSError as said:
            return said if is_alert(said) else None
        return None

    def _lost(self, error: OSError) -> DirectoryUnavailable:
        # With TLS 1.3 a server says only after the handshake what it thinks of our certificate.
        if is_alert(error):
            return distrusted(self.source, self.server, error)
        return self._ended(f"the connection to {self.server.url} is lost: {error}")

    def _ended(self, reason: str) -> DirectoryUnavailable:
        # No distrust: a proxy that encrypts for a server which is down ends lines in the same way.
        if self._encrypted_at == self.received:
            reason += hint_on_silent_end(self.server, encrypted=isinstance(self._socket, ssl.SSLSocket))
        return DirectoryUnavailable(self.source, reason)

    def _messages(self, message_id: int, *, whole: bool = False) -> Iterator[Message]:
        """Yield the messages of an answer: each has to come in time, or, where somebody waits for it, the `whole`."""
        inbox, garbled, fresh = self._inbox, None, True
        deadline, goal = 0.0, 0
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
            if fresh:
                # Only now: the time that our reader took over the messages before is not the server's.
                deadline, goal = self._now() + self._patience, self.received + _PROGRESS
            try:
                inbox.extend(self.decoder.feed(self._receive(deadline)))
            except BerError as error:
                # What came whole before it is in the inbox and still counts.
                garbled = DirectoryGarbled(self.source, f"an answer of {self.server.url} is not LDAP: {error}")
            fresh = not whole and (bool(inbox) or self.received >= goal)

    def _receive(self, deadline: float) -> bytes:
        where = self.server.url
        try:
            if (left := deadline - self._now()) <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            chunk = self._socket.recv(CHUNK)
        except TimeoutError as error:
            raise DirectorySilent(self.source, f"no answer from {where} in {self._patience:g} s") from error
        except OSError as error:
            raise self._lost(error) from error
        if not chunk:
            raise self._ended(f"{where} closed the connection")
        self.received += len(chunk)
        return chunk

    def _stray(self, message: Message, wanted: int) -> DirectoryError:
        # RFC 4511 section 4.4.1: a message with id 0 is a notice that the server disconnects.
        if message.message_id == 0 and isinstance(message, ResultMessage):
            return DirectoryUnavailable(self.source, f"{self.server.url} ends the connection: {message.text}")
        return DirectoryGarbled(self.source, f"an answer to message {message.message_id} where {wanted} was asked")


def said_with(result: ResultMessage) -> str:
    """Return what a server says beside the code of its answer."""
    text = f" ({result.text})" if result.text else ""
    # Whoever follows a referral shows the password to a server that somebody else has chosen.
    elsewhere = f"; it refers to {', '.join(result.referrals)}, which is not followed" if result.referrals else ""
    return text + elsewhere
