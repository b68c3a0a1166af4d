"""What keeps strangers' pages, old cookies and curious caches away from an account."""

from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

import pytest
from aiohttp import FormData

from tests.support.pages import Visitor
from tests.support.site import PASSWORD, Site, log_in

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://["},
]


async def test_every_page_forbids_what_it_does_not_need(site: Site, visitor: Visitor) -> None:
    ada = await site.logged_in("ada", role="root")
    pages = [await visitor.get("/login"), await ada.get("/account"), await ada.get("/admin/users")]
    for page in [*pages, await visitor.get("/nowhere")]:
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Cache-Control"] == "no-store"
        # Were it no-referrer, browsers would call our own forms' origin null.
        assert page.headers["Referrer-Policy"] == "same-origin"


async def test_the_cookies_are_kept_from_scripts_and_other_sites(site: Site, visitor: Visitor) -> None:
    await site.person("ada", mfa="off")
    form = (await visitor.get("/login")).form("/login")
    answer = await visitor.client.post(
        "/login", data={**form.fields, "username": "ada", "password": PASSWORD}, allow_redirects=False
    )
    cookie = answer.cookies["idp_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert not cookie["secure"]
    assert not cookie["domain"]


class TestBehindHttps:
    """The same with an https address."""

    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"server.public_url": "https://login.example.org"}

    async def test_every_cookie_is_secure(self, visitor: Visitor) -> None:
        answer = await visitor.client.get("/login")
        assert [cookie["secure"] for cookie in answer.cookies.values()] == [True]
        assert "Strict-Transport-Security" in answer.headers

    async def test_forms_are_taken_from_the_public_address_too(self, visitor: Visitor) -> None:
        # The test's client does not send secure cookies over http, so it carries this one by hand.
        answer = await visitor.client.get("/forgot")
        token = (await answer.text()).split('name="csrf_token" value="')[1].split('"')[0]
        headers = {
            "Cookie": f"idp_form={answer.cookies['idp_form'].value}",
            "Origin": "https://login.example.org",
        }
        sent = await visitor.client.post("/forgot", data={"csrf_token": token, "username": "x"}, headers=headers)
        assert sent.status == 200


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_form_sent_from_another_site_is_refused_with_token_and_all(site: Site, headers: dict[str, str]) -> None:
    ada = await site.logged_in("ada")
    form = (await ada.get("/logout")).form("/logout")
    refused = await ada.post("/logout", form.fields, headers=headers)
    assert refused.status == 403
    assert (await ada.get("/account")).status == 200


async def test_a_form_of_our_own_origin_is_taken(site: Site) -> None:
    ada = await site.logged_in("ada")
    form = (await ada.get("/logout")).form("/logout")
    origin = str(ada.client.make_url("/")).rstrip("/")
    assert (await ada.post("/logout", form.fields, headers={"Origin": origin})).path == "/login?notice=signed-out"


async def test_a_form_without_its_token_is_refused_and_changes_nothing(site: Site) -> None:
    ada, eve = await site.logged_in("ada"), await site.logged_in("eve")
    foreign = (await eve.get("/logout")).form("/logout").fields["csrf_token"]
    for token in ("", "x", "é", foreign):
        refused = await ada.post("/logout", {"csrf_token": token})
        assert refused.status == 403
        assert "This page had been open too long" in refused.text
    assert (await ada.post("/logout", {})).status == 403
    assert (await ada.get("/account")).status == 200


async def test_a_login_needs_the_token_of_the_same_browser(site: Site) -> None:
    await site.person("ada", mfa="off")
    ada, eve = site.visitor(), site.visitor()
    form = (await eve.get("/login")).form("/login")
    refused = await ada.send(form, username="ada", current_password=PASSWORD)
    assert refused.status == 403
    assert ada.cookie("idp_session") is None


async def test_a_session_planted_before_the_login_is_worth_nothing_after_it(site: Site, visitor: Visitor) -> None:
    await site.person("ada", mfa="off")
    planted = "A" * 43
    visitor.client.session.cookie_jar.update_cookies({"idp_session": planted}, visitor.client.make_url("/"))
    assert (await visitor.get("/account")).path == "/login?next=/account"
    assert (await log_in(visitor, "ada")).path == "/account"
    assert visitor.cookie("idp_session") != planted
    thief = site.visitor()
    thief.client.session.cookie_jar.update_cookies({"idp_session": planted}, thief.client.make_url("/"))
    assert (await thief.get("/account")).path == "/login?next=/account"


