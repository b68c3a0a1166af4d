"""A directory server as a source of entries, and what can be learnt about it beforehand."""

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from ldap_bridge.ber import ResultMessage
from ldap_bridge.choice import Abilities
from ldap_bridge.client.channel import CANNOT_NOW, SUCCESS, Channel, said_with
from ldap_bridge.client.search import PagedSearch
from ldap_bridge.dn import key_or_text
from ldap_bridge.entries import Entry, Outcome, Selection
from ldap_bridge.errors import (
    DirectoryBusy,
    DirectoryError,
    DirectoryRefused,
    DirectoryUnable,
    DirectoryUnavailable,
    DirectoryUntrusted,
)
from ldap_bridge.servers import Server

_log: Final = logging.getLogger(__name__)
_ROOT_ATTRIBUTES: Final = [
    *("objectClass", "vendorName", "vendorVersion", "namingContexts", "supportedControl", "supportedExtension"),
    *("supportedLDAPVersion", "rootDomainNamingContext", "dnsHostName"),
]
# RFC 4511 appendix A, where the code says more of the settings than of the server.
_REFUSALS: Final[Mapping[int, str]] = {
    8: "code 8, it wants a stronger way, such as encryption (ldaps:// or starttls)",
    13: "code 13, it wants encryption (ldaps:// or starttls)",
    34: "code 34, bind_dn is no DN as it takes them",
    48: "code 48, it takes no such bind; without bind_dn it is an anonymous one",
    49: "wrong DN or password",
}


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself in its rootDSE (RFC 4512 section 5.1), and how we are connected."""

    vendor: str
    version: str
    naming_contexts: tuple[str, ...]
    controls: tuple[str, ...]
    tls: str
    bound_as: str
    out_of_use: tuple[str, ...] = ()
    """What is wrong with servers that could not be used, one of several at least."""


class LdapDirectory:
    """One configured server, or several of the same data. Each read has a connection of its own.

    One that `stays` goes to no other server after the first that could be reached: replicas are not in step with each
    other, and what is read in one go must fit together.
    """

    def __init__(self, source: str, server: Server, *, stays: bool = False) -> None:
        self._source = source
        self._server = server
        self.stays: Final = stays
        """Whether it goes to no other server by itself."""
        self._order = list(server.all)
        self._used: Server | None = None
        self._busy: dict[Server, DirectoryBusy] = {}

    def prefers(self, server: Server) -> bool:
        """Tell whether a server is the one that is asked first, as far as is known by now."""
        return server == self._order[0]

    @property
    def has_another(self) -> bool:
        """Whether there is a server to go on with instead of the one that is used."""
        return self._used is not None and any(server != self._used for server in self._left)

    def next_server(self, busy: DirectoryBusy) -> None:
        """Go on with the next server for good. Raises what is wrong with all of them when there is none left."""
        if self._used is None or not self.has_another:
            raise _worst(self._source, [*self._busy.values(), busy]) if self._busy else busy
        self._busy[self._used] = busy
        _log.warning("directory %r: %s; the next server is asked", self._source, busy.reason)
        self._order, self._used = self._left, None

    def put_off(self, server: Server) -> None:
        """Ask a server after all others from now on."""
        self._order = [*(other for other in self._order if other != server), server]

    def open(self) -> Channel:
        """Open a channel that is not bound yet, to the first server that can be reached. Raises DirectoryError."""
        return self._first(lambda server: Channel(self._source, server))

    def connect(self) -> Channel:
        """Open a channel bound as the configured account, to the first server that can do it. Raises DirectoryError."""
        return self._first(self._bound)

    def _first(self, opened: Callable[[Server], Channel]) -> Channel:
        """Whoever answered last is asked first; the others come after it in their order."""
        failures: list[DirectoryUnavailable] = []
        for server in list(self._order):
            try:
                channel = opened(server)
            except DirectoryUnavailable as error:
                failures.append(error)
                continue
            for failure in failures:
                _log.warning("directory %r: %s; %s answers instead", self._source, failure.reason, server.url)
            others = [] if self.stays else self._left
            self._order = [server, *(other for other in others if other != server)]
            self._used = server
            return channel
        raise _worst(self._source, [*self._busy.values(), *failures])

    @property
    def _left(self) -> list[Server]:
        return [server for server in self._server.all if server not in self._busy]

    def _bound(self, server: Server) -> Channel:
        channel = Channel(self._source, server)
        try:
            result = channel.bind_as_configured()
            if result.code != SUCCESS:
                raise _bind_refused(channel, result)
        except BaseException:
            channel.close()
            raise
        return channel

    def read(self, selection: Selection) -> "LdapReading":
        """Begin a read; the connection is opened when the first batch is asked for."""
        return LdapReading(self, selection)

    def abilities(self) -> Abilities:
        """Connect, bind and read what the rootDSE says of changes. Raises DirectoryError."""
        with closing(self.connect()) as channel:
            root = channel.read_one("", ["supportedControl", "namingContexts", "changelog", "highestCommittedUSN"])
            if root is None:
                return Abilities()
            return Abilities(
                controls=frozenset(_texts(root, "supportedcontrol")),
                contexts=tuple(map(key_or_text, _texts(root, "namingcontexts"))),
                changelog="".join(_texts(root, "changelog")),
                usn="highestcommittedusn" in root.attributes,
            )

    def facts(self) -> ServerFacts:
        """Connect, bind and read the rootDSE. Raises DirectoryError."""
        with closing(self.connect()) as channel:
            root = channel.read_one("", _ROOT_ATTRIBUTES) or Entry("", {})
            return ServerFacts(
                vendor=_vendor(root),
                version=", ".join(_texts(root, "vendorversion")),
                naming_contexts=tuple(_texts(root, "namingcontexts")),
                controls=tuple(_texts(root, "supportedcontrol")),
                tls=channel.tls_version,
                bound_as=bound_as(channel.server),
                out_of_use=tuple(self._out_of_use(channel.server)),
            )

    def _out_of_use(self, used: Server) -> Iterator[str]:
        """Try the other servers, too: one that is wrong would show only when the others are down."""
        yield from (busy.reason for busy in self._busy.values())
        for server in self._left:
            if server != used:
                try:
                    self._bound(server).close()
                except DirectoryError as error:
                    yield error.reason


class LdapReading:
    """A paged search over a connection of its own, opened at the start and closed at the end.

    Where a server is busy before it has sent anything the next one is asked, unless the directory stays with its
    server: then DirectoryBusy is raised while there is another one.
    """

    def __init__(self, directory: LdapDirectory, selection: Selection) -> None:
        self._directory = directory
        self._selection = selection
        self._search: PagedSearch | None = None
        self._interrupted = False

    @property
    def outcome(self) -> Outcome:
        """How the read ended; incomplete until it has."""
        return self._search.outcome if self._search else Outcome(complete=False, reason="the read has not begun")

    def batches(self) -> Generator[list[Entry], None, None]:
        """Connect, bind and yield the entries. Raises DirectoryError."""
        while True:
            with closing(self._directory.connect()) as channel:
                search = self._search = PagedSearch(channel, self._selection)
                if not self._interrupted:
                    yield from search.batches()
            if search.outcome.entries or (busy := search.busy) is None or not self._directory.has_another:
                return
            if self._directory.stays:
                raise busy
            self._directory.next_server(busy)

    def interrupt(self) -> None:
        """Make a blocked `batches` end soon; from another thread."""
        self._interrupted = True
        if self._search is not None:
            self._search.interrupt()


def _worst(source: str, failures: Sequence[DirectoryUnavailable]) -> DirectoryUnavailable:
    """Make one error of several. It is an outage only if not one of the servers answered."""
    if len(failures) == 1:
        return failures[0]
    kinds = (DirectoryUntrusted, DirectoryUnable)
    kind = next((kind for kind in kinds if any(isinstance(each, kind) for each in failures)), DirectoryUnavailable)
    return kind(source, "; ".join(failure.reason for failure in failures))


def _bind_refused(channel: Channel, result: ResultMessage) -> DirectoryError:
    who = f"the bind as {bound_as(channel.server)}"
    detail = said_with(result)
    if result.code in CANNOT_NOW:
        reason = f"{channel.server.url} cannot answer {who}: {CANNOT_NOW[result.code]}{detail}"
        return DirectoryBusy(channel.source, reason)
    meaning = _REFUSALS.get(result.code, f"code {result.code}")
    return DirectoryRefused(channel.source, f"{channel.server.url} refuses {who}: {meaning}{detail}", result.code)


def bound_as(server: Server) -> str:
    """Return the account that a server is read with, as people know it."""
    if not server.external:
        return server.bind_dn or "anonymous"
    return f"the certificate {server.cert_file}" if server.cert_file else "the system user of this process"


def _vendor(root: Entry) -> str:
    if named := _texts(root, "vendorname"):
        return named[0]
    if "OpenLDAProotDSE" in _texts(root, "objectclass"):
        return "OpenLDAP"
    return "Active Directory" if "rootdomainnamingcontext" in root.attributes else "unknown"


def _texts(entry: Entry, name: str) -> list[str]:
    return [value.decode("utf-8", "replace") for value in entry.attributes.get(name, ())]
