"""Local passwords: set, changed, reset by a mailed link."""

from typing import TYPE_CHECKING

from idp.auth.sessions import Session

if TYPE_CHECKING:
    from idp.access import Actor
    from idp.directory import Resource


class Passwords:
    """Changes passwords. One that breaks a rule raises InvalidValue("password", ...)."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that are checked, as sentences to show."""
        raise NotImplementedError

    async def set(self, actor: "Actor", user_id: str, new: str, *, must_change: bool = True) -> None:
        """Set another person's password (an administrator, the command line); their sessions end."""
        raise NotImplementedError

    async def change(self, session: Session, old: str, new: str, address: str) -> None:
        """Change one's own; InvalidValue("current password", ...) when the old one is wrong. Others end."""
        raise NotImplementedError

    async def request_reset(self, login: str, address: str) -> None:
        """Mail a reset link if the name or address belongs to somebody active with a local password.

        The answer is the same for everybody: none. Raises RateLimited.
        """
        raise NotImplementedError

    async def send_reset(self, actor: "Actor", user_id: str) -> None:
        """Mail a reset link to a person, as an administrator; raises InvalidValue when there is no address."""
        raise NotImplementedError

    async def reset_owner(self, token: str) -> "Resource | None":
        """Return whom a reset link belongs to, None when it is unknown, used or expired."""
        raise NotImplementedError

    async def reset(self, token: str, new: str, address: str) -> None:
        """Use a reset link; sessions end, a second factor stays. Raises NotAuthenticated for a dead link."""
        raise NotImplementedError
