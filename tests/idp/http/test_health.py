"""What probes see: up, ready, counted."""

import asyncio
from dataclasses import dataclass

import pytest
from aiohttp import ClientSession, web

from idp.errors import Unavailable
from idp.http.actor import parse_networks
from idp.http.health import REMEMBERED, Readiness, add_routes
from idp.http.lag import LoopLag
from idp.http.metrics import HttpMetrics
from idp.http.traffic import Traffic
from tests.idp.http.conftest import Opener, Site


@dataclass
class Disk:
    """What readiness asks."""

    asked: int = 0
    broken: bool = False
    hangs: bool = False
    now: float = 0.0

    def seconds(self) -> float:
        """Return the time, which stands still unless a test moves it."""
        return self.now

    async def check(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.broken:
            raise Unavailable("the store", "no majority")


@pytest.fixture
def disk() -> Disk:
    return Disk()


async def open_with_health(
    open_site: Opener, disk: Disk, metrics_from: str = "127.0.0.0/8", traffic: Traffic | None = None
) -> Site:
    def prepare(app: web.Application) -> None:
        readiness = Readiness(disk.check, 0.2, traffic or Traffic(), disk.seconds)
        networks = parse_networks("server.metrics_from", [metrics_from])
        add_routes(app, readiness, HttpMetrics(), LoopLag(1), networks)

    return await open_site(prepare)


async def ask(site: Site, path: str) -> tuple[int, str]:
    async with ClientSession() as client, client.get(site.url(path)) as answer:
        return answer.status, await answer.text()


async def test_healthz_touches_nothing(open_site: Opener, disk: Disk) -> None:
    disk.broken = True
    site = await open_with_health(open_site, disk)
    assert await ask(site, "/healthz") == (200, "ok\n")
    assert disk.asked == 0


async def test_readyz_asks_the_store_once_for_many_callers(open_site: Opener, disk: Disk) -> None:
    site = await open_with_health(open_site, disk)
    answers = await asyncio.gather(*(ask(site, "/readyz") for _ in range(50)))
    assert set(answers) == {(200, "ready\n")}
    assert disk.asked == 1
    disk.now += REMEMBERED
    disk.broken = True
    assert (await ask(site, "/readyz"))[0] == 503, "what is known is soon looked at anew"


async def test_readyz_says_what_is_wrong_and_that_it_hangs(open_site: Opener, disk: Disk) -> None:
    disk.broken = True
    assert await ask(await open_with_health(open_site, disk), "/readyz") == (503, "not ready: the store: no majority\n")
    disk.hangs = True
    status, text = await ask(await open_with_health(open_site, disk), "/readyz")
    assert (status, text) == (503, "not ready: the store: took too long\n")


async def test_a_server_about_to_end_is_not_ready(open_site: Opener, disk: Disk) -> None:
    traffic = Traffic()
    site = await open_with_health(open_site, disk, traffic=traffic)
    await traffic.drain(0)
    assert await ask(site, "/readyz") == (503, "not ready: the server is shutting down\n")


async def test_metrics_count_by_the_pattern_of_the_route(open_site: Opener) -> None:
    site = await open_site()
    for path in ("/scim/v2/Users/1", "/scim/v2/Users/2", "/nowhere/1", "/nowhere/2"):
        await ask(site, path)
    lines = site.metrics.exposition(lag=0.125).body
    assert isinstance(lines, bytes)
    text = lines.decode()
    assert 'idp_http_requests_total{method="GET",route="/scim/v2/Users/{id}",status="200"} 2.0' in text
    assert 'idp_http_requests_total{method="GET",route="unknown",status="404"} 2.0' in text
    assert 'idp_http_request_seconds_count{route="/scim/v2/Users/{id}"} 2.0' in text
    assert "idp_event_loop_lag_seconds 0.125" in text


async def test_metrics_are_not_for_everybody(open_site: Opener, disk: Disk) -> None:
    assert (await ask(await open_with_health(open_site, disk), "/metrics"))[0] == 200
    assert (await ask(await open_with_health(open_site, disk, "192.0.2.0/24"), "/metrics"))[0] == 404
