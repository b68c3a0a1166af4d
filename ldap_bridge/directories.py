"""From a configured source to the directory behind it: a server or a file."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

from ldap_bridge.choice import Choice
from ldap_bridge.delta_scope import Hanging
from ldap_bridge.entries import Directory, Entry
from ldap_bridge.errors import DirectoryBusy
from ldap_bridge.feeds import Feed, FeedBroken, FeedName
from ldap_bridge.following import Follow
from ldap_bridge.ldif import LdifFile
from ldap_bridge.mapping import Mapper
from ldap_bridge.sections import as_list
from ldap_bridge.settings import Source

T = TypeVar("T")


def open_directory(source: Source) -> Directory:
    """Return what the source's entries are read from; nothing is connected or opened yet."""
    if source.server is None:
        assert source.file is not None  # noqa: S101 (the settings give each source one of the two)
        return LdifFile(source.file)
    # Only here, because ldap3 takes a quarter of a second to import, which a server without directories need not pay.
    from ldap_bridge.client import LdapDirectory

    return LdapDirectory(source.name, source.server)


def open_followed(source: Source, mapper: Mapper) -> tuple[Directory, Follow]:
    """Return what the source's entries are read from, and what its changes are learnt from: one and the same server.

    Nothing is connected yet. Raises ConfigError for a filter that is none.
    """
    if source.server is None:
        return open_directory(source), NotFollowed()
    check_filters(source)
    from ldap_bridge.client import LdapDirectory, ServerFollow

    directory = LdapDirectory(source.name, source.server, stays=True)
    return directory, ServerFollow(source, directory, mapper)


class NotFollowed:
    """Follow for a file, which is read whole."""

    def choose(self) -> list[Choice]:
        """Choose the full compare."""
        return [Choice(FeedName.FULL, "a file is read whole")]

    def feed(self, name: FeedName) -> Feed:
        """Refuse: there is none."""
        raise FeedBroken(f"a file has no {name}")

    def find_groups(self, hanging: Hanging) -> list[Entry]:
        """Refuse as `feed` does."""
        raise FeedBroken("a file is read whole")

    def next_server(self, busy: DirectoryBusy) -> None:
        """Refuse: there is no server."""
        raise busy

    def entries(self, kind: str, stables: Sequence[str]) -> list[Entry]:
        """Refuse as `feed` does."""
        raise FeedBroken("a file is read whole")


class Several(Protocol):
    """Whatever may go on with another server."""

    def next_server(self, busy: DirectoryBusy) -> None:
        """Go on with the next server. Raises DirectoryError if there is none."""
        ...


def at_any_server(servers: Several, look: Callable[[], T]) -> T:
    """Return what is seen at the first server that is not busy. Raises what the look raises."""
    while True:
        try:
            return look()
        except DirectoryBusy as busy:
            servers.next_server(busy)


def check_filters(source: Source) -> None:
    """Refuse filters that are none, without asking the server. Raises ConfigError."""
    for kind, settings in (("users", source.users), ("groups", source.groups)):
        if settings.filter and source.server is not None:
            from ldap_bridge.client import check_filter

            for text in as_list(settings.filter):
                check_filter(f"ldap.{source.name}.{kind}.filter", text)


def describe(source: Source) -> dict[str, Any]:
    """Return what the server says of itself. Blocks; raises DirectoryError."""
    if source.server is None:
        return {"vendor": "LDIF file"}
    from ldap_bridge.client import LdapDirectory

    directory = LdapDirectory(source.name, source.server)
    said = asdict(at_any_server(directory, directory.facts))
    return {name: value for name, value in said.items() if name != "out_of_use" or value}
