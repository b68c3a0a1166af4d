"""What strangers send and how they leave: each gets its status and a sentence, and none a traceback in our log."""

import asyncio
import gzip
import json
import logging

import pytest
from aiohttp import ClientSession, web

from idp.http.faults import FAULT_FORMS, QuietParser, status_of
from tests.idp.http.conftest import MAX_BODY, Opener, Site
from tests.support.process import PATIENCE

HOST = b"Host: localhost\r\nConnection: close\r\n"


def post(path: bytes, body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in (*headers, b"Content-Length: %d" % len(body)))
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + lines + b"\r\n" + body


@pytest.fixture
async def site(open_site: Opener) -> Site:
    return await open_site()


@pytest.mark.parametrize(
    ("request_bytes", "status", "sentence"),
    [
        pytest.param(
            post(b"/echo/read", b"hello", b"Content-Encoding: gzip"), 400, "Content-Encoding", id="gzip that is none"
        ),
        pytest.param(
            post(b"/echo/read", b"hello", b"Content-Encoding: compress"), 415, "gzip, deflate", id="unknown encoding"
        ),
        pytest.param(
            post(b"/echo/post", b"a=b", b"Content-Type: application/x-www-form-urlencoded; charset=klingon"),
            400,
            "Content-Type",
            id="form in an unknown charset",
        ),
        pytest.param(
            post(b"/echo/text", b"hello", b"Content-Type: text/plain; charset=klingon"),
            400,
            "Content-Type",
            id="text in an unknown charset",
        ),
        pytest.param(
            post(b"/echo/text", b"\xff\xfe\xff", b"Content-Type: text/plain; charset=utf-8"),
            400,
            "Content-Type",
            id="bytes that are not UTF-8",
        ),
        pytest.param(
            post(b"/echo/post", b"--x", b"Content-Type: multipart/form-data"), 400, "Content-Type", id="no boundary"
        ),
        pytest.param(post(b"/echo/read", b"x" * (MAX_BODY + 1)), 413, f"limit of {MAX_BODY}", id="long body"),
        pytest.param(
            post(b"/echo/read", gzip.compress(b"0" * 5_000_000), b"Content-Encoding: gzip"),
            413,
            f"limit of {MAX_BODY}",
            id="body that is long once decompressed",
        ),
        pytest.param(
            b"POST /echo/read HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
            b"BB8\r\n" + b"x" * 0xBB8 + b"\r\n0\r\n\r\n",
            413,
            f"limit of {MAX_BODY}",
            id="long body in chunks",
        ),
        pytest.param(
            b"GET /echo/" + b"a" * 17_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "over the limit", id="long target"
        ),
    ],
)
async def test_a_request_that_cannot_be_read_is_the_clients_fault(
    site: Site, caplog: pytest.LogCaptureFixture, request_bytes: bytes, status: int, sentence: str
) -> None:
    answer = (await site.raw(request_bytes)).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert sentence in answer
    assert [line.status for line in site.log.lines] == [status]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nHost: x\r\nA\x00: b\r\n\r\n"])
async def test_what_is_not_http_is_one_line_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture, garbage: bytes
) -> None:
    caplog.set_level(logging.INFO)
    assert b" 400 " in await site.raw(garbage)
    assert all(record.exc_info is None and record.levelno <= logging.INFO for record in caplog.records)


async def test_a_client_that_leaves_in_mid_body_leaves_no_traceback(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"POST /echo/read HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(PATIENCE), ClientSession() as client:
        while not site.log.lines or site.log.lines[0].path != "/echo/read":
            # The server answers in order of arrival, so a request after the lost one ends after it.
            async with client.get(site.url("/scim/v2/Users/1")) as answer:
                assert answer.status == 200
    assert site.log.lines[0].status == 499
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_body_that_trickles_ends_with_the_deadline(open_site: Opener) -> None:
    site = await open_site(deadline=0.2)
    answer = await site.raw(b"POST /echo/read HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\nhalf")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in answer


async def test_a_handler_that_takes_too_long_is_given_up_with_503_and_named_in_the_log(
    open_site: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    site = await open_site(deadline=0.2)
    async with ClientSession() as client, client.get(site.url("/wait")) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert await answer.text() == "the request took too long\n"
    [record] = caplog.records
    assert record.getMessage() == f"request {answer.headers['X-Request-Id']}: the request took too long"


async def test_a_bug_is_500_without_details_and_logged_under_the_request_s_id(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async with ClientSession() as client, client.get(site.url("/fail")) as answer:
        assert answer.status == 500
        assert "a bug of ours" not in await answer.text()
        request_id = answer.headers["X-Request-Id"]
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert request_id in record.getMessage()
    assert record.exc_info is not None


async def test_each_part_of_the_site_answers_in_its_own_form(open_site: Opener) -> None:
    def scim(request: web.Request, error: Exception) -> web.StreamResponse:
        return web.json_response({"detail": str(error)}, status=status_of(error))

    def page(request: web.Request, error: Exception) -> web.StreamResponse:
        return web.Response(text=f"<p>{error}", status=status_of(error), content_type="text/html")

    site = await open_site(lambda app: app.__setitem__(FAULT_FORMS, {"/scim/": scim, "/": page}))
    long = b"x" * 17_000
    in_scim = await site.raw(b"GET /scim/v2/Users/" + long + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert json.loads(in_scim.partition(b"\r\n\r\n")[2])["detail"].startswith("the request's target")
    at_its_root = await site.raw(b"GET /scim?" + long + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert json.loads(at_its_root.partition(b"\r\n\r\n")[2])["detail"].startswith("the request's target")
    beside = await site.raw(b"GET /scimitar?" + long + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert b"<p>the request's target" in beside
    on_a_page = await site.raw(b"GET /" + long + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert b"<p>the request's target" in on_a_page


def test_the_filter_keeps_what_it_does_not_know() -> None:
    record = logging.LogRecord("aiohttp.server", logging.ERROR, "", 1, "x", None, (KeyError, KeyError("x"), None))
    assert QuietParser().filter(record)
    assert record.exc_info is not None
