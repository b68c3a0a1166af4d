"""`/Me`: the account of the person who asks (RFC 7644 section 3.11)."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from idp.access import ActorKind
from idp.errors import NotFound
from idp.http.actor import actor_of
from scim.endpoints import ResourceEndpoints

PATH = "/Me"
Handler = Callable[[web.Request], Awaitable[web.Response]]


class MeEndpoints:
    """Passes on to the endpoints of users, as if the person's own URI had been asked for.

    What people may do with their own account is decided where everything else is decided.
    """

    def __init__(self, users: ResourceEndpoints) -> None:
        self._users = users

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes below the SCIM base."""
        users = self._users
        return (
            web.get(PATH, _own(users.read)),
            web.put(PATH, _own(users.replace)),
            web.patch(PATH, _own(users.patch)),
            web.delete(PATH, _own(users.delete)),
        )


def _own(handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        actor = actor_of(request)
        if actor.kind is not ActorKind.USER:
            # A client is nobody's account.
            raise NotFound("account of", actor.name)
        request.match_info["id"] = actor.id
        return await handler(request)

    return answer
