"""Whether the process is up, whether it can do its work, and what it has counted."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from idp.errors import ConfigError, RemoteError
from idp.http.actor import Networks, client_address, is_within
from idp.http.lag import LoopLag
from idp.http.metrics import HttpMetrics
from idp.http.traffic import Traffic

REMEMBERED: Final = 1.0
"""Seconds a look at the store counts for: however often somebody asks, the disk is asked once in this time."""

logger = logging.getLogger("idp.http")


class Readiness:
    """Asks the store the way that writes go, at most once at a time and once a second; no while draining."""

    def __init__(
        self,
        check: Callable[[], Awaitable[None]],
        timeout: float,
        traffic: Traffic,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._traffic = traffic
        self._check = check
        self._timeout = timeout
        self._seconds = seconds
        self._asked = float("-inf")
        self._reason: str | None = "not asked yet"
        self._lock = asyncio.Lock()

    async def reason_against(self) -> str | None:
        """Return why the server is not ready, or None when it is."""
        if self._traffic.is_draining:
            return "the server is shutting down"
        async with self._lock:
            if self._seconds() - self._asked >= REMEMBERED:
                self._reason = await self._ask()
                self._asked = self._seconds()
        return self._reason

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._check()
        except (RemoteError, ConfigError) as error:
            return str(error)
        except TimeoutError:
            return "the store: took too long"
        return None


async def nothing_more() -> bytes:
    """Return no further metrics."""
    return b""


def add_routes(
    app: web.Application,
    readiness: Readiness,
    metrics: HttpMetrics,
    lag: LoopLag,
    metrics_from: Networks,
    more: Callable[[], Awaitable[bytes]] = nothing_more,
) -> None:
    """Add /healthz, /readyz and /metrics; `more` returns further metrics in Prometheus' text form."""

    async def healthz(request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(request: web.Request) -> web.Response:
        reason = await readiness.reason_against()
        if reason is None:
            return web.Response(text="ready\n")
        return web.Response(status=503, text=f"not ready: {reason}\n", headers={"Retry-After": "1"})

    async def show_metrics(request: web.Request) -> web.Response:
        if not is_within(client_address(request), metrics_from):
            raise web.HTTPNotFound
        return metrics.exposition(lag.seconds, await more())

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", show_metrics)
