"""Who owns which attribute of a person: one table, asked before every change and deletion. Pure.

A person from a directory belongs to it, and one made by a client that is bound to a source belongs to that source;
everybody else belongs to nobody, and whoever is entitled may change them.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from idp.access import Actor, ActorKind
from idp.errors import CallerError, MutabilityViolated, PermissionDenied
from idp.schema.urns import GATEHOUSE_USER

Places = Mapping[str, Sequence[tuple[str, ...]]]
"""By source (`ldap:corp`), the document's places that its directory decides."""

_DIRECTORY: Final = "ldap:"
_CLIENT: Final = "scim:"
# Ids of clients are UUIDs; the name of a source is shorter, so one never looks like the other.
_CLIENT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ACTIVE: Final = ("active",)


class Owner(StrEnum):
    """Whose a person is."""

    NOBODY = "nobody"
    DIRECTORY = "directory"
    CLIENT = "client"


class Writer(StrEnum):
    """Who asks for a change: the system, a person, or a client: the owner, bound to another source, or to none."""

    SYSTEM = "system"
    PERSON = "person"
    OWNER = "owner"
    BOUND = "bound"
    UNBOUND = "unbound"


class Part(StrEnum):
    """What can be changed of a person."""

    OWNED = "what the owner decides, and the password"
    OTHER = "everything else"
    OFF = "active, to false"
    ON = "active, to true"
    ON_AGAIN = "active, to true, where the owner has set it to false"
    DELETE = "all of it"


_ALL: Final = frozenset(Part)
_NOTHING: Final[frozenset[Part]] = frozenset()

# `active` may be switched off by whoever may change the person at all: that somebody must not log in is never wrong to
# say, whoever finds out first.
RULES: Final[Mapping[tuple[Owner, Writer], frozenset[Part]]] = {
    (Owner.NOBODY, Writer.SYSTEM): _ALL,
    (Owner.NOBODY, Writer.PERSON): _ALL,
    (Owner.NOBODY, Writer.OWNER): _ALL,
    (Owner.NOBODY, Writer.UNBOUND): _ALL,
    (Owner.NOBODY, Writer.BOUND): _NOTHING,
    (Owner.CLIENT, Writer.SYSTEM): _ALL,
    (Owner.CLIENT, Writer.PERSON): _ALL,
    (Owner.CLIENT, Writer.OWNER): _ALL,
    (Owner.CLIENT, Writer.UNBOUND): _NOTHING,
    (Owner.CLIENT, Writer.BOUND): _NOTHING,
    (Owner.DIRECTORY, Writer.SYSTEM): _ALL,
    (Owner.DIRECTORY, Writer.PERSON): _ALL - {Part.OWNED},
    (Owner.DIRECTORY, Writer.UNBOUND): frozenset({Part.OTHER, Part.OFF, Part.ON}),
    (Owner.DIRECTORY, Writer.BOUND): _NOTHING,
}


class NotOwner(PermissionDenied):
    """The person belongs to a source that the actor does not speak for."""

    def __init__(self, owner: str) -> None:
        CallerError.__init__(self, f"the account belongs to {owner}, and can be changed from there only")
        self.verb = "update"
        self.area = "users"


class Ownership:
    """Answers by the table; `places` are what the directories that are configured decide."""

    def __init__(self, places: Places | None = None) -> None:
        self._places = places or {}

    def check_change(
        self, actor: Actor, before: Mapping[str, Any], after: Mapping[str, Any], *, password: bool
    ) -> None:
        """Refuse a change that is not the actor's to make. Raises NotOwner, MutabilityViolated."""
        source = source_of(before)
        allowed = allowed_to(actor, source)
        if allowed is _ALL:
            return
        if not allowed:
            raise NotOwner(source or "somebody else")
        if before.get("active") != after.get("active") and _switch(before, after, source) not in allowed:
            raise MutabilityViolated("active", f"{source} has switched the account off")
        if Part.OWNED in allowed:
            return
        if password:
            raise MutabilityViolated("password", f"the attribute belongs to {source}")
        for place in self._places.get(source, ()):
            if place != _ACTIVE and _at(before, place) != _at(after, place):
                raise MutabilityViolated(_written(place), f"the attribute belongs to {source}")

    def check_deletion(self, actor: Actor, document: Mapping[str, Any]) -> None:
        """Refuse a deletion that is not the actor's to make. Raises NotOwner."""
        source = source_of(document)
        if Part.DELETE not in allowed_to(actor, source):
            raise NotOwner(source or "somebody else")


def new_source(actor: Actor) -> str:
    """Return the source of a person whom the actor makes."""
    return f"{_CLIENT}{actor.source or actor.id}" if actor.kind is ActorKind.CLIENT else "local"


def source_of(document: Mapping[str, Any]) -> str:
    """Return where a person comes from."""
    return str(document.get(GATEHOUSE_USER, {}).get("source", ""))


def allowed_to(actor: Actor, source: str) -> frozenset[Part]:
    """Return what the actor may change of a person of that source."""
    return RULES[owner_by(source), writer_by(actor, source)]


def owner_by(source: str) -> Owner:
    """Return whose a person of that source is."""
    if source.startswith(_DIRECTORY):
        return Owner.DIRECTORY
    is_bound = source.startswith(_CLIENT) and not _CLIENT_ID.fullmatch(source, len(_CLIENT))
    return Owner.CLIENT if is_bound else Owner.NOBODY


def writer_by(actor: Actor, source: str) -> Writer:
    """Return as whom the actor asks about a person of that source."""
    if actor.kind is ActorKind.SYSTEM:
        return Writer.SYSTEM
    if actor.kind is not ActorKind.CLIENT:
        return Writer.PERSON
    if source == f"{_CLIENT}{actor.id}" or (actor.source and source == f"{_CLIENT}{actor.source}"):
        return Writer.OWNER
    return Writer.BOUND if actor.source else Writer.UNBOUND


def _switch(before: Mapping[str, Any], after: Mapping[str, Any], source: str) -> Part:
    if not after.get("active"):
        return Part.OFF
    by = str(before.get(GATEHOUSE_USER, {}).get("status", {}).get("by", ""))
    return Part.ON_AGAIN if by == source or by.startswith(f"{source} ") else Part.ON


def _at(document: Mapping[str, Any], place: Sequence[str]) -> Any:
    found: Any = document
    for key in place:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _written(place: Sequence[str]) -> str:
    head, *rest = place
    return ":".join((head, ".".join(rest))) if head.startswith("urn:") else ".".join(place)
