"""The feed that every server has: entries whose modifyTimestamp is new, and the ids of all that are there."""

import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final

from msgspec import Struct

from ldap_bridge.client.channel import Channel
from ldap_bridge.client.containers import check_containers, containers_below
from ldap_bridge.client.search import each_entry
from ldap_bridge.client.target import Target, limited, narrowed
from ldap_bridge.entries import Entry, Selection
from ldap_bridge.feeds import Changes, Delta, FeedBroken, decode_position, encode_position

_ATTRIBUTE: Final = "modifyTimestamp"
# GeneralizedTime as servers write it (RFC 4517 section 3.3.13); a fraction says nothing here.
_TIME: Final = re.compile(r"(\d{14})(?:[.,]\d+)?Z")
# What other servers replicate late has old times; to read a few minutes twice costs next to nothing.
_MARGIN: Final = timedelta(minutes=10)


class Position(Struct, frozen=True):
    """The newest modifyTimestamp seen, and what stands for the containers as they were."""

    newest: str
    containers: str


class Timestamps:
    """A Feed by the server's own clock."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def position(self) -> str:
        """Return the time of the newest entry. Raises FeedBroken when entries have no times."""
        with closing(self._target.directory.connect()) as channel:
            newest = ""
            for selection in self._target.selections:
                newest = _newest(each_entry(channel, replace(selection, attributes=[_ATTRIBUTE])), newest)
            if not newest:
                raise FeedBroken(f"the entries show no {_ATTRIBUTE}")
            return encode_position(Position(newest, containers_below(channel, self._target.bases, self._target.stable)))

    def changes(self, position: str) -> Delta:
        """Return what was changed since that time, some minutes before it included, and who is there."""
        before = decode_position(position, Position)
        with closing(self._target.directory.connect()) as channel:
            found = [self._kind(channel, selection, before) for selection in self._target.selections]
            check_containers(channel, self._target.bases, self._target.stable, before.containers)
        newest = before.newest
        for changes in found:
            newest = _newest(changes.entries, newest)
        groups = found[1] if len(found) > 1 else Changes()
        return Delta(found[0], groups, encode_position(Position(newest, before.containers)))

    def _kind(self, channel: Channel, selection: Selection, before: Position) -> Changes:
        since = _text(_moment(before.newest) - _MARGIN)
        wanted = narrowed(selection, f"({_ATTRIBUTE}>={since})")
        entries = limited(each_entry(channel, replace(wanted, attributes=[*selection.attributes, _ATTRIBUTE])))
        listed = each_entry(channel, replace(selection, attributes=[self._target.stable]))
        return Changes(entries, present={*map(self._target.stable_of, listed)})


def _newest(entries: Iterable[Entry], newest: str) -> str:
    found = (value.decode("ascii", "replace") for entry in entries for value in entry.attributes.get(_KEY, ()))
    return max(chain([newest], (time[1] for text in found if (time := _TIME.fullmatch(text)))))


_KEY: Final = _ATTRIBUTE.lower()


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%SZ")