async def test_a_login_under_way_is_not_taken_over_by_a_password_typed_elsewhere(site: Site) -> None:
    """Who plants their own unfinished login in somebody's browser learns nothing of how it goes on."""
    for name in ("ada", "eve"):
        await site.enrolled(await site.person(name))
    eve, ada = site.visitor(), site.visitor()
    assert "Enter the code from your app" in (await log_in(eve, "eve")).text
    planted = eve.cookie("idp_flow")
    assert planted
    form = (await ada.get("/login")).form("/login")
    ada.client.session.cookie_jar.update_cookies({"idp_flow": planted}, ada.client.make_url("/"))
    await ada.send(form, username="ada", current_password=PASSWORD)
    own = ada.cookie("idp_flow")
    assert own not in (None, planted)
    login = site.services.auth.login
    of_eve, of_ada = await login.view(planted), await login.view(own or "")
    assert of_eve is not None
    assert of_ada is not None
    assert (of_eve.address_hint, of_ada.address_hint) == ("e…@example.org", "a…@example.org")


async def test_logging_out_ends_the_session_on_the_server(site: Site) -> None:
    ada, thief = await site.logged_in("ada"), site.visitor()
    stolen = ada.cookie("idp_session") or ""
    gone = await ada.send((await ada.get("/logout")).form("/logout"))
    assert "You are signed out." in gone.text
    assert ada.cookie("idp_session") is None
    thief.client.session.cookie_jar.update_cookies({"idp_session": stolen}, thief.client.make_url("/"))
    assert (await thief.get("/account")).path == "/login?next=/account"


async def test_opening_the_logout_page_signs_nobody_out(site: Site) -> None:
    ada = await site.logged_in("ada")
    await ada.get("/logout")
    assert (await ada.get("/account")).status == 200


async def test_logging_in_once_more_ends_the_session_before(site: Site) -> None:
    ada, thief = await site.logged_in("ada"), site.visitor()
    before = ada.cookie("idp_session") or ""
    page = await ada.get("/login?again")
    assert page.form("/login").fields["username"] == "ada"
    assert (await ada.send(page.form("/login"), current_password=PASSWORD)).path == "/account"
    assert ada.cookie("idp_session") != before
    thief.client.session.cookie_jar.update_cookies({"idp_session": before}, thief.client.make_url("/"))
    assert (await thief.get("/account")).path == "/login?next=/account"


@pytest.mark.parametrize("cookie", ["x" * 5000, "a b", "é", "../..", "'; --"])
async def test_cookies_that_were_never_ours_mean_nobody(visitor: Visitor, cookie: str) -> None:
    answer = await visitor.client.get("/account", headers={"Cookie": f"idp_session={cookie}"}, allow_redirects=False)
    assert answer.status == 303


async def test_a_form_with_a_file_or_an_endless_field_is_refused(visitor: Visitor) -> None:
    form = (await visitor.get("/login")).form("/login")
    long = await visitor.post("/login", {**form.fields, "username": "a" * 10_000})
    assert long.status == 400
    upload = FormData({**form.fields, "username": "ada"})
    upload.add_field("password", b"\0" * 10, filename="p.bin")
    answer = await visitor.client.post("/login", data=upload)
    assert answer.status == 400


async def test_a_login_works_with_curl_and_its_cookie_jar(site: Site, tmp_path: Path) -> None:
    """The same flow with a program of somebody else's: fields and addresses are plain."""
    app, _ = await site.enrolled(await site.person("ada"))
    jar = str(tmp_path / "jar")

    async def curl(path: str, *options: str) -> str:
        url = str(site.server.make_url(path))
        run = await create_subprocess_exec(*("curl", "-sS", "-L", "-b", jar, "-c", jar, *options, url), stdout=PIPE)
        return (await run.communicate())[0].decode()

    def token(page: str) -> str:
        return page.split('name="csrf_token" value="')[1].split('"')[0]

    page = await curl("/login")
    page = await curl("/login", *_fields(csrf_token=token(page), username="ada", password=PASSWORD))
    assert 'autocomplete="one-time-code"' in page
    page = await curl("/login", *_fields(csrf_token=token(page), step="second_factor", code=app.code()))
    assert "Where you are signed in" in page
    assert "ada@example.org" in await curl("/account")


def _fields(**fields: str) -> list[str]:
    return [part for name, value in fields.items() for part in ("--data-urlencode", f"{name}={value}")]
