"""Attributes that Active Directory sends in pieces: `member;range=0-1499` and so on until `-*`."""

import re
from typing import Final

from ldap_bridge.ber import MAX_MESSAGE
from ldap_bridge.client.channel import Channel
from ldap_bridge.entries import Entry
from ldap_bridge.errors import DirectoryGarbled

_RANGE: Final = re.compile(r"(.+);range=(\d+)-(\d+|\*)")


def is_ranged(entry: Entry) -> bool:
    """Tell whether some attribute of the entry came in a range."""
    return any(";range=" in name for name in entry.attributes)


def complete_ranges(channel: Channel, entry: Entry) -> None:
    """Fetch the missing pieces of every ranged attribute and put the whole under its plain name.

    Raises DirectoryError: a group known in part would lose its other members.
    """
    for name in [name for name in entry.attributes if ";range=" in name]:
        values = entry.attributes.pop(name)
        found = _RANGE.fullmatch(name)
        if found is None:
            raise DirectoryGarbled(channel.source, f"{entry.dn!r} has an attribute {name!r}")
        plain, last = found[1], found[3]
        begun = channel.received
        while last != "*":
            more, last = _next(channel, entry.dn, plain, int(last) + 1)
            values += more
            if channel.received - begun > MAX_MESSAGE:
                raise DirectoryGarbled(channel.source, f"{entry.dn!r} has more than {MAX_MESSAGE} octets of {plain!r}")
        entry.attributes[plain] = values


def _next(channel: Channel, dn: str, name: str, start: int) -> tuple[list[bytes], str]:
    piece = channel.read_one(dn, [f"{name};range={start}-*"])
    for key, values in piece.attributes.items() if piece else ():
        found = _RANGE.fullmatch(key)
        # A piece that brings nothing or begins elsewhere would make this loop endless or the result wrong.
        if found and found[1] == name and int(found[2]) == start and values:
            return values, found[3]
    raise DirectoryGarbled(channel.source, f"{dn!r} does not continue {name!r} at value {start}")
