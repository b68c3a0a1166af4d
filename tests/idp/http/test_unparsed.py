"""What aiohttp refuses by itself is answered in the form of the part of the site that was asked."""

import json
import logging

import pytest
from aiohttp import web

from idp.http.faults import status_of
from idp.http.unparsed import BARE_FORMS, MAX_FIELD, MAX_LINE
from tests.idp.http.conftest import Opener, Site

HOST = b"Host: localhost\r\nConnection: close\r\n"


def form(request: web.Request, error: Exception) -> web.StreamResponse:
    return web.json_response({"detail": str(error)}, status=status_of(error))


@pytest.fixture
async def site(open_site: Opener) -> Site:
    return await open_site(lambda app: app.__setitem__(BARE_FORMS, {"/scim/": form}))


def asked(method: bytes = b"GET", target: bytes = b"/scim/v2/Users", *headers: bytes, body: bytes = b"") -> bytes:
    head = b"%b %b HTTP/1.1\r\n" % (method, target) + HOST
    return head + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


CASES = {
    "an unknown method": (asked(b"FOO"), 400, "the method"),
    "a method in small letters": (asked(b"get"), 400, "the method"),
    "a blank in the target": (asked(target=b"/scim/v2/Users?filter=id pr"), 400, "the first line"),
    "another version": (b"GET /scim/v2/Users HTTP/9.9\r\n" + HOST + b"\r\n", 400, "the first line"),
    "a target that is not ASCII": (asked(target="/scim/v2/Users/é".encode()), 400, "the target"),
    "a host that is none": (asked(target=b"http://x:y/scim/v2/Users"), 400, "the target"),
    "a target over the parser's limit": (asked(target=b"/scim/v2/Users?" + b"x" * MAX_LINE), 414, "target is over"),
    "a long field": (asked(b"GET", b"/scim/v2", b"X: " + b"x" * (MAX_FIELD + 1)), 431, "head is too large"),
    "many fields": (asked(b"GET", b"/scim/v2", *[b"X: y"] * 200), 431, "head is too large"),
    "a field's name that is none": (asked(b"GET", b"/scim/v2", b"a b: c"), 400, "a header field"),
    "two hosts": (asked(b"GET", b"/scim/v2", b"Host: other"), 400, "there twice"),
    "a chunk that is none": (
        asked(b"POST", b"/scim/v2", b"Transfer-Encoding: chunked", body=b"zz\r\n\r\n"),
        400,
        "a chunk",
    ),
    "an encoding that is not undone": (
        asked(b"POST", b"/scim/v2", b"Content-Encoding: br", b"Content-Length: 1", body=b"x"),
        415,
        "gzip, deflate",
    ),
    "an unknown expectation": (asked(b"GET", b"/scim/v2/Users/1", b"Expect: miracles"), 417, "100-continue"),
    "an unknown expectation of nobody": (asked(b"GET", b"/scim/nosuch", b"Expect: miracles"), 417, "100-continue"),
}


@pytest.mark.parametrize("case", CASES)
async def test_it_is_refused_in_form_and_the_connection_ends(
    site: Site, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    request, status, sentence = CASES[case]
    head, _, body = (await site.raw(request)).partition(b"\r\n\r\n")
    assert head.split()[1] == str(status).encode()
    assert b"application/json" in head
    assert b"\r\nServer: Gatehouse" in head
    assert sentence in json.loads(body)["detail"]
    assert (b"\r\nAccept-Encoding: gzip, deflate" in head) == (status == 415)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("case", ["an unknown method", "a long field", "an unknown expectation"])
async def test_where_there_is_no_form_the_answer_is_plain_text(site: Site, case: str) -> None:
    request, _, _ = CASES[case]
    answer = await site.raw(request.replace(b"/scim/v2", b"/wait/v2"))
    assert b"\r\nContent-Type: text/plain" in answer
    assert b"\r\nServer: Gatehouse" in answer


async def test_the_form_is_that_of_the_path_also_where_the_head_comes_in_pieces(site: Site) -> None:
    fields = [b"Long-%d: " % number + b"a b" * 10_000 for number in range(40)]
    head, _, body = (await site.raw(asked(b"GET", b"/scim/v2", *fields, b"a b: c"))).partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    assert "a header field" in json.loads(body)["detail"]
