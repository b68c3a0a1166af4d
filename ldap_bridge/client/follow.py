"""A server as something to follow: what it offers, its feeds, and single entries asked for again."""

from collections.abc import Callable, Sequence
from typing import Final

from ldap_bridge.choice import Choice, choose
from ldap_bridge.client.bound import Bound
from ldap_bridge.client.changelog import Changelog
from ldap_bridge.client.content_sync import ContentSync
from ldap_bridge.client.directory import LdapDirectory
from ldap_bridge.client.dirsync import DirSync
from ldap_bridge.client.search import escape_filter_value, id_filter
from ldap_bridge.client.target import Target
from ldap_bridge.client.timestamps import Timestamps
from ldap_bridge.client.update_numbers import UpdateNumbers
from ldap_bridge.delta_scope import Hanging
from ldap_bridge.dn import DnError
from ldap_bridge.entries import Entry
from ldap_bridge.errors import DirectoryBusy
from ldap_bridge.feeds import Feed, FeedBroken, FeedName
from ldap_bridge.mapping import MEMBER_UID, Mapper
from ldap_bridge.plan import USER
from ldap_bridge.rules import BadValue
from ldap_bridge.settings import Source

_FEEDS: Final[dict[FeedName, Callable[[Target], Feed]]] = {
    FeedName.SYNC: ContentSync,
    FeedName.DIRSYNC: DirSync,
    FeedName.USN: UpdateNumbers,
    FeedName.CHANGELOG: Changelog,
    FeedName.TIMESTAMP: Timestamps,
}


class ServerFollow:
    """Follow for a directory server."""

    def __init__(self, source: Source, directory: LdapDirectory, mapper: Mapper) -> None:
        """Follow over a directory that stays with its server."""
        self._source = source
        self._mapper = mapper
        self._directory = directory
        groups = mapper.group_selection if source.groups.enabled else None
        stable = mapper.stable_attribute
        self._target = Target(self._directory, mapper.people_selection, groups, stable, _readable(mapper.stable_id))

    def choose(self) -> list[Choice]:
        """Read the rootDSE and choose. Raises DirectoryError."""
        return choose(self._directory.abilities(), self._source)

    def feed(self, name: FeedName) -> Feed:
        """Return one of the feeds."""
        return Bound(_FEEDS[name](self._target), self._directory)

    def find_groups(self, hanging: Hanging) -> list[Entry]:
        """Ask for the groups that hang on changes. Raises DirectoryError, FeedBroken."""
        mapper = self._mapper
        terms = [id_filter(mapper.stable_attribute, [stable]) for stable in sorted(hanging.stables)]
        for name in mapper.members:
            values = hanging.logins if name == MEMBER_UID else hanging.dns
            terms += [f"({name}={escape_filter_value(value)})" for value in sorted(values)]
        return self._target.matching(mapper.group_selection, terms)

    def next_server(self, busy: DirectoryBusy) -> None:
        """Go on with the next server. Raises DirectoryError if there is none."""
        self._directory.next_server(busy)

    def entries(self, kind: str, stables: Sequence[str]) -> list[Entry]:
        """Ask for entries by their stable ids. Raises DirectoryError, FeedBroken."""
        selection = self._mapper.people_selection if kind == USER else self._mapper.group_selection
        terms = [id_filter(self._mapper.stable_attribute, [stable]) for stable in stables]
        return self._target.matching(selection, terms)


def _readable(stable_of: Callable[[Entry], str]) -> Callable[[Entry], str]:
    """Return the reader of stable ids with which a feed ends at an entry without one: a full compare tells of it."""

    def read(entry: Entry) -> str:
        try:
            return stable_of(entry)
        except (BadValue, DnError) as error:
            raise FeedBroken(f"{entry.dn}: {error}") from error

    return read
