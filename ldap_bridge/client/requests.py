"""The requests we make (RFC 4511), put together by hand: ldap3 reads filters, and takes a millisecond over the rest."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ldap3 import DEREF_NEVER
from ldap3.core.exceptions import LDAPExceptionError
from ldap3.operation.search import search_operation
from ldap3.utils.asn1 import encode

from idp.errors import ConfigError
from ldap_bridge.ber import BOOLEAN, CONTROLS, ENUMERATED, OCTETS, PAGED_RESULTS, SEQUENCE
from ldap_bridge.ber_writer import element, number

_BIND, _UNBIND, _SEARCH, _EXTENDED = 0x60, 0x42, 0x63, 0x77
_SIMPLE, _SASL, _AND, _EQUALS, _REQUEST_NAME = 0x80, 0xA3, 0xA0, 0xA3, 0x80
_VERSION: Final = number(3)
_NEVER_DEREFERENCE: Final = number(0, ENUMERATED)
_FALSE, _TRUE = element(BOOLEAN, b"\x00"), element(BOOLEAN, b"\xff")
_SUBTREE: Final = 2
NO_ATTRIBUTES: Final = ("1.1",)
# What one person's search may find: more than one is as good as none.
_FEW: Final = 2
_STARTTLS: Final = b"1.3.6.1.4.1.1466.20037"


def message(message_id: int, operation: bytes, controls: Sequence[bytes] = ()) -> bytes:
    """Return an LDAPMessage."""
    added = element(CONTROLS, b"".join(controls)) if controls else b""
    return element(SEQUENCE, number(message_id) + operation + added)


def control(name: str, value: bytes | None = None, *, critical: bool = False) -> bytes:
    """Return a request control (RFC 4511 section 4.1.11)."""
    said = element(OCTETS, name.encode()) + (_TRUE if critical else b"")
    return element(SEQUENCE, said if value is None else said + element(OCTETS, value))


def paged(size: int, cookie: bytes) -> bytes:
    """Return the control that asks for the next page (RFC 2696)."""
    return control(PAGED_RESULTS, element(SEQUENCE, number(size) + element(OCTETS, cookie)))


def simple_bind(dn: str, password: str) -> bytes:
    """Return a simple bind; the password as its octets, since SASLprep can leave nothing of it."""
    return element(_BIND, _VERSION + element(OCTETS, dn.encode()) + element(_SIMPLE, password.encode()))


def external_bind() -> bytes:
    """Return a bind by what the line itself has shown (RFC 4422 appendix A)."""
    # Credentials that are empty, but there: without any, the server would ask for them first.
    said = element(OCTETS, b"EXTERNAL") + element(OCTETS, b"")
    return element(_BIND, _VERSION + element(OCTETS, b"") + element(_SASL, said))


def unbind() -> bytes:
    """Return the goodbye (RFC 4511 section 4.3)."""
    return element(_UNBIND, b"")


def starttls() -> bytes:
    """Return the request to go on encrypted (RFC 4511 section 4.14)."""
    return element(_EXTENDED, element(_REQUEST_NAME, _STARTTLS))


def search(key: str, base: str, scope: int, filter_text: str, attributes: Sequence[str], most: int = 0) -> bytes:
    """Return a search for so many entries at `most`, 0 for all. Raises ConfigError, under the key, for no filter."""
    return _search(base, scope, most, filter_octets(key, filter_text), attributes)


def search_by_value(key: str, base: str, filter_text: str, attribute: str, value: bytes) -> bytes:
    """Return a search for what matches a filter and has a value, without any attributes; else as `search`."""
    wanted = element(_EQUALS, element(OCTETS, attribute.encode()) + element(OCTETS, value))
    both = element(_AND, filter_octets(key, filter_text) + wanted)
    return _search(base, _SUBTREE, _FEW, both, NO_ATTRIBUTES)


def _search(base: str, scope: int, most: int, wanted: bytes, attributes: Sequence[str]) -> bytes:
    where = element(OCTETS, base.encode()) + number(scope, ENUMERATED) + _NEVER_DEREFERENCE
    names = element(SEQUENCE, b"".join(element(OCTETS, name.encode()) for name in attributes))
    return element(_SEARCH, where + number(most) + number(0) + _FALSE + wanted + names)


@lru_cache(maxsize=64)
def filter_octets(key: str, text: str) -> bytes:
    """Return a filter (RFC 4515) as it is sent. Raises ConfigError, under the key given, for one that is none."""
    try:
        request = search_operation(
            "", text, "SUBTREE", DEREF_NEVER, [], 0, 0, types_only=False, auto_escape=False, auto_encode=True
        )
        return bytes(encode(request["filter"]))
    except (LDAPExceptionError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(key, f"{text!r} is no LDAP filter: {error}") from error
