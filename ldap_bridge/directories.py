"""From a configured source to the directory behind it: a server or a file."""

from dataclasses import asdict
from typing import Any

from ldap_bridge.entries import Directory
from ldap_bridge.ldif import LdifFile
from ldap_bridge.settings import Source


def open_directory(source: Source) -> Directory:
    """Return what the source's entries are read from; nothing is connected or opened yet."""
    if source.server is None:
        assert source.file is not None  # noqa: S101 (the settings give each source one of the two)
        return LdifFile(source.file)
    # Only here, because ldap3 takes a quarter of a second to import, which a server without directories need not pay.
    from ldap_bridge.client import LdapDirectory

    return LdapDirectory(source.name, source.server)


def describe(source: Source) -> dict[str, Any]:
    """Return what the server says of itself. Blocks; raises DirectoryError."""
    if source.server is None:
        return {"vendor": "LDIF file"}
    from ldap_bridge.client import LdapDirectory

    return asdict(LdapDirectory(source.name, source.server).facts())
