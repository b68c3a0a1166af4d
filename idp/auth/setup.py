"""The first administrator, by a link that is secret, works once and expires."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.directory import Resource


class Setup:
    """Makes the first administrator of an empty installation."""

    async def link_token(self) -> str | None:
        """Return a new secret for the set-up link, None once there is an administrator."""
        raise NotImplementedError

    async def is_valid(self, token: str) -> bool:
        """Tell whether the link can still be used."""
        raise NotImplementedError

    async def complete(self, token: str, user_name: str, email: str, password: str, address: str) -> "Resource":
        """Create the administrator (role root), who then logs in and enrols; NotAuthenticated for a dead link."""
        raise NotImplementedError
