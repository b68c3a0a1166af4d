"""Positions are good on the server that they come from: another one may not have the changes before them yet."""

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from ldap_bridge.feeds import Delta, Feed, FeedBroken, decode_position, encode_position

if TYPE_CHECKING:
    from ldap_bridge.client.directory import LdapDirectory

# Behind one address there may be several domain controllers, which this tells apart.
_NAME: Final = "dsServiceName"


class Position(Struct, frozen=True):
    """A feed's position, and the server that it comes from."""

    server: str
    inner: str


class Bound:
    """A Feed that goes on from no position of another server. The directory is one that stays with its server."""

    def __init__(self, feed: Feed, directory: "LdapDirectory") -> None:
        self._feed = feed
        self._directory = directory

    def position(self) -> str:
        """Return the feed's position with the server's name. Raises FeedBroken as the feed does."""
        return encode_position(Position(self._server(), self._feed.position()))

    def changes(self, position: str) -> Delta:
        """Return what has changed on the same server. Raises FeedBroken when another one answers."""
        before = decode_position(position, Position)
        server = self._server()
        if server != before.server:
            raise FeedBroken(f"another server answers: {server}; until now it was {before.server}")
        delta = self._feed.changes(before.inner)
        return replace(delta, position=encode_position(Position(server, delta.position)))

    def _server(self) -> str:
        with closing(self._directory.connect()) as channel:
            root = channel.read_one("", [_NAME])
            named = root.attributes.get(_NAME.lower(), []) if root else []
            return " ".join([channel.server.url, *(value.decode("utf-8", "replace") for value in named)])
