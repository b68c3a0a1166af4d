"""The change feed of RFC 4533, as OpenLDAP's overlay syncprov offers it: refreshOnly with a cookie for each search."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from ldap_bridge.ber import BerError, EntryMessage, IntermediateMessage, Message, ResultMessage
from ldap_bridge.client.channel import BASE_SCOPE, CANNOT_NOW, SUBTREE_SCOPE, SUCCESS, Channel
from ldap_bridge.client.containers import check_containers, containers_below
from ldap_bridge.client.requests import control
from ldap_bridge.client.search import filter_for
from ldap_bridge.client.target import Target
from ldap_bridge.entries import Entry, Selection
from ldap_bridge.errors import DirectoryGarbled
from ldap_bridge.feeds import MOST_CHANGES, Changes, Delta, FeedBroken, decode_position, encode_position
from ldap_bridge.sync_controls import (
    ADD,
    DELETE,
    MODIFY,
    SYNC_DONE,
    SYNC_INFO,
    SYNC_REQUEST,
    SYNC_STATE,
    find_control,
    sync_done,
    sync_info,
    sync_request,
    sync_state,
)

# RFC 4533 section 2.7
_REFRESH_REQUIRED: Final = 4096
# The id in its controls is this attribute's value, which is why no other stable id will do.
_STABLE: Final = "entryUUID"


@dataclass(slots=True)
class Refresh:
    """One refresh stage: entries as they are now, ids named as gone, and as still present."""

    entries: list[Entry] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    present: set[str] = field(default_factory=set)
    cookie: bytes = b""
    deletes: bool = False
    """Whether what is gone was named; otherwise all that was not mentioned is gone."""


class Position(Struct, frozen=True):
    """A cookie in base64 for each base, and what stands for the containers as they were."""

    cookies: dict[str, str]
    containers: str


class ContentSync:
    """A Feed by one cookie for each base."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def position(self) -> str:
        """Return a cookie for each base: asking for the base alone makes the server tell it without its people."""
        cookies = {}
        with closing(self._target.directory.connect()) as channel:
            for base in self._target.bases:
                refresh = _refresh(channel, base, BASE_SCOPE, "(objectClass=*)", ["1.1"], b"")
                if not refresh.cookie:
                    raise FeedBroken(f"the server gives no cookie for {base!r}")
                cookies[base] = b64encode(refresh.cookie).decode()
            return encode_position(Position(cookies, containers_below(channel, self._target.bases, _STABLE)))

    def changes(self, position: str) -> Delta:
        """Return what has changed since the cookies."""
        before = decode_position(position, Position)
        reached: dict[str, str] = {}
        with closing(self._target.directory.connect()) as channel:
            found = [self._kind(channel, selection, before, reached) for selection in self._target.selections]
            check_containers(channel, self._target.bases, _STABLE, before.containers)
        groups = found[1] if len(found) > 1 else Changes()
        return Delta(found[0], groups, encode_position(Position(reached, before.containers)))

    def _kind(self, channel: Channel, selection: Selection, before: Position, reached: dict[str, str]) -> Changes:
        """Return the changes of one kind in all of its bases."""
        changes, named, present = Changes(), True, set[str]()
        for base in selection.bases:
            cookie = _cookie(before, base)
            found = _refresh(channel, base, SUBTREE_SCOPE, filter_for(selection), selection.attributes, cookie)
            # Of several searches below one base the oldest cookie is kept: what came in between comes again.
            reached.setdefault(base, b64encode(found.cookie or cookie).decode())
            changes.entries += found.entries
            changes.gone |= found.gone
            present |= found.present
            named = named and found.deletes
        if not named:
            if len(selection.bases) > 1:
                raise FeedBroken("the server forgot what was deleted, and cannot say it for several bases")
            changes.present = present
        return changes


def _cookie(position: Position, base: str) -> bytes:
    """Return the cookie of a base. Without one the server would tell everything, and nothing of what is gone."""
    try:
        cookie = b64decode(position.cookies[base], validate=True)
    except (KeyError, ValueError):
        cookie = b""
    if not cookie:
        raise FeedBroken(f"the cookie for {base!r} is lost")
    return cookie


def _refresh(
    channel: Channel, base: str, scope: int, filter_text: str, attributes: Sequence[str], cookie: bytes
) -> Refresh:
    """Run one refresh stage to its end."""
    asked = control(SYNC_REQUEST, sync_request(cookie), critical=True)
    refresh = Refresh()
    try:
        for message in channel.search(base, scope, filter_text, attributes, [asked]):
            _take(channel, refresh, message)
            if len(refresh.gone) + len(refresh.present) > channel.server.max_entries:
                raise FeedBroken(f"more than max_entries = {channel.server.max_entries} entries are named")
    except BerError as error:
        raise DirectoryGarbled(channel.source, f"a control of {channel.server.url} is not readable: {error}") from error
    return refresh


def _take(channel: Channel, refresh: Refresh, message: Message) -> None:
    if isinstance(message, EntryMessage):
        _take_entry(channel, refresh, message)
    elif isinstance(message, IntermediateMessage) and message.oid == SYNC_INFO:
        info = sync_info(message.value)
        (refresh.gone if info.gone else refresh.present).update(info.uuids)
        refresh.cookie = info.cookie or refresh.cookie
    elif isinstance(message, ResultMessage):
        if message.code in CANNOT_NOW:
            raise channel.refused("a synchronisation is", message)
        if message.code != SUCCESS:
            raise FeedBroken(_refusal(message))
        value = find_control(message.controls, SYNC_DONE)
        if value is None:
            raise FeedBroken("the server answered a synchronisation like a common search")
        done = sync_done(value)
        if refresh.entries and not (done.cookie or refresh.cookie):
            raise FeedBroken("the server gives no cookie to go on with")
        refresh.cookie, refresh.deletes = done.cookie or refresh.cookie, done.deletes


def _take_entry(channel: Channel, refresh: Refresh, message: EntryMessage) -> None:
    value = find_control(message.controls, SYNC_STATE)
    if value is None:
        raise DirectoryGarbled(channel.source, f"{message.entry.dn!r} came without its state")
    state = sync_state(value)
    if state.state == DELETE:
        refresh.gone.add(state.uuid)
        return
    refresh.present.add(state.uuid)
    if state.state in (ADD, MODIFY):
        refresh.entries.append(message.entry)
        if len(refresh.entries) > MOST_CHANGES:
            raise FeedBroken(f"more than {MOST_CHANGES} entries have changed")


def _refusal(result: ResultMessage) -> str:
    detail = f" ({result.text})" if result.text else ""
    if result.code == _REFRESH_REQUIRED:
        return f"the server asks for a full refresh{detail}"
    return f"the server refuses to say what has changed: code {result.code}{detail}"
