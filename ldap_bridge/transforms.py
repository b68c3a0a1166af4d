"""How the octets of an LDAP attribute become values: one small pure function for each named transform."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

Value = str | bool
Transform = Callable[[Sequence[bytes]], list[Value]]


_TIME: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?(?:[.,]\d+)?(?:Z|([+-])(\d\d)(\d\d)?)")


class Unreadable(ValueError):
    """A value is not of the form its transform asks for; the message says what it should be."""


def text(values: Sequence[bytes]) -> list[Value]:
    """UTF-8 text without the blanks around it, which LDAP does not count; empty values are dropped."""
    # A list of str is one of Value; copying it for the type checker would cost a tenth of the mapping.
    return _texts(values)  # type: ignore[return-value]  # see above


def lower(values: Sequence[bytes]) -> list[Value]:
    """Text in lower case."""
    return [value.lower() for value in _texts(values)]


def guid(values: Sequence[bytes]) -> list[Value]:
    """Active Directory's objectGUID ([MS-DTYP] 2.3.4.2: little-endian) as UUID text; text is taken as it is."""
    return [guid_text(value) for value in values]


def ad_enabled(values: Sequence[bytes]) -> list[Value]:
    """Whether userAccountControl lacks the bit ACCOUNTDISABLE ([MS-ADTS] 2.2.16)."""
    try:
        return [not int(value) & 0x2 for value in values]
    except ValueError:
        raise Unreadable("not a number") from None


TRANSFORMS: Final[Mapping[str, Transform]] = {"": text, "lower": lower, "guid": guid, "ad-enabled": ad_enabled}
# `join` takes a separator as well, so its rule makes it.
JOIN: Final = "join"
# What yields booleans, and so may stand behind a boolean attribute only.
BOOLEAN: Final = frozenset({"ad-enabled"})


def join(separator: str) -> Transform:
    """Return a transform that makes one text of all values."""

    def joined(values: Sequence[bytes]) -> list[Value]:
        whole = separator.join(_texts(values))
        return [whole] if whole else []

    return joined


def guid_text(value: bytes) -> str:
    """Return a GUID, binary or text, as canonical UUID text."""
    try:
        return str(UUID(bytes_le=value) if len(value) == 16 else UUID(value.decode("ascii").strip("{} ")))
    except (ValueError, UnicodeDecodeError):
        raise Unreadable("not a GUID") from None


def moment_of(value: bytes) -> datetime:
    """Read a GeneralizedTime (RFC 4517 section 3.3.13). Raises Unreadable."""
    found = _TIME.fullmatch(value.decode("ascii", "replace").strip())
    if found is None:
        raise Unreadable("not a time as LDAP writes it: 20260131235959Z")
    *parts, sign, hours, minutes = found.groups()
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts)
        # RFC 4517 has leap seconds, Python has not.
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        return moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError):
        raise Unreadable("not a moment of any calendar") from None


def _texts(values: Sequence[bytes]) -> list[str]:
    try:
        if len(values) == 1:  # nearly always; a full read spends its time here
            only = values[0].decode().strip()
            return [only] if only else []
        return [stripped for value in values if (stripped := value.decode().strip())]
    except UnicodeDecodeError:
        raise Unreadable("not UTF-8") from None
