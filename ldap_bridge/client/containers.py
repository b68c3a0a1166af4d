"""Entries that hold others: when one is renamed or moved, what stands below moves with it, and no feed mentions it."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from ldap_bridge.client.channel import Channel
from ldap_bridge.client.search import read_selection
from ldap_bridge.entries import Selection
from ldap_bridge.feeds import FeedBroken

# RFC 4519 and RFC 2247; builtinDomain and container are Active Directory's, nsContainer is 389 Directory Server's.
_CLASSES: Final = (
    *("organizationalUnit", "organization", "dcObject", "domain", "country", "locality"),
    *("container", "nsContainer", "builtinDomain"),
)


def containers_below(channel: Channel, bases: Sequence[str], stable: str) -> str:
    """Return what stands for the names of all containers; `stable` is the attribute that tells them apart."""
    entries = read_selection(channel, Selection(bases, _CLASSES, attributes=[stable]))
    names = sorted(f"{entry.dn.lower()} {entry.attributes.get(stable.lower())}" for entry in entries)
    return blake2b("\n".join(names).encode(), digest_size=12).hexdigest()


def check_containers(channel: Channel, bases: Sequence[str], stable: str, before: str) -> None:
    """Raise FeedBroken when a container was renamed or moved, came or went."""
    if containers_below(channel, bases, stable) != before:
        raise FeedBroken("a container was renamed, came or went, and entries may have moved with it")
