"""How the octets of an LDAP attribute become values: one small pure function for each named transform."""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from idp.clock import to_text

Value = str | bool
Transform = Callable[[Sequence[bytes]], list[Value]]


_TIME: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?(?:[.,]\d+)?(?:Z|([+-])(\d\d)(\d\d)?)")


_DAY: Final = re.compile(rb"\d{4}(-?)\d\d\1\d\d")
# [MS-ADTS] 2.3.9 and 3.1.1.5.3: neither of these is a moment.
_NEVER: Final = (0, 0x7FFF_FFFF_FFFF_FFFF)
_EPOCH_1601: Final = datetime(1601, 1, 1, tzinfo=UTC)
# How files of these kinds begin.
_PICTURES: Final = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/gif": b"GIF8"}


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


def first(values: Sequence[bytes]) -> list[Value]:
    """The first value alone, where the attribute would take several."""
    return [*_texts(values)[:1]]


def boolean(values: Sequence[bytes]) -> list[Value]:
    """Yes or no, as LDAP (RFC 4517 section 3.3.3) and people write it."""
    try:
        return [_BOOLEANS[value.lower()] for value in _texts(values)]
    except KeyError:
        raise Unreadable(f"none of {', '.join(_BOOLEANS)}") from None


def date(values: Sequence[bytes]) -> list[Value]:
    """A time as RFC 7643 writes it: from GeneralizedTime, from Active Directory's count, or from a plain date."""
    return [to_text(moment) for value in values if (moment := _any_moment(value)) is not None]


def addresses(values: Sequence[bytes]) -> list[Value]:
    """Mail addresses in lower case, also out of proxyAddresses: the one behind SMTP: first, other kinds left out."""
    found: dict[Value, None] = {}
    for value in sorted(_texts(values), key=lambda value: not value.startswith("SMTP:")):
        kind, _, address = value.rpartition(":")
        if kind.lower() in ("", "smtp") and address:
            found[address.lower()] = None
    return [*found]


_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "1", "on"), True),
    **dict.fromkeys(("false", "no", "0", "off"), False),
}
TRANSFORMS: Final[Mapping[str, Transform]] = {
    "": text,
    "lower": lower,
    "first": first,
    "addresses": addresses,
    "date": date,
    "guid": guid,
    "boolean": boolean,
    "ad-enabled": ad_enabled,
}
# What yields booleans, and so may stand behind a boolean attribute only.
BOOLEAN: Final = frozenset({"boolean", "ad-enabled"})


def join(separator: str) -> Transform:
    """Return a transform that makes one text of all values."""

    def joined(values: Sequence[bytes]) -> list[Value]:
        whole = separator.join(_texts(values))
        return [whole] if whole else []

    return joined


def extract(pattern: re.Pattern[str]) -> Transform:
    """Return a transform that takes of each value what the first group matches, or all that matches without one."""
    group = 1 if pattern.groups else 0

    def extracted(values: Sequence[bytes]) -> list[Value]:
        found = (pattern.search(value) for value in _texts(values))
        return [part for match in found if match and (part := (match[group] or "").strip())]

    return extracted


def photo(most: int) -> Transform:
    """Return a transform of pictures into `data:` URLs (RFC 2397); what is none, or has more octets, is left out."""

    def pictured(values: Sequence[bytes]) -> list[Value]:
        kinds = ((kind, value) for value in values if len(value) <= most for kind in _picture(value))
        return [f"data:{kind};base64,{b64encode(value).decode()}" for kind, value in kinds]

    return pictured


def _picture(value: bytes) -> list[str]:
    return [kind for kind, mark in _PICTURES.items() if value.startswith(mark)]


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


def filetime(value: bytes) -> datetime | None:
    """Read Active Directory's count of 100 nanoseconds since 1601; None stands for never. Raises Unreadable."""
    try:
        number = int(value)
        return None if number in _NEVER else _EPOCH_1601 + timedelta(microseconds=number // 10)
    except ValueError:
        raise Unreadable("not a number") from None
    except OverflowError:
        raise Unreadable("not a moment of any calendar") from None


def _any_moment(value: bytes) -> datetime | None:
    digits = value.strip()
    if _DAY.fullmatch(digits):
        return moment_of(digits.replace(b"-", b"") + b"000000Z")
    return filetime(digits) if digits.isdigit() else moment_of(digits)


def _texts(values: Sequence[bytes]) -> list[str]:
    try:
        if len(values) == 1:  # nearly always; a full read spends its time here
            only = values[0].decode().strip()
            return [only] if only else []
        return [stripped for value in values if (stripped := value.decode().strip())]
    except UnicodeDecodeError:
        raise Unreadable("not UTF-8") from None
