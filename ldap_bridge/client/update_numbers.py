"""The feed of Active Directory that needs no rights beyond reading: uSNChanged, counted by each domain controller."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final

from msgspec import Struct

from ldap_bridge.client.channel import Channel
from ldap_bridge.client.containers import check_containers, containers_below
from ldap_bridge.client.requests import control
from ldap_bridge.client.search import each_entry
from ldap_bridge.client.target import Target, limited, narrowed
from ldap_bridge.dn import is_within, key
from ldap_bridge.entries import Selection
from ldap_bridge.errors import DirectoryRefused
from ldap_bridge.feeds import Changes, Delta, FeedBroken, decode_position, encode_position
from ldap_bridge.sync_controls import SHOW_DELETED

_ROOT: Final = ["highestCommittedUSN", "namingContexts"]


class Position(Struct, frozen=True):
    """How far the domain controller had counted, and what stands for the containers as they were."""

    number: int
    containers: str


class Root(Struct, frozen=True):
    """What the rootDSE says."""

    number: int
    contexts: list[str]


class UpdateNumbers:
    """A Feed by the count of the domain controller that answers; another one counts differently."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def position(self) -> str:
        """Return how far the controller has counted. Raises FeedBroken when it does not say."""
        with closing(self._target.directory.connect()) as channel:
            return self._position(channel, _root(channel))

    def changes(self, position: str) -> Delta:
        """Return what was counted since, deletions among it as far as the account may see them."""
        before = decode_position(position, Position)
        with closing(self._target.directory.connect()) as channel:
            root = _root(channel)
            if root.number < before.number:
                raise FeedBroken("the domain controller counts anew")
            if root.number == before.number:
                return Delta(Changes(), Changes(), position)
            found = [self._kind(channel, root, selection, before.number) for selection in self._target.selections]
            check_containers(channel, self._target.bases, self._target.stable, before.containers)
        groups = found[1] if len(found) > 1 else Changes()
        return Delta(found[0], groups, encode_position(Position(root.number, before.containers)))

    def _position(self, channel: Channel, root: Root) -> str:
        containers = containers_below(channel, self._target.bases, self._target.stable)
        return encode_position(Position(root.number, containers))

    def _kind(self, channel: Channel, root: Root, selection: Selection, number: int) -> Changes:
        """Return who changed, and who is gone: changed anywhere in the domain, but not (any more) in the selection."""
        since = f"(uSNChanged>={number + 1})"
        contexts = [_context(root, base) for base in selection.bases]
        if not all(_shows_deleted(channel, context) for context in contexts):
            entries = limited(each_entry(channel, narrowed(selection, since)))
            listed = each_entry(channel, replace(selection, attributes=[self._target.stable]))
            return Changes(entries, present={*map(self._target.stable_of, listed)})
        # A tombstone keeps its classes, but no attribute that a filter of ours may ask for.
        anywhere = Selection(list(dict.fromkeys(contexts)), selection.classes, (), [since], [self._target.stable])
        touched = {*map(self._target.stable_of, each_entry(channel, anywhere, _show_deleted()))}
        # After those: who changes between the two searches is then among the entries, and not taken for gone.
        entries = limited(each_entry(channel, narrowed(selection, since)))
        return Changes(entries, touched - {*map(self._target.stable_of, entries)})


def _root(channel: Channel) -> Root:
    entry = channel.read_one("", _ROOT)
    found = {name.lower(): [] if entry is None else entry.attributes.get(name.lower(), []) for name in _ROOT}
    try:
        number = int(found["highestcommittedusn"][0])
    except (IndexError, ValueError):
        raise FeedBroken("the server does not say how far it has counted") from None
    return Root(number, [value.decode("utf-8", "replace") for value in found["namingcontexts"]])


def _context(root: Root, base: str) -> str:
    """Return the naming context that holds a base."""
    within = [context for context in root.contexts if is_within(key(base), key(context))]
    return max(within, key=len, default=base)


def _shows_deleted(channel: Channel, context: str) -> bool:
    """Tell whether the account may see what was deleted: only a tombstone is proof.

    The container itself is shown to accounts, too, that see nothing in it.
    """
    try:
        return channel.holds_any(f"CN=Deleted Objects,{context}", "(isDeleted=TRUE)", _show_deleted())
    except DirectoryRefused:
        return False


def _show_deleted() -> Sequence[bytes]:
    return [control(SHOW_DELETED, critical=True)]
