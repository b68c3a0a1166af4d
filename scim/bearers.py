"""Whose bearer token it is: a provisioning client's or a person's."""

from dataclasses import replace

from idp.access import Actor
from idp.auth import Clients, PersonalTokens
from idp.auth.personal_tokens import PREFIX
from idp.memory import Moment


class Bearers:
    """Authenticates both kinds of tokens, which their beginnings tell apart."""

    def __init__(self, clients: Clients, personal: PersonalTokens) -> None:
        self._clients = clients
        self._personal = personal

    async def authenticate(self, bearer: str, address: str, moment: Moment) -> Actor:
        """Return the client or the person. Raises NotAuthenticated, and what clients are refused for."""
        if bearer.startswith(PREFIX):
            return replace(await self._personal.authenticate(bearer), address=address)
        return await self._clients.authenticate(bearer, address, moment)
