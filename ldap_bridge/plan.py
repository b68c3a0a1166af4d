"""What a run would change, worked out from values alone: the directory's people and groups against our links."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

import msgspec

from idp.schema.urns import GATEHOUSE_USER
from ldap_bridge.dn import parent
from ldap_bridge.links import Link
from ldap_bridge.mapping import Found, Problem, merged
from ldap_bridge.pile import Pile
from ldap_bridge.rules import MANAGER, Document, Path, Table, put_at, value_at


class Kind(StrEnum):
    """What happens to a person or a group. Where several are true, the first in this order names the change."""

    CONFLICT = "conflict"
    CREATE = "create"
    RELINK = "relink"
    ENABLE = "enable"
    DISABLE = "disable"
    RENAME = "rename"
    MOVE = "move"
    UPDATE = "update"
    REMOVE = "remove"
    PURGE = "purge"
    ROLE = "role"
    MEMBERS = "members"
    # The link must be written anew, though nothing that anybody sees differs.
    SAME = "unchanged"


USER: Final = "user"
GROUP: Final = "group"
NAMES: Final = {USER: "userName", GROUP: "displayName"}
"""What people and groups are called by, each of which one account or group has alone, where groups have so."""
# Changes that may have no entry, or the entry of somebody to whom something else happens.
_NOT_ALWAYS_READ: Final = tuple(kind for kind in Kind if kind not in (Kind.CREATE, Kind.SAME))
_COUNTED: Final = (
    *(kind.value for kind in Kind if kind not in (Kind.MEMBERS, Kind.SAME)),
    "members_added",
    "members_removed",
)


class FieldChange(msgspec.Struct, array_like=True, frozen=True):
    """One value that becomes another; None stands for no value."""

    path: str
    old: Any
    new: Any


class Change(msgspec.Struct, array_like=True):
    """One person or group that changes. `resource` is its id, given at planning time to new ones.

    A change without an entry (`found`) is its `fields`. `takes_from` is the account whose login it takes over, "" when
    its own is free. `before` is the document of an account that is to go for good. `manager` is the account that
    becomes the manager, "" for nobody, None for whoever it was. `about` is what a conflict is about, and a change
    `beside` one is all that is done all the same: the account is switched off.
    """

    kind: Kind
    subject: str
    name: str
    dn: str
    resource: str
    fields: tuple[FieldChange, ...] = ()
    old_dn: str = ""
    reason: str = ""
    active: bool | None = None
    found: Found | None = None
    link: Link | None = None
    takes_from: str = ""
    before: Document | None = None
    manager: str | None = None
    about: str = ""
    beside: bool = False

    @property
    def stable(self) -> str:
        """The stable id of the entry."""
        return self.found.stable if self.found else self.link.stable if self.link else ""


class MembershipChange(msgspec.Struct, array_like=True):
    """Members that come into a group or leave it, by id; `groups` are those of them that are groups.

    `names` says how to call them. `digest` stands for all members afterwards, "" when that is not known.
    """

    group: str
    name: str
    dn: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    groups: frozenset[str]
    digest: str
    link: Link | None = None
    names: dict[str, str] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nobody comes or goes: only what is remembered of the members is written anew."""
        return not self.added and not self.removed


class Changes(Pile[Change]):
    """The changes of people and groups, in their order; by kind and subject those that are wanted are found."""

    def __init__(self) -> None:
        super().__init__(Change, lambda change: (change.subject, change.kind, bool(change.takes_from)))

    def of(self, *kinds: Kind, subject: str = "") -> Iterator[Change]:
        """Yield the changes of these kinds (of all when there are none), of this subject (of both when it is "")."""
        return self.marked(_among(kinds, subject))

    def revise_of(self, look: Callable[[Change], Change | None], *kinds: Kind, subject: str = "") -> None:
        """Revise the changes of these kinds and of this subject."""
        self.revise(look, _among(kinds, subject))

    def givers(self) -> set[str]:
        """Return whose logins, and which groups' names, others take over."""
        return {change.takes_from for change in self.marked(lambda mark: bool(mark[2]))}

    def number_of(self, *kinds: Kind, subject: str = "") -> int:
        """Return how many changes there are of these kinds and of this subject."""
        wanted = _among(kinds, subject)
        return sum(count for mark, count in self.marks().items() if wanted(mark))


def _among(kinds: Collection[Kind], subject: str) -> Callable[[tuple[str, Kind, bool]], bool]:
    return lambda mark: (not kinds or mark[1] in kinds) and (not subject or mark[0] == subject)


