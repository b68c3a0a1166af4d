"""How the application meets aiohttp's server: limits of the parser, and nothing of its own logging."""

import logging
from typing import Final

from aiohttp import web

from idp.http.faults import QuietParser

MAX_LINE: Final = 65_536
"""Far over our own limit, so that a target that is too long still reaches the middleware and is answered in form."""
MAX_FIELD: Final = 32_768
KEEPALIVE: Final = 75.0
SHUTDOWN: Final = 0.5
LINGER: Final = 2.0
"""Seconds the rest of an unread body is thrown away, so that the client sees the answer before the end."""


def make_runner(app: web.Application) -> web.AppRunner:
    """Return a runner that ends what is still in progress when it is cleaned up; `Traffic` waits for it before.

    A handler is not cancelled when its client leaves: a change that has begun is carried through.
    """
    server_log = logging.getLogger("aiohttp.server")
    if not any(isinstance(found, QuietParser) for found in server_log.filters):
        server_log.addFilter(QuietParser())
    return web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=False,
        handle_signals=False,
        keepalive_timeout=KEEPALIVE,
        lingering_time=LINGER,
        max_line_size=MAX_LINE,
        max_field_size=MAX_FIELD,
        shutdown_timeout=SHUTDOWN,
    )
