"""Whoever asks: a person with a session, a client with a token, the system itself, or nobody known."""

from dataclasses import dataclass, field
from enum import StrEnum


class ActorKind(StrEnum):
    """What sort of actor it is."""

    SYSTEM = "system"
    CLIENT = "client"
    USER = "user"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Actor:
    """The first argument of every service method that reads or changes something.

    `role` counts for a USER, `scopes` (`users:read`, `groups:write`, …) for a CLIENT. `address` is where it asks from.
    Of a CLIENT, `profile` names how its requests are read, and `source` whose people are its own.
    """

    kind: ActorKind
    id: str
    name: str
    role: str = ""
    scopes: frozenset[str] = field(default_factory=frozenset)
    address: str = ""
    profile: str = ""
    source: str = ""

    @property
    def label(self) -> str:
        """How records name the actor: `client:hr`, `system:corp`."""
        return f"{self.kind}:{self.name}"


def SYSTEM_ACTOR(name: str) -> Actor:  # noqa: N802 -- it stands for a constant that carries a name
    """Return the system acting on its own: a command on the machine, a sync run, housekeeping."""
    return Actor(ActorKind.SYSTEM, name, name)


def ANONYMOUS(address: str) -> Actor:  # noqa: N802 -- it stands for a constant that carries an address
    """Return somebody who has not shown who they are."""
    return Actor(ActorKind.ANONYMOUS, "", "anonymous", address=address)
