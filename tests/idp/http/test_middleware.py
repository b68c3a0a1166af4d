"""The middleware around everything: ids, headers, the log, overload."""

import asyncio
import io
import json
import threading
import time

import pytest
from aiohttp import ClientSession, web

from idp.http.access_log import AccessLog, Line, open_access_log
from idp.http.lag import TICK, LoopLag
from tests.idp.http.conftest import Opener, Site
from tests.support.clock import START
from tests.support.process import PATIENCE


@pytest.fixture
async def site(open_site: Opener) -> Site:
    return await open_site()


async def ask(site: Site, path: str, **headers: str) -> web.Response:
    """Return status and headers of an answer, as a response."""
    async with ClientSession() as client, client.get(site.url(path), headers=headers, allow_redirects=False) as answer:
        return web.Response(status=answer.status, headers=answer.headers, body=await answer.read())


async def test_each_answer_carries_a_request_id_the_caller_s_if_it_is_harmless(site: Site) -> None:
    own = await ask(site, "/scim/v2/Users/1")
    given = await ask(site, "/scim/v2/Users/1", **{"X-Request-Id": "from-the-proxy.7"})
    forged = await ask(site, "/scim/v2/Users/1", **{"X-Request-Id": "a line\twith more"})
    assert own.headers["X-Request-Id"] == "request-1"
    assert given.headers["X-Request-Id"] == "from-the-proxy.7"
    assert forged.headers["X-Request-Id"] == "request-2"
    assert [line.request_id for line in site.log.lines] == ["request-1", "from-the-proxy.7", "request-2"]


@pytest.mark.parametrize("path", ["/echo/text", "/refuse", "/fail", "/nowhere"])
async def test_pages_of_every_outcome_carry_the_security_headers(site: Site, path: str) -> None:
    answer = await ask(site, path)
    assert answer.headers["X-Request-Id"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Server"] == "Gatehouse"
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("path", ["/scim/v2/Users/1", "/scim"])
async def test_scim_answers_carry_only_what_programs_need_and_https_is_insisted_on(
    open_site: Opener, path: str
) -> None:
    site = await open_site(https=True)
    answer = await ask(site, path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in answer.headers
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


async def test_the_log_names_path_and_outcome_but_no_query(site: Site) -> None:
    await ask(site, "/echo/text?token=s3cret")
    await ask(site, "/nowhere%0Aforged?token=s3cret")
    first, second = site.log.lines
    assert (first.method, first.path, first.status, first.address) == ("GET", "/echo/text", 200, "127.0.0.1")
    assert second.path == "/nowhere%0Aforged"
    assert "s3cret" not in str(site.log.lines)


LINE = Line(START, "192.0.2.1", "client:c1", "GET", "/scim/v2/Users", 200, 0.00125, "r1")


def opened(kind: str, stream: io.StringIO) -> AccessLog:
    """Open a log that is not off."""
    log = open_access_log(kind, stream)
    assert log is not None
    return log


async def test_lines_are_held_back_a_moment_and_written_together() -> None:
    stream = io.StringIO()
    log = opened("text", stream)
    log.write(LINE)
    assert stream.getvalue() == ""
    log.write(LINE)
    log.flush()
    expected = "2026-03-11T09:26:53.589Z 192.0.2.1 client:c1 GET /scim/v2/Users 200 1.2ms r1\n"
    assert stream.getvalue() == expected * 2
    log.flush()
    assert stream.getvalue() == expected * 2


class Announcing(io.StringIO):
    """A stream that tells when it is flushed, to the loop and to who keeps the loop waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed, self.flushed_meanwhile = asyncio.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()

    def flush(self) -> None:
        super().flush()
        self.flushed_meanwhile.set()
        self._loop.call_soon_threadsafe(self.flushed.set)


async def test_a_held_line_goes_out_by_itself_and_a_full_buffer_at_once() -> None:
    stream = Announcing()
    log = opened("json", stream)
    log.write(LINE)
    async with asyncio.timeout(PATIENCE):
        await stream.flushed.wait()
    assert json.loads(stream.getvalue())["path"] == "/scim/v2/Users"
    stream.flushed_meanwhile.clear()
    for _ in range(500):
        log.write(LINE)
    # The loop stands still, so that no timer can have done it.
    assert stream.flushed_meanwhile.wait(PATIENCE)
    assert stream.getvalue().count("\n") == 501


class Broken(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


async def test_requests_are_answered_when_nobody_reads_the_log_any_more(open_site: Opener) -> None:
    site = await open_site(access_log=open_access_log("text", Broken()))
    answers = [await ask(site, "/scim/v2/Users/1") for _ in range(600)]
    assert {answer.status for answer in answers} == {200}


def test_the_log_can_be_off() -> None:
    assert open_access_log("off", io.StringIO()) is None


async def block(lag: LoopLag, seconds: float) -> None:
    """Keep the loop busy until its timer has run late once more."""
    until = time.monotonic() + TICK + seconds
    while time.monotonic() < until:
        pass
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_loop_that_runs_late_twice_is_overloaded_and_recovers() -> None:
    lag = LoopLag(0.1)
    lag.start()
    await block(lag, 0.15)
    assert lag.seconds > 0.1
    overloaded = [lag.is_overloaded]
    await block(lag, 0.15)
    overloaded.append(lag.is_overloaded)
    assert overloaded == [False, True], "one hiccup is no overload"
    # A tick on time is enough, which on a busy machine may take a while to come.
    async with asyncio.timeout(PATIENCE):
        while lag.is_overloaded:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(TICK)
    lag.stop()


async def test_an_overloaded_server_refuses_early_and_says_when_to_come_back(open_site: Opener) -> None:
    site = await open_site(max_lag=0.05)
    handled = 0
    async with ClientSession() as client:

        async def one(path: str) -> tuple[int, str | None]:
            async with client.get(site.url(path)) as answer:
                return answer.status, answer.headers.get("Retry-After")

        for _ in range(50):
            await block(site.lag, 0.1)
            status, retry_after = await one("/scim/v2/Users/1")
            if status == 503:
                assert retry_after == "1"
                assert (await one("/healthz"))[0] == 404, "health is asked of an overloaded server, too"
                return
            handled += 1
    pytest.fail(f"{handled} requests went through an overloaded loop")
