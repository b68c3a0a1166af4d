"""Errors as pages."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from idp.errors import CallerError, Overloaded, PermissionDenied, RateLimited, Unavailable, VersionMismatch
from idp.http.faults import FAULT_FORMS
from idp.web import fault_page
from tests.support.pages import Visitor
from tests.support.site import Site, outermost

SECRET = "a-detail-of-the-inside"


async def test_an_unknown_path_is_a_page_with_a_way_back(visitor: Visitor) -> None:
    page = await visitor.get("/no/such/page")
    assert (page.status, "There is nothing here" in page.text) == (404, True)
    assert 'href="/account"' in page.html


async def test_a_wrong_method_names_the_right_ones(visitor: Visitor) -> None:
    answer = await visitor.client.put("/login")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD,POST")


async def test_paths_of_programs_are_left_to_their_own_answers(visitor: Visitor) -> None:
    assert "<html" not in (await visitor.get("/scim/v2/Nothing")).html


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (RuntimeError(SECRET), 500, "Something broke on our side"),
        (Unavailable("the store", SECRET), 503, "One moment, please"),
        (Overloaded("the pool", 7), 503, "One moment, please"),
        (PermissionDenied(SECRET, "users"), 403, "This is not for you to see"),
        (RateLimited(240), 429, "Try again in 4 minutes"),
        (VersionMismatch("users", "1"), 409, "Somebody was faster"),
        (CallerError("the thing is wrong"), 400, "The thing is wrong."),
    ],
)
async def test_each_error_has_its_status_and_words_and_keeps_the_inside_inside(
    site: Site, error: Exception, status: int, says: str
) -> None:
    async def fails(request: web.Request) -> web.StreamResponse:
        raise error

    app = web.Application(middlewares=[outermost()])
    app[FAULT_FORMS] = {"/": fault_page}
    app.router.add_get("/fails", fails)
    for key in site.app:
        if key is not FAULT_FORMS:
            app[key] = site.app[key]
    async with TestServer(app) as server:
        page = await Visitor(site.client_of(server)).get("/fails")
    assert page.status == status
    assert says in page.text
    assert SECRET not in page.html
    assert "Traceback" not in page.html
    if status in (429, 503):
        assert int(page.headers["Retry-After"]) > 0
    if status >= 500:
        assert page.headers["X-Request-Id"] in page.text
