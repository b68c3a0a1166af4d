"""Passwords of people from an LDIF file, checked against the file's own userPassword values."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from idp.auth import Verdict
from ldap_bridge.dn import DnError
from ldap_bridge.entries import Entry
from ldap_bridge.errors import DirectoryUnavailable, LdifError
from ldap_bridge.ldif import LdifFile
from ldap_bridge.links import Link
from ldap_bridge.mapping import Mapper
from ldap_bridge.rules import BadValue
from ldap_bridge.settings import Source

_SCHEME: Final = re.compile(rb"\{([A-Za-z0-9-]+)\}(.*)", re.DOTALL)
_ATTRIBUTE: Final = "userPassword"
# RFC 3112 and its successors: base64 of digest and salt.
_SALTED: Final[Mapping[str, Callable[[bytes], Any]]] = {
    "SSHA": hashlib.sha1,
    "SSHA256": hashlib.sha256,
    "SSHA512": hashlib.sha512,
}
_argon2: Final = PasswordHasher()


class FileProver:
    """Knows the passwords of a file, and reads it again when it has changed."""

    def __init__(self, source: Source) -> None:
        assert source.file is not None  # noqa: S101 (servers have a prover of their own)
        self._name = source.name
        self._file = LdifFile(source.file)
        self._mapper = Mapper(source)
        self._read_at: tuple[int, int] | None = None
        self._passwords: dict[str, list[bytes]] = {}

    def prove(self, link: Link, password: str) -> Verdict:
        """Compare with each value the entry has. Raises DirectoryUnavailable when the file cannot be read."""
        try:
            self._refresh()
        except LdifError as error:
            raise DirectoryUnavailable(self._name, str(error)) from error
        right = any(matches(stored, password) for stored in self._passwords.get(link.stable, ()))
        return Verdict.RIGHT if right else Verdict.WRONG

    def find(self, login: str) -> list[Entry]:
        """Find nobody: a file is synchronised, not asked."""
        return []

    def close(self) -> None:
        """Forget the passwords."""
        self._passwords.clear()
        self._read_at = None

    def _refresh(self) -> None:
        stamp = self._file.stamp()
        if stamp == self._read_at:
            return
        chosen = self._mapper.people_selection
        reading = self._file.read(replace(chosen, attributes=(*chosen.attributes, _ATTRIBUTE)))
        found: dict[str, list[bytes]] = {}
        with closing(reading.batches()) as batches:
            for batch in batches:
                for entry in batch:
                    values = entry.attributes.get(_ATTRIBUTE.lower())
                    with suppress(BadValue, DnError):  # the runs tell about entries that cannot be told apart
                        found[self._mapper.stable_id(entry)] = values or []
        self._passwords, self._read_at = found, stamp


def matches(stored: bytes, password: str) -> bool:
    """Tell whether a userPassword value is this password: plain text, or hashed under a scheme in braces."""
    found = _SCHEME.match(stored)
    if found is None:
        return hmac.compare_digest(stored, password.encode())
    scheme, rest = found[1].decode("ascii").upper(), found[2]
    if scheme == "ARGON2":
        return _is_argon2(rest, password)
    digest = _SALTED.get(scheme)
    return digest is not None and _is_salted(digest, rest, password)


def _is_salted(digest: Callable[[bytes], Any], encoded: bytes, password: str) -> bool:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    size = digest(b"").digest_size
    return len(raw) > size and hmac.compare_digest(raw[:size], digest(password.encode() + raw[size:]).digest())


def _is_argon2(encoded: bytes, password: str) -> bool:
    try:
        return _argon2.verify(encoded, password)
    except (Argon2Error, InvalidHashError):
        return False