class Memberships(Pile[MembershipChange]):
    """Who comes into which group and who leaves it; of each it is known how many, and whether anybody is left."""

    def __init__(self) -> None:
        super().__init__(MembershipChange, _extent, lambda one: 1 + (len(one.added) + len(one.removed)) // 100)

    def extents(self) -> Iterator[tuple[int, int, bool]]:
        """Yield for each change how many come and go, and whether nobody is left."""
        for extent, count in self.marks().items():
            yield from [extent] * count


def _extent(change: MembershipChange) -> tuple[int, int, bool]:
    return len(change.added), len(change.removed), change.digest == NOBODY


@dataclass(slots=True)
class Plan:
    """Everything a run would do. `gaps` say why the read proves nothing about what was not seen.

    `stale` links have neither an entry nor an account any more. What is `skipped`, by kind and stable id, stays out.
    """

    source: str
    gaps: list[str] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)
    memberships: Memberships = field(default_factory=Memberships)
    problems: list[Problem] = field(default_factory=list)
    stale: list[Link] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    people: int = 0
    groups: int = 0
    unresolved: int = 0
    held: str = ""

    @property
    def complete(self) -> bool:
        """Whether what was not seen is not there."""
        return not self.gaps

    def counts(self) -> dict[str, int]:
        """Return how many changes there are of each kind; all zero when there is nothing to do."""
        found = Counter[str]()
        for (_, kind, _), count in self.changes.marks().items():
            found[kind.value] += count
        for added, removed, _ in self.memberships.extents():
            found["members_added"] += added
            found["members_removed"] += removed
        return {name: found[name] for name in _COUNTED}

    def counts_by_subject(self) -> dict[str, int]:
        """Return what there is of each kind for people and for groups, as `user.create`; without zeros."""
        found = Counter[str]()
        for (subject, kind, _), count in self.changes.marks().items():
            if kind is not Kind.SAME:
                found[f"{subject}.{kind}"] += count
        touched = self._touched()
        found["user.unchanged"] = self.people - touched[USER]
        found["group.unchanged"] = self.groups - touched[GROUP]
        return {name: count for name, count in sorted(found.items()) if count}

    def _touched(self) -> Counter[str]:
        """Return how many entries something happens to; who is created always has one."""
        found = Counter(change.subject for change in self.changes.of(*_NOT_ALWAYS_READ) if _touches(change))
        found.update({subject: self.changes.number_of(Kind.CREATE, subject=subject) for subject in (USER, GROUP)})
        return found


def _touches(change: Change) -> bool:
    return change.found is not None and not change.beside


def is_same(found: Found, link: Link) -> bool:
    """Tell whether an entry is as it was when its link was written."""
    return link.digest == found.digest and link.dn == found.dn and not link.gone


def compare(subject: str, found: Found, link: Link, stored: Document, wanted: Document, table: Table) -> Change:
    """Compare an entry with the resource it is linked to; `wanted` is the mapped document in canonical form."""
    fields = differences(stored, wanted, table)
    change = Change(Kind.UPDATE, subject, found.name, found.dn, link.resource, fields, link.dn, found=found, link=link)
    active = _active(found, link)
    if active is not None and bool(stored.get("active", True)) != active and not (active and _locked_here(stored)):
        change.active = active
        change.fields = (FieldChange("active", not active, active), *fields)
    change.kind = _kind(change, link)
    if change.active is False:
        change.reason = found.reason or "disabled in the directory"
    elif change.active:
        change.reason = "back in the directory" if link.gone else "enabled in the directory"
    return change


def _active(found: Found, link: Link) -> bool | None:
    """Return the state the directory asks for now, or None where it has not spoken since somebody decided here."""
    if link.gone:
        # Who was locked here before going stays locked when coming back.
        return found.active is not False if link.restore else None
    # What it never spoke of counts as yes.
    return found.active if (found.active is False) != (link.active is False) else None


def _locked_here(stored: Document) -> bool:
    """Tell whether somebody else than the directory has switched the account off."""
    own = stored.get(GATEHOUSE_USER, {})
    by = own.get("status", {}).get("by", "")
    return bool(by) and not by.startswith(f"{own.get('source')} ")


