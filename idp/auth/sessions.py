"""Sessions on the server: the cookie holds a secret, the store its hash."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.directory import Resource


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in. `amr` are the methods proven, `proven` when each was, `aal` what they amount to."""

    id: str = field(repr=False)
    user_id: str
    user: "Resource" = field(repr=False)
    amr: tuple[str, ...]
    aal: int
    proven: Mapping[str, str]
    started: str
    csrf: str = field(repr=False)
    version: int = 1


class Sessions:
    """Starts, resumes and ends sessions."""

    async def resume(self, secret: str, address: str) -> Session | None:
        """Return the session of that cookie, None when it is over or its person no longer active."""
        raise NotImplementedError

    async def end(self, session: Session, address: str) -> None:
        """Log out: this session is over; one that has ended already is no error."""
        raise NotImplementedError

    async def end_others(self, session: Session, address: str) -> None:
        """End every other session of the same person."""
        raise NotImplementedError
