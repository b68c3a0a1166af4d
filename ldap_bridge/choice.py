"""Which change feed a server is followed by, and why: decided from its rootDSE and the settings alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ldap_bridge.dn import key
from ldap_bridge.feeds import AUTO, FeedName
from ldap_bridge.sections import as_list
from ldap_bridge.settings import Source
from ldap_bridge.sync_controls import DIRSYNC, SYNC_REQUEST


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a rootDSE tells that matters for following changes."""

    controls: frozenset[str] = frozenset()
    contexts: tuple[str, ...] = ()
    """The naming contexts as DN keys."""
    changelog: str = ""
    """The DN under which a changelog stands, "" for none."""
    usn: bool = False
    """Whether it counts its changes by highestCommittedUSN."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The feed and the reason, as people read it."""

    feed: FeedName
    reason: str


Unfit = Callable[[Abilities, Source], str]


def choose(abilities: Abilities, source: Source) -> list[Choice]:
    """Return the feeds that fit, the most exact one first, and the full compare at the end.

    With a setting there is that one before it, if it fits.
    """
    if why := _never(source):
        return [Choice(FeedName.FULL, why)]
    if source.feed == FeedName.FULL:
        return [Choice(FeedName.FULL, _ASKED_FOR)]
    if source.feed == AUTO:
        fitting = [Choice(feed, _OFFERS[feed]) for feed, unfit in _UNFIT.items() if not unfit(abilities, source)]
        return [*fitting, Choice(FeedName.FULL, "the server offers no way to ask for changes")]
    feed = FeedName(source.feed)
    if why := _UNFIT[feed](abilities, source):
        return [Choice(FeedName.FULL, why)]
    return [Choice(feed, _ASKED_FOR), Choice(FeedName.FULL, f"{feed} does not work")]


def _never(source: Source) -> str:
    if source.server is None:
        return "a file is read whole"
    if source.stable_id.lower() == "dn":
        return "without a stable id nobody can be told again"
    for name in filter(None, (source.groups.member_of, source.groups.primary)):
        return f"memberships are read from {name}, which changes without a trace in the groups"
    return ""


def _no_content_sync(abilities: Abilities, source: Source) -> str:
    if SYNC_REQUEST not in abilities.controls:
        return "the server does not offer RFC 4533 (OpenLDAP: the overlay syncprov)"
    return "" if source.stable_id.lower() == "entryuuid" else "RFC 4533 goes with the stable id entryUUID only"


def _no_dirsync(abilities: Abilities, source: Source) -> str:
    if DIRSYNC not in abilities.controls:
        return "the server does not offer DirSync"
    bases = {key(base) for part in (source.users, source.groups) for base in as_list(part.base) or as_list(source.base)}
    if len(bases) != 1 or not bases <= set(abilities.contexts):
        return "DirSync is for a whole domain, and the source reads a part of it"
    return ""


def _no_update_numbers(abilities: Abilities, source: Source) -> str:
    return "" if abilities.usn else "the server does not count its changes (highestCommittedUSN)"


def _no_changelog(abilities: Abilities, source: Source) -> str:
    if not abilities.changelog:
        return "the server keeps no changelog that it tells of"
    return "" if source.stable_id.lower() == "nsuniqueid" else "its changelog goes with the stable id nsUniqueId only"


def _no_timestamps(abilities: Abilities, source: Source) -> str:
    return ""


_ASKED_FOR: Final = "the settings ask for it"
_UNFIT: Final[dict[FeedName, Unfit]] = {
    FeedName.SYNC: _no_content_sync,
    FeedName.DIRSYNC: _no_dirsync,
    FeedName.USN: _no_update_numbers,
    FeedName.CHANGELOG: _no_changelog,
    FeedName.TIMESTAMP: _no_timestamps,
}
_OFFERS: Final = {
    FeedName.SYNC: "the server offers content synchronisation (RFC 4533)",
    FeedName.DIRSYNC: "the server offers DirSync for the whole domain",
    FeedName.USN: "the server counts its changes (uSNChanged)",
    FeedName.CHANGELOG: "the server keeps a changelog",
    FeedName.TIMESTAMP: "the server offers nothing better than the time of each entry's last change",
}
