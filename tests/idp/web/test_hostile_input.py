"""What nobody types by accident: it is refused or found to be nobody's, and never breaks a page."""

from io import BytesIO

import pytest

from tests.support.pages import Visitor
from tests.support.site import SYSTEM, Site, log_in

TEXTS = [
    "\0",
    "a\0b",
    "\ud7ff\ue000\uffff",
    "\u202e\u200b",
    "'; DROP TABLE users; --",
    "{{ 7 * 7 }}{% raise %}",
    "../../../etc/passwd",
    "%00%ff%",
    "*)(uid=*",
    '{"$gt": ""}',
    "a" * 4000,
    "😀" * 500,
    "\r\nSet-Cookie: x=y",
]


@pytest.mark.parametrize("text", TEXTS)
async def test_no_text_gets_past_the_login_or_breaks_it(visitor: Visitor, text: str) -> None:
    assert (await log_in(visitor, text, text, next=text)).status == 422
    page = await visitor.get("/login")
    for step in ("second_factor", "choose", "enrol", "recovery_codes", "new_password", text):
        fields = {"csrf_token": page.form("/login").fields["csrf_token"], "step": step, "code": text, "factor": text}
        reply = await visitor.post("/login", fields)
        assert (reply.status, reply.path.split("?")[0]) == (200, "/login")
    assert visitor.cookie("idp_session") is None
    assert (await visitor.send((await visitor.get("/forgot")).form("/forgot"), username=text)).status == 200
    for path in ("/setup", "/reset"):
        assert (await visitor.get(path, params={"token": text})).status == 404


@pytest.mark.parametrize("text", TEXTS)
async def test_no_text_in_an_address_breaks_the_console(site: Site, text: str) -> None:
    zoe = await site.logged_in("zoe", role="root")
    for name in ("q", "sort", "order", "page", "notice"):
        for path in ("/admin/users", "/admin/groups", "/admin/events"):
            assert (await zoe.get(path, params={name: text})).status == 200
    url = zoe.client.make_url("/admin/users").joinpath(text[:200].replace("/", "-"))
    assert (await zoe.get(str(url.raw_path))).status in (400, 404)
    group = await site.services.groups.create(SYSTEM, {"displayName": "Engines"})
    assert (await zoe.get(f"/admin/groups/{group.id}", params={"after": text})).status == 200


async def test_a_body_over_the_limit_is_a_page_that_says_so(visitor: Visitor) -> None:
    answer = await visitor.client.post("/login", data=BytesIO(b"username=" + b"a" * 2_000_000))
    assert (answer.status, "That is too much at once" in await answer.text()) == (413, True)


async def test_a_body_in_an_unknown_charset_is_refused(visitor: Visitor) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=klingon"}
    answer = await visitor.client.post("/login", data=b"username=x", headers=headers)
    assert answer.status == 400


async def test_a_body_that_is_no_text_is_refused(visitor: Visitor) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await visitor.client.post("/login", data=b"username=%ff%fe&password=\xff", headers=headers)
    assert answer.status in (400, 403)
