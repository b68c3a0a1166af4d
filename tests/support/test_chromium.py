"""The browser that tests use runs scripts, keeps profiles apart, and hears what pages complain of."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.chromium import Chromium

PAGE = "<!doctype html><title>plain</title><script>{script}</script>"


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """Pages with a working script, a failing one, and one that their own policy forbids; and a cookie."""

    def answer(script: str, **headers: str) -> web.Response:
        return web.Response(text=PAGE.format(script=script), content_type="text/html", headers=headers)

    async def works(_request: web.Request) -> web.Response:
        response = answer("document.title = 'scripted'")
        response.set_cookie("seen", "yes")
        return response

    async def fails(_request: web.Request) -> web.Response:
        return answer("throw new Error('broken page')")

    async def forbidden(_request: web.Request) -> web.Response:
        return answer("document.title = 'scripted'", **{"Content-Security-Policy": "default-src 'none'"})

    app = web.Application()
    app.router.add_get("/works", works)
    app.router.add_get("/fails", fails)
    app.router.add_get("/forbidden", forbidden)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/")).rstrip("/")


async def test_scripts_run_unless_switched_off(chromium: Chromium, site: str) -> None:
    scripted, plain = await chromium.new_page(), await chromium.new_page(javascript=False)
    await scripted.goto(f"{site}/works")
    await plain.goto(f"{site}/works")
    assert await scripted.title() == "scripted"
    assert await plain.title() == "plain"


async def test_profiles_share_no_cookies(chromium: Chromium, site: str) -> None:
    page = await chromium.new_page()
    await page.goto(f"{site}/works")
    other = await chromium.new_context()
    assert [cookie.get("name") for cookie in await page.context.cookies()] == ["seen"]
    assert await other.cookies() == []


async def test_uncaught_errors_and_policy_violations_are_heard(chromium: Chromium, site: str) -> None:
    page = await chromium.new_page()
    await page.goto(f"{site}/fails")
    await page.goto(f"{site}/forbidden")
    assert await page.title() == "plain"
    heard, chromium.complaints = chromium.complaints, []
    assert [word for word in ("broken page", "Content Security Policy") if any(word in text for text in heard)] == [
        "broken page",
        "Content Security Policy",
    ]
