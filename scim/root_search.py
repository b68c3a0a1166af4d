"""Search over all resource types at once (RFC 7644 sections 3.4.2.1 and 3.4.3)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from idp.access import Actor
from idp.errors import CallerError, InvalidFilter, InvalidValue, PermissionDenied
from idp.http.actor import actor_of
from scim.endpoints import Found, Limits, ResourceEndpoints
from scim.exchange import read_body, respond
from scim.messages import list_response, search_request
from scim.messages.search_request import SearchRequest


class RootSearch:
    """`POST /.search`: the resources of one type after those of the other, each sorted as asked for."""

    def __init__(self, types: Sequence[ResourceEndpoints], limits: Limits) -> None:
        self._types = types
        self._limits = limits

    async def search(self, request: web.Request) -> web.Response:
        """Answer with one page over all types."""
        wanted = search_request.from_body(await read_body(request))
        found = await self.find(actor_of(request), wanted)
        message = list_response.build(found.resources, total=found.total, start_index=wanted.start_index)
        return respond(request, message)

    async def find(self, actor: Actor, wanted: SearchRequest) -> Found:
        """Return the page. A type that has no such attribute has no match, one the client may not read has none.

        Raises what was wrong when that goes for every type.
        """
        resources: list[dict[str, Any]] = []
        before = wanted.start_index - 1
        room = self._limits.page_size(wanted.count)
        total, refused = 0, list[CallerError]()
        for each in self._types:
            start = max(before - total, 0) + 1
            try:
                found = await each.find(actor, replace(wanted, start_index=start, count=room - len(resources)))
            except (InvalidFilter, InvalidValue, PermissionDenied) as error:
                refused.append(error)
                continue
            resources += found.resources
            total += found.total
            if start - 1 + len(found.resources) < found.total:
                # The page ends here, full or not: what follows begins where this type goes on.
                room = len(resources)
        if len(refused) == len(self._types):
            raise refused[0]
        return Found(resources, total)
