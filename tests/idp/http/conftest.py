"""A small site under the outermost middleware, on a real socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

import pytest
from aiohttp import web

from idp.http.access_log import AccessLog, Line
from idp.http.headers import SecurityHeaders
from idp.http.lag import LoopLag
from idp.http.metrics import HttpMetrics
from idp.http.middleware import Outermost
from idp.http.runner import make_runner
from idp.http.traffic import Traffic
from tests.support.clock import FakeClock
from tests.support.process import PATIENCE

MAX_BODY = 2000


@dataclass
class KeptLog:
    """An access log that a test can read."""

    lines: list[Line] = field(default_factory=list)

    def write(self, line: Line) -> None:
        self.lines.append(line)

    def flush(self) -> None:
        """Nothing is held back."""


@dataclass
class Site:
    """The server, its access log and its measure of lag."""

    port: int
    runner: web.AppRunner
    log: KeptLog
    lag: LoopLag
    metrics: HttpMetrics

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def raw(self, request: bytes) -> bytes:
        """Send bytes and return all that comes back until the server closes; the client keeps its side open."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with asyncio.timeout(PATIENCE):
                return await reader.read()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def echo(request: web.Request) -> web.Response:
    """Read the body in the way the path names."""
    match request.match_info["how"]:
        case "read":
            return web.Response(text=str(len(await request.read())))
        case "post":
            return web.Response(text=str(dict(await request.post())))
        case _:
            return web.Response(text=await request.text())


async def fail(request: web.Request) -> web.Response:
    """Have a bug."""
    raise KeyError("a bug of ours")


async def show(request: web.Request) -> web.Response:
    """Answer at once."""
    return web.Response(text="ok")


async def refuse(request: web.Request) -> web.Response:
    """Answer by an exception, as aiohttp's handlers may."""
    raise web.HTTPFound("/elsewhere")


def add_routes(app: web.Application, never: asyncio.Event) -> None:
    """Add the routes that the tests ask."""

    async def wait(request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    app.router.add_route("*", "/echo/{how}", echo)
    app.router.add_get("/fail", fail)
    app.router.add_get("/refuse", refuse)
    app.router.add_get("/wait", wait)
    app.router.add_get("/scim/v2/Users/{id}", show)


Opener = Callable[..., Awaitable[Site]]


@pytest.fixture
async def open_site(clock: FakeClock) -> AsyncIterator[Opener]:
    """Open a site; a test may add to the application before it starts, or bring its own access log."""
    open_runners: list[web.AppRunner] = []
    numbers = count(1)

    async def opener(
        prepare: Callable[[web.Application], None] = lambda app: None,
        access_log: AccessLog | None = None,
        *,
        https: bool = False,
        max_lag: float = 60.0,
        deadline: float = PATIENCE,
    ) -> Site:
        log, lag, metrics = KeptLog(), LoopLag(max_lag), HttpMetrics()
        lag.start()
        outermost = Outermost(
            deadline=deadline,
            max_body=MAX_BODY,
            clock=clock,
            new_id=lambda: f"request-{next(numbers)}",
            lag=lag,
            access_log=access_log or log,
            metrics=metrics,
            headers=SecurityHeaders(https=https),
            traffic=Traffic(),
        )
        app = web.Application(middlewares=[outermost.middleware()], client_max_size=MAX_BODY)
        add_routes(app, asyncio.Event())
        prepare(app)
        runner = make_runner(app)
        await runner.setup()
        open_runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return Site(runner.addresses[0][1], runner, log, lag, metrics)

    yield opener
    for runner in open_runners:
        await runner.cleanup()
