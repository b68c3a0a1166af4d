"""The feed of Active Directory that a right is needed for: DirSync, which goes on from a cookie."""

from base64 import b64decode, b64encode
from contextlib import closing
from typing import Final

from msgspec import Struct

from ldap_bridge.ber import BerError, EntryMessage, ResultMessage
from ldap_bridge.client.channel import SUBTREE_SCOPE, SUCCESS, Channel
from ldap_bridge.client.containers import check_containers, containers_below
from ldap_bridge.client.requests import control
from ldap_bridge.client.search import filter_for
from ldap_bridge.client.target import Target
from ldap_bridge.entries import Selection
from ldap_bridge.errors import DirectoryGarbled
from ldap_bridge.feeds import MOST_CHANGES, Delta, FeedBroken, decode_position, encode_position
from ldap_bridge.sync_controls import DIRSYNC, dirsync_done, dirsync_request, find_control

# Octets of one answer: what the server takes as its own limit if it is lower.
_OCTETS: Final = 1 << 20
# A server that always promises more would keep us for ever.
_ROUNDS: Final = 10_000
_NOBODY: Final = "(!(objectClass=*))"


class Position(Struct, frozen=True):
    """The cookie in base64, and what stands for the containers as they were."""

    cookie: str
    containers: str


class DirSync:
    """A Feed that names who changed; what became of them is read then. The base is that of the whole domain."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def position(self) -> str:
        """Return a cookie; that nobody is asked for spares the server and us the people."""
        with closing(self._target.directory.connect()) as channel:
            _, cookie = self._ask(channel, _NOBODY, b"")
            containers = containers_below(channel, self._target.bases, self._target.stable)
        return encode_position(Position(b64encode(cookie).decode(), containers))

    def changes(self, position: str) -> Delta:
        """Return who changed since the cookie, as they are now."""
        before = decode_position(position, Position)
        classes = [name for selection in self._target.selections for name in selection.classes]
        wanted = filter_for(Selection([], list(dict.fromkeys(classes))))
        with closing(self._target.directory.connect()) as channel:
            ids, cookie = self._ask(channel, wanted, b64decode(before.cookie))
            check_containers(channel, self._target.bases, self._target.stable, before.containers)
            people, groups = self._target.by_ids(channel, ids)
        return Delta(people, groups, encode_position(Position(b64encode(cookie).decode(), before.containers)))

    def _ask(self, channel: Channel, wanted: str, cookie: bytes) -> tuple[set[str], bytes]:
        """Ask until there is no more; return the ids and the last cookie."""
        ids: set[str] = set()
        for _ in range(_ROUNDS):
            more, cookie = self._round(channel, wanted, cookie, ids)
            if not more:
                return ids, cookie
        raise FeedBroken(f"the server promises more after {_ROUNDS} answers")

    def _round(self, channel: Channel, wanted: str, cookie: bytes, ids: set[str]) -> tuple[bool, bytes]:
        asked = control(DIRSYNC, dirsync_request(0, _OCTETS, cookie), critical=True)
        for message in channel.search(self._target.bases[0], SUBTREE_SCOPE, wanted, self._attributes, [asked]):
            if isinstance(message, EntryMessage):
                ids.add(self._target.stable_of(message.entry))
                if len(ids) > MOST_CHANGES:
                    raise FeedBroken(f"more than {MOST_CHANGES} entries have changed")
            elif isinstance(message, ResultMessage):
                return _next(channel, message)
        raise DirectoryGarbled(channel.source, "the search has no end")

    @property
    def _attributes(self) -> list[str]:
        """What changes are reported of; a rename or move shows in the name, a deletion in isDeleted."""
        mapped = [name for selection in self._target.selections for name in selection.attributes]
        return list(dict.fromkeys([*mapped, self._target.stable, "name", "isDeleted"]))


def _next(channel: Channel, result: ResultMessage) -> tuple[bool, bytes]:
    if result.code != SUCCESS:
        detail = f" ({result.text})" if result.text else ""
        raise FeedBroken(f"the server refuses DirSync with code {result.code}{detail}")
    value = find_control(result.controls, DIRSYNC)
    if value is None:
        raise FeedBroken("the server answered DirSync like a common search")
    try:
        done = dirsync_done(value)
    except BerError as error:
        raise DirectoryGarbled(channel.source, f"DirSync's answer is not readable: {error}") from error
    return done.more, done.cookie
