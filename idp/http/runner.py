"""How the application meets aiohttp's server: limits of the parser, and nothing of its own logging."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from idp.http.faults import QuietParser
from idp.http.unparsed import BARE_FORMS, MAX_FIELD, MAX_LINE, FormServer

SHUTDOWN: Final = 0.5
_CONNECTION: Final[Mapping[str, Any]] = {
    "access_log": None,
    "keepalive_timeout": 75.0,
    # Seconds the rest of an unread body is thrown away, so that the client sees the answer before the end.
    "lingering_time": 2.0,
    "max_line_size": MAX_LINE,
    "max_field_size": MAX_FIELD,
}


class _FormRunner(web.AppRunner):
    """A runner whose server answers in the application's forms what it cannot read."""

    async def _make_server(self) -> web.Server:
        return FormServer(await super()._make_server(), self.app.get(BARE_FORMS, {}), _CONNECTION)


def make_runner(app: web.Application) -> web.AppRunner:
    """Return a runner that ends what is still in progress when it is cleaned up; `Traffic` waits for it before.

    A handler is not cancelled when its client leaves: a change that has begun is carried through.
    """
    server_log = logging.getLogger("aiohttp.server")
    if not any(isinstance(found, QuietParser) for found in server_log.filters):
        server_log.addFilter(QuietParser())
    return _FormRunner(app, handler_cancellation=False, handle_signals=False, shutdown_timeout=SHUTDOWN)
