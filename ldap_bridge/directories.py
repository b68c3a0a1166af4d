"""From a configured source to the directory behind it: a server or a file."""

from dataclasses import asdict
from typing import Any

from ldap_bridge.entries import Directory
from ldap_bridge.ldif import LdifFile
from ldap_bridge.mapping import Mapper
from ldap_bridge.settings import Source


def open_directory(source: Source) -> Directory:
    """Return what the source's entries are read from; nothing is connected or opened yet."""
    if source.server is None:
        assert source.file is not None  # noqa: S101 (the settings give each source one of the two)
        return LdifFile(source.file)
    # Only here, because ldap3 takes a quarter of a second to import, which a server without directories need not pay.
    from ldap_bridge.client import LdapDirectory

    return LdapDirectory(source.name, source.server)


def check_filters(source: Source, mapper: Mapper) -> None:
    """Refuse filters that are none, without asking the server. Raises ConfigError."""
    for kind, settings, selection in (
        ("users", source.users, mapper.people_selection),
        ("groups", source.groups, mapper.group_selection),
    ):
        if settings.filter and source.server is not None:
            from ldap_bridge.client import check_filter

            check_filter(f"ldap.{source.name}.{kind}.filter", selection)


def describe(source: Source) -> dict[str, Any]:
    """Return what the server says of itself. Blocks; raises DirectoryError."""
    if source.server is None:
        return {"vendor": "LDIF file"}
    from ldap_bridge.client import LdapDirectory

    return asdict(LdapDirectory(source.name, source.server).facts())
