"""What the directory's services take and give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from idp.store.contract import Record, Write

Document = dict[str, Any]
# A pure change: it gets a copy of its own, as stored, and returns the document that is wanted.
Change = Callable[[Document], Document]


def as_it_is(document: Document) -> Document:
    """Change nothing of a document: for updates whose other parts are what matters."""
    return document


@dataclass(frozen=True, slots=True)
class Resource:
    """A user or a group as stored; without derived values.

    `changed` names what the call that returned it has changed: top-level attributes, also `members` and `password`.
    """

    id: str
    version: int
    document: Document
    changed: Sequence[str] = field(default=(), compare=False)

    @classmethod
    def of(cls, record: Record) -> "Resource":
        """Return the stored record as a resource."""
        return cls(record.id, record.version, record.document)


class Credentials(Protocol):
    """What the directory asks of whoever keeps passwords and sessions; it knows nothing of hashing."""

    async def prepare(self, user_id: str, password: str, document: Document) -> Sequence[Write]:
        """Return the writes that make this the password of the user of that document.

        Raises InvalidValue on `password`, also for one made of the names in the document.
        """
        ...

    def removed(self, user_id: str) -> Sequence[Write]:
        """Return the writes by which sessions, factors and credentials go together with the user."""
        ...

    def deactivated(self, user_id: str) -> Sequence[Write]:
        """Return the writes that end the sessions and tokens of a user who may no longer log in."""
        ...


@dataclass(frozen=True, slots=True)
class UserCreate:
    """A user to add. `source` is where the account comes from; without one, the actor tells.

    `reason` says why, where the account is not active.
    """

    # It may hold a password.
    document: Document = field(repr=False)
    source: str | None = None
    id: str | None = None
    role: str = "user"
    mfa: str | None = None
    extra: Sequence[Write] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UserUpdate:
    """A user to change. `reason` says why, where the change switches the account on or off.

    A change that `shares` leaves the stored document as it is, at every depth, and gets that one itself: what it did
    not touch is then known without a comparison.
    A `source` makes the account that of another origin, which is for who decides about directories.
    """

    id: str
    change: Change
    reason: str = ""
    expected_version: int | None = None
    extra: Sequence[Write] = ()
    shares: bool = False
    source: str | None = None


@dataclass(frozen=True, slots=True)
class PeopleRules:
    """What an administrator decides about people, whoever writes them.

    `strict_names` holds provisioned names to the rule for names made here. A manager whom nobody knows is kept as sent,
    unless `refuse_unknown_managers`.
    """

    strict_names: bool = False
    refuse_unknown_managers: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """Who is in a group: a user's or a group's id. The type is a hint; the service looks which of the two it is."""

    value: str
    type: str = "User"


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What becomes of a group's members: first replaced by exactly these, then some added, then some removed."""

    replace: tuple[Member, ...] | None = None
    add: tuple[Member, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberWork:
    """A pure function of members that a group has, as `value`, `type` and `display`; it may run more than once.

    It is shown all of them, or those with an id `among` some.
    """

    change: Callable[[Sequence[Mapping[str, Any]]], MemberChange | None]
    among: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class GroupCreate:
    """A group to add; `document["members"]` are its members."""

    document: Document
    id: str | None = None
    extra: Sequence[Write] = ()


@dataclass(frozen=True, slots=True)
class GroupUpdate:
    """A group to change."""

    id: str
    change: Change
    members: MemberChange | MemberWork | None = None
    expected_version: int | None = None
    extra: Sequence[Write] = ()
