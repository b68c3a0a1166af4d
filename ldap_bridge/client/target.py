"""What all feeds of a server share: what is read there, and how entries of certain ids are read again."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from ldap_bridge.client.channel import Channel
from ldap_bridge.client.search import any_filter, filter_for, id_filter, id_octets, read_selection
from ldap_bridge.entries import Entry, Selection
from ldap_bridge.feeds import MOST_CHANGES, Changes, FeedBroken
from ldap_bridge.parts import parts

if TYPE_CHECKING:
    from ldap_bridge.client.directory import LdapDirectory

# Terms of one filter: a few kilobytes, which every server takes.
_TERMS: Final = 50
# Beyond that many questions a full compare is quicker.
_MOST: Final = 5_000


@dataclass(frozen=True, slots=True)
class Target:
    """One directory as a source reads it. `groups` is None when groups are not read."""

    directory: "LdapDirectory"
    people: Selection
    groups: Selection | None
    stable: str
    stable_of: Callable[[Entry], str]
    """Return an entry's stable id as it is kept; raises what a mapping raises."""

    @property
    def selections(self) -> list[Selection]:
        """People, and groups if these are read."""
        return [self.people, *([self.groups] if self.groups else [])]

    @property
    def bases(self) -> list[str]:
        """Every base, once."""
        return list(dict.fromkeys(base for selection in self.selections for base in selection.bases))

    def by_ids(self, channel: Channel, ids: Iterable[str]) -> tuple[Changes, Changes]:
        """Read the people and groups of these ids; what is neither any more is gone. Raises FeedBroken for too many.

        It goes over the channel that named the ids: another connection may lead to a server that is behind.
        """
        wanted = sorted(ids)
        found = []
        for selection in self.selections:
            entries = _matching(channel, selection, [id_filter(self.stable, [stable]) for stable in wanted])
            there = {*map(self.stable_of, entries)}
            found.append(Changes(entries, set(wanted) - there))
        return found[0], found[1] if len(found) > 1 else Changes()

    def matching(self, selection: Selection, terms: Sequence[str]) -> list[Entry]:
        """Return the entries of a selection that match one of these filters, each entry once. Raises FeedBroken."""
        if not terms:
            return []
        with closing(self.directory.connect()) as channel:
            return _matching(channel, selection, terms)


def _matching(channel: Channel, selection: Selection, terms: Sequence[str]) -> list[Entry]:
    if len(terms) > _MOST:
        raise FeedBroken(f"{len(terms)} entries would have to be asked for one by one")
    found: dict[str, Entry] = {}
    for some in parts(terms, _TERMS):
        found |= {entry.dn: entry for entry in read_selection(channel, narrowed(selection, any_filter(some)))}
    return [*found.values()]


def narrowed(selection: Selection, also: str) -> Selection:
    """Return the part of a selection that matches another filter, too."""
    both = f"(&{any_filter(selection.filters)}{also})" if selection.filters else also
    return replace(selection, filters=[both])


def present_dn(channel: Channel, selection: Selection, attribute: str, stable: str) -> str | None:
    """Return the DN that a selection's entry of a stable id has now, None when it has none. Raises DirectoryError."""
    wanted, value = filter_for(selection), id_octets(attribute, stable)
    found = [entry for base in selection.bases for entry in channel.lookup(base, wanted, attribute, value)]
    return found[0].dn if len(found) == 1 else None


def limited(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries unless there are so many that a full compare is better. Raises FeedBroken."""
    found = [*islice(entries, MOST_CHANGES + 1)]
    if len(found) > MOST_CHANGES:
        raise FeedBroken(f"more than {MOST_CHANGES} entries have changed")
    return found
