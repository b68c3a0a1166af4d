"""Style sheets, the script and the icon."""

import re

from tests.support.pages import Visitor


async def test_a_page_names_every_file_by_its_content_and_each_is_served(visitor: Visitor) -> None:
    page = await visitor.get("/login")
    paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.html)
    assert len(paths) == 6
    for path in paths:
        assert re.fullmatch(r"/static/[a-z]+\.[0-9a-f]{16}\.(css|js|svg)", path)
        answer = await visitor.client.get(path)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"].split(";")[0] in ("text/css", "text/javascript", "image/svg+xml")


async def test_what_a_browser_has_is_not_sent_again(visitor: Visitor) -> None:
    path = re.findall(r'href="(/static/base[^"]+)"', (await visitor.get("/login")).html)[0]
    tag = (await visitor.client.get(path)).headers["ETag"]
    again = await visitor.client.get(path, headers={"If-None-Match": tag})
    assert (again.status, await again.read()) == (304, b"")


async def test_text_is_compressed(visitor: Visitor) -> None:
    path = re.findall(r'href="(/static/layouts[^"]+)"', (await visitor.get("/login")).html)[0]
    answer = await visitor.client.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"


async def test_nothing_else_can_be_reached_through_them(visitor: Visitor) -> None:
    for path in ("/static/base.css", "/static/..%2Froutes.py", "/static/base.0000000000000000.css", "/static/"):
        assert (await visitor.get(path)).status == 404
