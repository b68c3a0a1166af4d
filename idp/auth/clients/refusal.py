"""What becomes of a client that is known, and not let in all the same."""

from idp.errors import CallerError


class RefusedClient(CallerError):
    """The token is right; `client` is whose it is."""

    client: str
