"""Distinguished names compared by meaning (RFC 4514 strings, RFC 4518 matching), whatever way they are spelled."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

# RFC 4514 section 3: descriptors whose dotted form may stand in their place.
_NAMES: Final = {
    "2.5.4.3": "cn",
    "2.5.4.7": "l",
    "2.5.4.8": "st",
    "2.5.4.10": "o",
    "2.5.4.11": "ou",
    "2.5.4.6": "c",
    "2.5.4.9": "street",
    "0.9.2342.19200300.100.1.25": "dc",
    "0.9.2342.19200300.100.1.1": "uid",
}
_TYPE: Final = re.compile(r"\s*(?:oid\.)?([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)\s*=\s*", re.IGNORECASE | re.ASCII)
_ESCAPE: Final = re.compile(r"(?:\\[0-9A-Fa-f]{2})+|\\(.)", re.DOTALL)
_HEX: Final = re.compile(r"#((?:[0-9A-Fa-f]{2})+)\s*(?=[,;+]|\Z)")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?=[,;+]|\Z)', re.DOTALL)
_PLAIN: Final = re.compile(r"(?:[^,;+\\]|\\.)*", re.DOTALL)
_WORD: Final = r"[^\s\\\"+,;=#<>]+"
# What nearly every DN looks like; its key is the DN in lower case.
_USUAL: Final = re.compile(
    rf"[A-Za-z][A-Za-z0-9-]*={_WORD}(?: {_WORD})*(?:,[A-Za-z][A-Za-z0-9-]*={_WORD}(?: {_WORD})*)*"
)
_SPECIAL: Final = re.compile(r"([\\,+=])")


class DnError(ValueError):
    """The text is no distinguished name."""


def key(dn: str) -> str:
    """Return a text that is equal for two DNs exactly when they name the same entry. Raises DnError.

    Attribute types and values are compared without case, blanks that do not matter are dropped, escapes of every
    kind are undone, and the order within a multi-valued RDN plays no part. The empty DN has the empty key.
    """
    if dn.isascii() and _USUAL.fullmatch(dn):
        lowered = dn.lower()
        # A name that is its own key is in memory once, which matters to hundreds of thousands.
        return dn if lowered == dn else lowered
    return ",".join(
        "+".join(sorted(f"{name}={_SPECIAL.sub(_escape, value)}" for name, value in rdn)) for rdn in parse(dn)
    )


def key_or_text(text: str) -> str:
    """Return the key of a DN, and what is none as it is."""
    try:
        return key(text)
    except DnError:
        return text


def parent(dn_key: str) -> str:
    """Return the key of the entry above; the parent of a suffix is the empty key."""
    _, _, rest = _split(dn_key)
    return rest


def is_within(dn_key: str, base_key: str) -> bool:
    """Tell whether an entry is the base or stands below it, both given as keys."""
    return not base_key or dn_key == base_key or dn_key.endswith("," + base_key)


def outermost(dns: Sequence[str]) -> list[str]:
    """Return those of the DNs that do not lie within another of them, each once. Raises DnError."""
    keys = {key(dn): dn for dn in dns}
    return [dn for own, dn in keys.items() if not any(is_within(own, other) for other in keys if other != own)]


def _split(dn_key: str) -> tuple[str, str, str]:
    position = 0
    while (position := dn_key.find(",", position)) > 0:
        escapes = len(dn_key[:position]) - len(dn_key[:position].rstrip("\\"))
        if escapes % 2 == 0:
            return dn_key[:position], ",", dn_key[position + 1 :]
        position += 1
    return dn_key, "", ""


def parse(dn: str) -> list[list[tuple[str, str]]]:
    """Return the RDNs from the entry upwards, each a list of (type, value) in compared form. Raises DnError."""
    rdns: list[list[tuple[str, str]]] = []
    if not dn.strip():
        return rdns
    position, separator = 0, ","
    while separator:
        if separator in ",;":
            rdns.append([])
        found = _TYPE.match(dn, position)
        if found is None:
            raise DnError(f"no attribute type at character {position + 1} of {dn!r}")
        value, position = _value(dn, found.end())
        rdns[-1].append((_type(found[1].lower()), value))
        separator = dn[position : position + 1]
        if separator not in ("", ",", ";", "+"):
            raise DnError(f"unexpected {separator!r} at character {position + 1} of {dn!r}")
        position += 1
    return rdns


@lru_cache(maxsize=256)
def _type(name: str) -> str:
    return _NAMES.get(name, name)


def _value(dn: str, position: int) -> tuple[str, int]:
    """Read the value at `position` in whichever of its three forms; return it as compared, and where it ends."""
    if found := _HEX.match(dn, position):
        return _prepare(_from_ber(bytes.fromhex(found[1]))), found.end()
    if found := _QUOTED.match(dn, position):
        return _prepare(_unescape(found[1])), found.end()
    found = _PLAIN.match(dn, position)
    if found is None:  # pragma: no cover (the pattern matches the empty text)
        raise DnError(f"no value at character {position + 1} of {dn!r}")
    return _prepare(_unescape(found[0])), found.end()


def _from_ber(octets: bytes) -> str:
    """Return the text of a `#`-value: a BER string of which only the content is compared."""
    content = octets[2:] if len(octets) >= 2 and octets[1] == len(octets) - 2 else octets
    return content.decode("utf-8", "backslashreplace")


def _unescape(text: str) -> str:
    def undo(found: re.Match[str]) -> str:
        return found[1] or bytes.fromhex(found[0].replace("\\", "")).decode("utf-8", "backslashreplace")

    if text.endswith("\\") and not text.endswith("\\\\"):
        raise DnError(f"{text!r} ends within an escape")
    return _ESCAPE.sub(undo, text)


def _prepare(value: str) -> str:
    """Bring a value into the form in which caseIgnoreMatch compares (RFC 4518: NFKC, case folded, single blanks)."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def _escape(found: re.Match[str]) -> str:
    return "\\" + found[0]
