"""What becomes of a client that is known, and not let in all the same."""

from idp.access import Actor
from idp.errors import CallerError, PermissionDenied, RateLimited


class RefusedClient(CallerError):
    """The token is right; `actor` is whose it is."""

    actor: Actor


class AddressRefused(PermissionDenied, RefusedClient):
    """The client may not come from where it comes from."""

    def __init__(self, actor: Actor) -> None:
        CallerError.__init__(self, f"this client may not come from {actor.address or 'an unknown address'}")
        self.verb = "authenticate"
        self.area = "clients"
        self.actor = actor


class TooManyRequests(RateLimited, RefusedClient):
    """The client's rate is used up."""

    def __init__(self, retry_after: int, actor: Actor) -> None:
        super().__init__(retry_after)
        self.args = (f"the client makes more requests than it may; try again in {retry_after} seconds",)
        self.actor = actor
