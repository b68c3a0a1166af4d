"""What a second factor is to the login: the login knows this contract, and factors know nothing of each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from idp.auth.limits import Kind
from idp.directory.model import Resource
from idp.store.contract import Write


@dataclass(frozen=True, slots=True)
class Challenge:
    """For what a factor is asked: the login's id, and the address it comes from."""

    id: str = field(repr=False)
    address: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A right code. Its writes use it up and belong into the commit of what it allows.

    They are conditional: of two commits with the same code one fails with VersionMismatch.
    """

    writes: Sequence[Write]


class Factor(Protocol):
    """One kind of second factor. Every method may raise what the store raises."""

    @property
    def kind(self) -> Kind:
        """Its name, under which its failures are counted too."""
        ...

    async def is_available(self, user: Resource) -> bool:
        """Tell whether this person can use it now."""
        ...

    async def begin(self, user: Resource, challenge: Challenge) -> Sequence[Write]:
        """Return the writes that get it ready for a login: a code to be mailed, for one. Raises RateLimited."""
        ...

    async def verify(self, user: Resource, challenge: Challenge, code: str) -> Proof | None:
        """Return the proof that the code is right, None when it is wrong, used or too old. Changes nothing itself."""
        ...
