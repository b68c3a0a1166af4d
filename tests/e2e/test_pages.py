"""The pages in real Chromium: with script and without, by keyboard, on a phone, in the dark."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Download, Page, expect

from tests.support.authenticator import Authenticator
from tests.support.chromium import Chromium, open_chromium
from tests.support.site import PASSWORD, SYSTEM, Site, open_site

PHONE = (360, 740)
# One browser for them all, which lives in one event loop: starting it takes longer than most of them.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """The pages, in this process."""
    async with open_site(tmp_path / "data") as site:
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Chromium]:
    """The browser."""
    async with open_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def chromium(browser: Chromium) -> AsyncIterator[Chromium]:
    """The browser as if nobody had used it; the test fails when a page had an uncaught error or broke its policy."""
    yield browser
    complaints = browser.complaints
    await browser.forget()
    assert not complaints


@pytest_asyncio.fixture(loop_scope="module", params=["script", "no script"])
async def page(request: pytest.FixtureRequest, chromium: Chromium) -> Page:
    """An empty page, which may run scripts or may not."""
    return await chromium.new_page(javascript=request.param == "script")


def url(site: Site, path: str) -> str:
    return str(site.server.make_url(path))


async def log_in(page: Page, site: Site, name: str, path: str = "/account") -> None:
    """Ask for a page, be sent to the login, and give name and password."""
    await page.goto(url(site, path))
    await page.get_by_label("Username or e-mail").fill(name)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def saved_text(download: Download, directory: Path) -> str:
    """What the browser has saved."""
    file = directory / "saved.txt"
    await download.save_as(file)
    return await asyncio.to_thread(file.read_text)


async def scan(page: Page, directory: Path) -> Authenticator:
    """Point the app at the picture on the page."""
    return Authenticator.from_picture(await page.get_by_role("img", name="QR").first.screenshot(), directory)


async def test_a_first_login_by_qr_code_with_codes_to_keep(page: Page, site: Site, tmp_path: Path) -> None:
    await site.person("ada")
    await log_in(page, site, "ada", "/account/password")
    app = await scan(page, tmp_path)
    assert app.issuer == "Gatehouse"
    await page.get_by_label("Six-digit code").fill(app.code())
    await page.get_by_role("button", name="Turn on and continue").click()

    codes = await page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()
    assert len(set(codes)) == 10
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download").click()
    assert (await saved_text(await started.value, tmp_path)).split() == codes
    await page.get_by_label("I keep my recovery codes in a safe place").check()
    await page.get_by_role("button", name="Continue").click()
    await expect(page).to_have_url(url(site, "/account/password"))

    await page.goto(url(site, "/logout"))
    await page.get_by_role("main").get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("status")).to_have_text("You are signed out.")
    await log_in(page, site, "ada")
    await page.get_by_label("Six-digit code").fill(app.code(later=1))
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Ada", exact=True)).to_be_visible()


async def test_a_picture_in_the_dark_can_be_scanned_too(chromium: Chromium, site: Site, tmp_path: Path) -> None:
    await site.person("ada")
    page = await chromium.new_page(dark=True)
    await log_in(page, site, "ada")
    await page.get_by_label("Six-digit code").fill((await scan(page, tmp_path)).code())
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()


async def test_a_login_by_keyboard_alone(chromium: Chromium, site: Site) -> None:
    app, _ = await site.enrolled(await site.person("ada"))
    page = await chromium.new_page()
    await page.goto(url(site, "/login"))
    # The first field has the focus; the link for a forgotten password comes before its own.
    for keys in ("ada", "Tab", "Tab", PASSWORD, "Enter"):
        await (page.keyboard.press(keys) if keys in ("Tab", "Enter") else page.keyboard.type(keys))
    await expect(page.get_by_label("Six-digit code")).to_be_focused()
    await page.keyboard.type(app.code())
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(url(site, "/account"))
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()


async def test_a_refused_form_says_so_to_people_who_do_not_see_it(page: Page, site: Site) -> None:
    await log_in(page, site, "nobody")
    await expect(page.get_by_role("alert")).to_have_text("The name or the password is not right.")
    field = page.get_by_label("Password", exact=True)
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_accessible_description("The name or the password is not right.")
    await expect(field).to_be_focused()
    await expect(page.get_by_label("Username or e-mail")).to_have_value("nobody")


async def test_the_password_can_be_looked_at_and_the_key_copied_where_there_is_a_script(
    chromium: Chromium, site: Site
) -> None:
    await site.person("ada")
    page = await chromium.new_page()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(url(site, "/login"))
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Show the password").click()
    await expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    await page.get_by_role("button", name="Hide the password").click()
    await log_in(page, site, "ada")
    await page.get_by_role("button", name="Copy key").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    await page.get_by_label("Six-digit code").fill(Authenticator(copied).code())
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Copy").click()
    assert len((await page.evaluate("navigator.clipboard.readText()")).split("\n")) == 10


async def test_no_button_is_shown_that_does_nothing_without_script(chromium: Chromium, site: Site) -> None:
    await site.person("ada")
    page = await chromium.new_page(javascript=False)
    await page.goto(url(site, "/login"))
    await expect(page.get_by_role("button")).to_have_text(["Sign in"])
    await log_in(page, site, "ada")
    await expect(page.get_by_role("button", name="Copy key")).to_be_hidden()


async def test_an_administrator_disables_somebody_after_a_question(page: Page, site: Site) -> None:
    ada = await site.person("ada")
    await site.person("zoe", role="root", mfa="off")
    await log_in(page, site, "zoe", "/admin/users?q=ada")
    await page.get_by_role("link", name="Ada").click()
    await page.get_by_role("button", name="Disable").click()
    question = page.get_by_role("dialog", name="Disable Ada?")
    await expect(question).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(question).to_be_hidden()
    await page.get_by_role("button", name="Disable").click()
    await question.get_by_label("Reason").fill("left on Friday")
    await question.get_by_role("button", name="Disable").click()
    await expect(page.get_by_role("main")).to_contain_text("Left on Friday")
    assert (await site.services.users.get(SYSTEM, ada.id)).document["active"] is False


async def test_the_menu_signs_out(page: Page, site: Site) -> None:
    await site.person("ada", mfa="off")
    await log_in(page, site, "ada")
    await page.get_by_role("button", name="Your menu").click()
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(page.get_by_role("status")).to_have_text("You are signed out.")


async def test_a_slash_goes_to_the_search(chromium: Chromium, site: Site) -> None:
    await site.person("zoe", role="root", mfa="off")
    page = await chromium.new_page()
    await log_in(page, site, "zoe", "/admin/users")
    # The key works as soon as the script has run.
    await page.wait_for_load_state("load")
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type("zoe")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(url(site, "/admin/users?q=zoe"))


async def test_every_page_fits_a_phone(chromium: Chromium, site: Site) -> None:
    long = "Wolfeschlegelsteinhausenbergerdorff"
    ada = await site.person("ada", displayName=f"{long} {long}", emails=[{"value": f"{long}@{long}.example.org"}])
    group = await site.services.groups.create(SYSTEM, {"displayName": long * 2, "members": [{"value": ada.id}]})
    await site.person("zoe", role="root", mfa="optional")
    page = await chromium.new_page()
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await log_in(page, site, "ada")
    await check_fits(page)
    await page.context.clear_cookies()
    paths = ["/login", "/forgot", "/setup", "/nowhere"]
    for path in paths:
        await page.goto(url(site, path))
        await check_fits(page)
    await log_in(page, site, "zoe")
    inside = ["/account", "/account/password", "/account/totp/off", "/account/recovery-codes", "/logout"]
    inside += ["/admin/users", "/admin/users?q=xyz", f"/admin/users/{ada.id}", "/admin/groups", "/admin/events"]
    for path in [*inside, f"/admin/groups/{group.id}"]:
        await page.goto(url(site, path))
        await check_fits(page)


async def check_fits(page: Page) -> None:
    """Nothing makes the page wider than the screen."""
    width = await page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert width <= PHONE[0], page.url