def _kind(change: Change, link: Link) -> Kind:
    if change.active is not None:
        return Kind.ENABLE if change.active else Kind.DISABLE
    if any(field.path == NAMES[change.subject] for field in change.fields):
        return Kind.RENAME
    before, now = link.dn_key, change.found.dn_key if change.found else link.dn_key
    if now != before:
        return Kind.MOVE if parent(now) != parent(before) else Kind.RENAME
    return Kind.UPDATE if change.fields else Kind.SAME


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any], table: Table) -> tuple[FieldChange, ...]:
    """Return which of the owned places would get another value, as it may be shown; `active` is decided elsewhere."""
    found = []
    for path in table.owned:
        old, new = value_at(stored, path), value_at(wanted, path)
        if old != new and path != ("active",):
            found.append(FieldChange(dotted(path), table.shown(path, old), table.shown(path, new)))
    return tuple(found)


def gone(link: Link, stored: Document, source: str) -> Change | None:
    """Plan what becomes of a linked person whom a complete read did not find; None when it has become so already."""
    if link.gone:
        return None
    active = bool(stored.get("active", True))
    fields = (FieldChange("active", True, False),) if active else ()
    return Change(
        Kind.DISABLE,
        USER,
        str(stored.get("userName", link.dn)),
        link.dn,
        link.resource,
        fields,
        reason=f"gone from directory {source}",
        active=False,
        link=link,
    )


def conflict(subject: str, found: Found, holder: str, about: str, reason: str) -> Change:
    """Return that an entry wants what another account or group, the `holder`, has."""
    return Change(Kind.CONFLICT, subject, found.name, found.dn, holder, reason=reason, found=found, about=about)


def disabled_beside(found: Found, link: Link, stored: Document) -> Change | None:
    """Plan what waits for no decision and for no better value: that whom the directory disables is disabled here."""
    if _active(found, link) is not False or not stored.get("active", True):
        return None
    reason = found.reason or "disabled in the directory"
    fields = (FieldChange("active", True, False),)
    name = str(stored.get("userName", found.name))
    change = Change(Kind.DISABLE, USER, name, found.dn, link.resource, fields, reason=reason, active=False)
    change.found, change.link, change.beside = found, link, True
    return change


def purge(link: Link, stored: Document, source: str) -> Change | None:
    """Plan that an account which is gone goes for good; None for one that somebody has switched on all the same."""
    if stored.get("active", True):
        return None
    name, reason = str(stored.get("userName", link.dn)), f"gone from directory {source} since {link.gone}"
    return Change(Kind.PURGE, USER, name, link.dn, link.resource, reason=reason, link=link, before=stored)


def members(change: "GroupState", current: Collection[str], ours: Collection[str]) -> MembershipChange | None:
    """Plan a group's members. Only those that come from this directory are taken out, and only after a whole read."""
    added = tuple(sorted(change.wanted - set(current)))
    removed = tuple(sorted(m for m in current if m in ours and m not in change.wanted)) if change.may_remove else ()
    digest = members_digest(change.wanted) if change.may_remove else ""
    if not added and not removed and change.link and change.link.members == digest:
        return None
    groups = frozenset(added) & change.nested
    return MembershipChange(
        change.group, change.found.name, change.found.dn, added, removed, groups, digest, change.link
    )


@dataclass(slots=True)
class GroupState:
    """A group and the ids that the directory wants in it; `nested` are those of them that are groups.

    `called` are the DNs by which the group names members.
    """

    group: str
    found: Found
    wanted: set[str]
    nested: frozenset[str]
    may_remove: bool
    link: Link | None = None
    called: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_same(self) -> bool:
        """Whether the members are those of the last run."""
        return self.link is not None and self.link.members == members_digest(self.wanted)


def members_digest(ids: Collection[str]) -> str:
    """Return what stands for a set of members."""
    return blake2b("\n".join(sorted(ids)).encode(), digest_size=12).hexdigest()


NOBODY: Final = members_digest(())
"""What stands for no members at all."""


def apply_to(document: Document, change: Change, table: Table) -> Document:
    """Return a stored document as the change wants it."""
    if change.beside:
        return {**document, "active": change.active}
    if change.found is not None:
        document = merged(document, change.found.document(), table)
    else:
        for one in change.fields:
            if change.manager is None:
                put_at(document, (one.path,), one.new)
    if change.manager is not None:
        put_at(document, MANAGER, {"value": change.manager} if change.manager else None)
    if change.active is not None and change.subject == USER:
        document["active"] = change.active
    return document


def dotted(path: Path) -> str:
    """Return a place as people write it."""
    return ":".join((path[0], ".".join(path[1:]))) if path[0].startswith("urn:") else ".".join(path)
