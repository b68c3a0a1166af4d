"""The feed of servers that write every change into a tree of its own (389 Directory Server's retro changelog)."""

from contextlib import closing
from typing import Final

from msgspec import Struct

from ldap_bridge.client.channel import Channel
from ldap_bridge.client.containers import check_containers, containers_below
from ldap_bridge.client.search import each_entry
from ldap_bridge.client.target import Target, limited
from ldap_bridge.entries import Entry, Selection
from ldap_bridge.feeds import Delta, FeedBroken, decode_position, encode_position

_FIRST, _LAST, _WHERE = "firstChangeNumber", "lastChangeNumber", "changelog"
_TARGET: Final = "targetUniqueId"


class Position(Struct, frozen=True):
    """The number of the last change, and what stands for the containers as they were."""

    number: int
    containers: str


class Changelog:
    """A Feed that names who changed; what became of them is read then."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def position(self) -> str:
        """Return the number of the last change. Raises FeedBroken when the server does not say."""
        with closing(self._target.directory.connect()) as channel:
            last = _number(_root(channel), _LAST)
            containers = containers_below(channel, self._target.bases, self._target.stable)
            return encode_position(Position(last, containers))

    def changes(self, position: str) -> Delta:
        """Return who was changed by a later number, as they are now."""
        before = decode_position(position, Position)
        with closing(self._target.directory.connect()) as channel:
            root = _root(channel)
            last = _number(root, _LAST)
            if last < before.number or _number(root, _FIRST) > before.number + 1:
                raise FeedBroken("the changelog has been cut off or begun anew")
            ids = _ids(channel, root, before.number + 1) if last > before.number else set()
            check_containers(channel, self._target.bases, self._target.stable, before.containers)
            people, groups = self._target.by_ids(channel, ids)
        return Delta(people, groups, encode_position(Position(last, before.containers)))


def _root(channel: Channel) -> Entry:
    return channel.read_one("", [_FIRST, _LAST, _WHERE]) or Entry("", {})


def _number(root: Entry, name: str) -> int:
    try:
        return int(root.attributes[name.lower()][0])
    except (KeyError, IndexError, ValueError):
        raise FeedBroken(f"the server does not tell its {name}") from None


def _ids(channel: Channel, root: Entry, first: int) -> set[str]:
    where = root.attributes[_WHERE][0].decode("utf-8", "replace")
    wanted = Selection([where], ["changeLogEntry"], filters=[f"(changeNumber>={first})"], attributes=[_TARGET])
    ids = set()
    for entry in limited(each_entry(channel, wanted)):
        named = entry.attributes.get(_TARGET.lower())
        if not named:
            raise FeedBroken(f"the changelog does not name {_TARGET}: {entry.dn!r}")
        ids.add(named[0].decode("ascii", "replace").lower())
    return ids
