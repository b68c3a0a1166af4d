"""The requests of logins (RFC 4511), put together by hand: ldap3 takes a millisecond over each."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from ldap3 import DEREF_NEVER
from ldap3.core.exceptions import LDAPExceptionError
from ldap3.operation.search import search_operation
from ldap3.utils.asn1 import encode

from idp.errors import ConfigError
from ldap_bridge.ber import BOOLEAN, CONTROLS, ENUMERATED, OCTETS, SEQUENCE
from ldap_bridge.ber_writer import element, number

_BIND, _SEARCH, _SIMPLE, _SASL, _AND, _EQUALS = 0x60, 0x63, 0x80, 0xA3, 0xA0, 0xA3
_VERSION: Final = number(3)
_SUBTREE, _NEVER_DEREFERENCE = number(2, ENUMERATED), number(0, ENUMERATED)
_NO_ATTRIBUTES: Final = element(SEQUENCE, element(OCTETS, b"1.1"))
# What one person's search may find: more than one is as good as none.
_FEW: Final = number(2)


def message(message_id: int, operation: bytes, controls: Sequence[str] = ()) -> bytes:
    """Return an LDAPMessage; controls are named, have no value and are not critical."""
    named = b"".join(element(SEQUENCE, element(OCTETS, name.encode())) for name in controls)
    return element(SEQUENCE, number(message_id) + operation + (element(CONTROLS, named) if named else b""))


def simple_bind(dn: str, password: str) -> bytes:
    """Return a simple bind; the password as its octets, since SASLprep can leave nothing of it."""
    return element(_BIND, _VERSION + element(OCTETS, dn.encode()) + element(_SIMPLE, password.encode()))


def external_bind() -> bytes:
    """Return a bind by what the line itself has shown (RFC 4422 appendix A)."""
    # Credentials that are empty, but there: without any, the server would ask for them first.
    said = element(OCTETS, b"EXTERNAL") + element(OCTETS, b"")
    return element(_BIND, _VERSION + element(OCTETS, b"") + element(_SASL, said))


def search_by_value(key: str, base: str, filter_text: str, attribute: str, value: bytes) -> bytes:
    """Return a search for what matches a filter and has a value, without any attributes; else as `search_request`."""
    wanted = element(_EQUALS, element(OCTETS, attribute.encode()) + element(OCTETS, value))
    limits = _FEW + number(0)
    both = element(_AND, _encoded(key, filter_text) + wanted)
    fixed = _SUBTREE + _NEVER_DEREFERENCE + limits + element(BOOLEAN, b"\x00")
    return element(_SEARCH, element(OCTETS, base.encode()) + fixed + both + _NO_ATTRIBUTES)


def search_request(key: str, base: str, scope: int, filter_text: str, attributes: list[str]) -> Any:
    """Return a search as it is sent. Raises ConfigError, under the key given, for a filter that is none."""
    try:
        return search_operation(
            base,
            filter_text,
            ("BASE", "LEVEL", "SUBTREE")[scope],
            DEREF_NEVER,
            attributes,
            size_limit=0,
            time_limit=0,
            types_only=False,
            auto_escape=False,
            auto_encode=True,
        )
    except (LDAPExceptionError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(key, f"is no LDAP filter: {error}") from error


@lru_cache(maxsize=64)
def _encoded(key: str, filter_text: str) -> bytes:
    return bytes(encode(search_request(key, "", 2, filter_text, [])["filter"]))
