"""Take the pictures of the README: `make screenshots` writes docs/images/*.png from the real pages."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from idp.access import SYSTEM_ACTOR
from tests.support.chromium import open_chromium
from tests.support.site import PASSWORD, SYSTEM, Site, open_site

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WINDOW = {"width": 1280, "height": 800}

PEOPLE = (
    ("Amélie", "Rousseau", "Design", "Head of Design"),
    ("Björn", "Åkesson", "Engineering", "Site Reliability Engineer"),
    ("Chidi", "Okafor", "Finance", "Controller"),
    ("Elif", "Çelik", "Engineering", "Staff Engineer"),
    ("Ελένη", "Παπαδοπούλου", "Legal", "Counsel"),
    ("Grzegorz", "Kowalczyk", "Support", "Support Lead"),
    ("Hannah", "Großmann", "People", "People Partner"),
    ("Jamal", "Haddad", "Sales", "Account Executive"),
    ("Kateřina", "Novotná", "Engineering", "Product Engineer"),
    ("Liam", "O'Brien", "Sales", "Sales Engineer"),
)
DIRECTORY, DISABLED = SYSTEM_ACTOR("corp"), "Jamal"


async def take(target: Path) -> None:
    """Write every picture into a folder."""
    with tempfile.TemporaryDirectory() as data:
        async with open_site(Path(data)) as site, open_chromium() as browser:
            await populate(site)
            page = await browser.new_page()
            await page.set_viewport_size({"width": WINDOW["width"], "height": WINDOW["height"]})
            await _pictures(site, page, target)


async def populate(site: Site) -> None:
    """Fill the directory with a small company, its groups, and an administrator."""
    users, groups = site.services.users, site.services.groups
    await site.person("mara.lindqvist", role="root", mfa="optional", displayName="Mara Lindqvist")
    await site.person("nadia", displayName="Nadia Rahman")
    ids: dict[str, list[str]] = {}
    for given, family, department, title in PEOPLE:
        created = await users.create(SYSTEM, _document(given, family, department, title), source="ldap:corp")
        ids.setdefault(department, []).append(created.id)
        if given == DISABLED:
            await users.set_active(DIRECTORY, created.id, False, "gone from directory corp")
    teams = [
        await groups.create(SYSTEM, {"displayName": name, "members": [{"value": each} for each in members]})
        for name, members in ids.items()
    ]
    await groups.create(SYSTEM, {"displayName": "Everybody", "members": [{"value": team.id} for team in teams]})


def _document(given: str, family: str, department: str, title: str) -> dict[str, Any]:
    plain = f"{given}.{family}".lower().translate(str.maketrans("éöåçßřá'", "eoacsra."))
    login = plain if plain.isascii() else "eleni.papadopoulou"
    return {
        "userName": login,
        "displayName": f"{given} {family}",
        "name": {"givenName": given, "familyName": family},
        "title": title,
        "active": True,
        "emails": [{"value": f"{login}@example.org", "type": "work", "primary": True}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": department},
    }


async def _pictures(site: Site, page: Page, target: Path) -> None:
    await page.goto(_url(site, "/login"))
    await page.screenshot(path=target / "login.png")
    await _log_in(site, page, "nadia")
    await page.screenshot(path=target / "enrolment.png")
    await page.context.clear_cookies()
    await _log_in(site, page, "mara.lindqvist")
    await page.goto(_url(site, "/admin/users"))
    await page.screenshot(path=target / "console-users.png")
    await page.get_by_role("link", name="Elif Çelik").click()
    await page.screenshot(path=target / "console-user.png")


async def _log_in(site: Site, page: Page, name: str) -> None:
    await page.goto(_url(site, "/login"))
    await page.get_by_label("Username or e-mail").fill(name)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


def _url(site: Site, path: str) -> str:
    return str(site.server.make_url(path))


def main(arguments: Sequence[str]) -> None:
    """Take the pictures into docs/images, or into the folder given."""
    target = Path(arguments[0]) if arguments else IMAGES
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(target))


if __name__ == "__main__":
    main(sys.argv[1:])
