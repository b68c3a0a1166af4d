"""A directory server as a source of entries, and what can be learnt about it beforehand."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from ldap_bridge.choice import Abilities
from ldap_bridge.client.channel import SUCCESS, Channel
from ldap_bridge.client.search import PagedSearch
from ldap_bridge.dn import key_or_text
from ldap_bridge.entries import Entry, Outcome, Selection
from ldap_bridge.errors import DirectoryRefused, DirectoryUnavailable
from ldap_bridge.servers import Server

_ROOT_ATTRIBUTES: Final = [
    *("objectClass", "vendorName", "vendorVersion", "namingContexts", "supportedControl", "supportedExtension"),
    *("supportedLDAPVersion", "rootDomainNamingContext", "dnsHostName"),
]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself in its rootDSE (RFC 4512 section 5.1), and how we are connected."""

    vendor: str
    version: str
    naming_contexts: tuple[str, ...]
    controls: tuple[str, ...]
    tls: str
    bound_as: str


class LdapDirectory:
    """One configured server, or several of the same data. Each read has a connection of its own.

    One that `stays` goes to no other server after the first that could be reached: replicas are not in step with each
    other, and what is read in one go must fit together.
    """

    def __init__(self, source: str, server: Server, *, stays: bool = False) -> None:
        self._source = source
        self._server = server
        self._stays = stays
        self._order = list(server.all)

    def open(self) -> Channel:
        """Open a channel that is not bound yet, to the first server that can be reached. Raises DirectoryError.

        Whoever answered last is asked first; the others come after it in their order.
        """
        failures = []
        for server in list(self._order):
            try:
                channel = Channel(self._source, server)
            except DirectoryUnavailable as error:
                failures.append(error)
                continue
            others = () if self._stays else self._server.all
            self._order = [server, *(other for other in others if other != server)]
            return channel
        if len(failures) == 1:
            raise failures[0]
        raise DirectoryUnavailable(self._source, "; ".join(failure.reason for failure in failures))

    def connect(self) -> Channel:
        """Open a channel bound as the configured account. Raises DirectoryError."""
        channel = self.open()
        try:
            result = channel.bind_as_configured()
            if result.code != SUCCESS:
                raise _bind_refused(channel, result.code, result.text)
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
                bound_as=bound_as(self._server),
            )


class LdapReading:
    """A paged search over a connection of its own, opened at the start and closed at the end."""

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
        with closing(self._directory.connect()) as channel:
            self._search = PagedSearch(channel, self._selection)
            if not self._interrupted:
                yield from self._search.batches()

    def interrupt(self) -> None:
        """Make a blocked `batches` end soon; from another thread."""
        self._interrupted = True
        if self._search is not None:
            self._search.interrupt()


def _bind_refused(channel: Channel, code: int, text: str) -> DirectoryRefused:
    who = bound_as(channel.server)
    meaning = "wrong DN or password" if code == 49 else f"code {code}"
    detail = f" ({text})" if text else ""
    return DirectoryRefused(channel.source, f"{channel.server.url} refuses the bind as {who}: {meaning}{detail}", code)


def bound_as(server: Server) -> str:
    """Return the account that a server is read with, as people know it."""
    return f"the certificate {server.cert_file}" if server.external else server.bind_dn or "anonymous"


def _vendor(root: Entry) -> str:
    if named := _texts(root, "vendorname"):
        return named[0]
    if "OpenLDAProotDSE" in _texts(root, "objectclass"):
        return "OpenLDAP"
    return "Active Directory" if "rootdomainnamingcontext" in root.attributes else "unknown"


def _texts(entry: Entry, name: str) -> list[str]:
    return [value.decode("utf-8", "replace") for value in entry.attributes.get(name, ())]
