"""Addresses with a slash too many, as they come about where a client's base or path ends with one."""

import re
from typing import Final

from aiohttp import web

# The base, one of its forms; then the path, whose own slashes stand alone.
_WITH_SLASHES: Final = "({forms})/?((?:/[^/]+)+)/?"


class LooselySpelt(web.PlainResource):
    """Stands behind all addresses below the root, for those that nobody has as they are written.

    The router looks for longer paths first, so that an address which is spelt right is found without this.
    """

    def __init__(self, root: str, forms: tuple[str, ...], router: web.UrlDispatcher) -> None:
        super().__init__(root)
        self._spelling = re.compile(_WITH_SLASHES.format(forms="|".join(map(re.escape, forms))))
        self._router = router

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        """Return what the router finds at the address that is meant."""
        written = request.rel_url.raw_path
        found = self._spelling.fullmatch(written)
        meant = "".join(found.groups()) if found else written
        if meant == written:
            return None, set()
        there = request.clone(rel_url=request.rel_url.with_path(meant, encoded=True))
        return await self._router.resolve(there), set()
