"""From a directory to a dead session, with real processes only: slapd, our server and commands, Chromium."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.authenticator import Authenticator
from tests.support.idp import Idp
from tests.support.people import Company, Person, make_company
from tests.support.slapd import Slapd

PEOPLE, GROUPS = 1000, 30
GATEHOUSE_USER = "urn:gatehouse:params:scim:schemas:extension:2.0:User"


@pytest.fixture
def company() -> Company:
    """A thousand people of many scripts, thirty groups, some nested and two in a loop."""
    return make_company(PEOPLE, GROUPS)


@pytest.fixture
def directory(company: Company, tmp_path: Path) -> Iterator[Slapd]:
    """The company in a slapd of its own."""
    server = Slapd(tmp_path / "slapd")
    server.load(company.ldif())
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "mongodb"])
def idp(request: pytest.FixtureRequest, directory: Slapd, tmp_path: Path) -> Iterator[Idp]:
    """The server on either store, with the company's directory as the source `corp`."""
    store = "" if request.param == "sqlite" else request.getfixturevalue("mongo_database_uri")
    settings = {
        "IDP_LDAP__CORP__URL": directory.url,
        "IDP_LDAP__CORP__BASE": directory.base,
        "IDP_LDAP__CORP__BIND_DN": directory.admin_dn,
        "IDP_LDAP__CORP__BIND_PASSWORD": directory.admin_password,
    }
    installation = Idp(tmp_path / "idp", store=store, settings=settings)
    installation.start()
    yield installation
    installation.stop()


def all_of(idp: Idp, path: str, token: str) -> list[dict[str, Any]]:
    """Read a whole list page by page, its total being the same on each."""
    found: list[dict[str, Any]] = []
    while True:
        listed = idp.get(path, token, startIndex=len(found) + 1, count=400)
        found += listed.get("Resources", [])
        if len(found) >= listed["totalResults"]:
            assert len(found) == listed["totalResults"]
            return found


def check_what_scim_shows(idp: Idp, token: str, company: Company) -> dict[str, str]:
    """Compare every person, group and membership with the company; returns the ids of people by login name."""
    users = all_of(idp, "/Users", token)
    groups = all_of(idp, "/Groups", token)
    ids = {user["userName"]: user["id"] for user in users}
    assert sorted(ids) == sorted(person.uid for person in company.people)
    by_name = {user["userName"]: user for user in users}
    for person in company.people:
        assert by_name[person.uid]["displayName"] == person.display_name
        assert by_name[person.uid]["name"]["familyName"] == person.family_name
        assert by_name[person.uid]["active"] is True
        assert person.mail in [email["value"] for email in by_name[person.uid]["emails"]]
    group_ids = {group["displayName"]: group["id"] for group in groups}
    assert sorted(group_ids) == sorted(group.name for group in company.groups)
    id_of = {person.dn: ids[person.uid] for person in company.people}
    id_of |= {group.dn: group_ids[group.name] for group in company.groups}
    members = {group["displayName"]: {member["value"] for member in group.get("members", [])} for group in groups}
    assert members == {group.name: {id_of[dn] for dn in group.members if dn} for group in company.groups}
    return ids


def check_nesting(idp: Idp, token: str, person: Person, id: str) -> None:
    """Everybody holds the departments, so a person is in her department and, through it, in Everybody."""
    found = {group["display"]: group["type"] for group in idp.get(f"/Users/{id}", token)["groups"]}
    assert found[person.department] == "direct"
    assert found["Everybody"] == "indirect"


async def log_in(page: Page, idp: Idp, person: Person) -> None:
    """Ask for the own account, be sent to log in, and give name and directory password."""
    await page.goto(f"{idp.url}/account")
    await page.fill("[autocomplete=username]", person.uid)
    await page.fill("[autocomplete=current-password]", person.password)
    await page.get_by_role("button", name="Sign in").click()


async def give_code(page: Page, code: str) -> None:
    """Type a second factor's code; the page may send the form by itself once six digits are there."""
    field = page.locator("[autocomplete=one-time-code]")
    await field.fill(code)
    await field.press("Enter")


async def enrol(page: Page, directory: Path) -> tuple[Authenticator, list[str]]:
    """Set up the authenticator from the picture on the page; returns it and the recovery codes."""
    picture = page.locator(".qr").first
    app = Authenticator.from_picture(await picture.screenshot(), directory)
    await give_code(page, app.code())
    codes = await page.locator(".codes li").all_inner_texts()
    await page.get_by_label("I keep my recovery codes in a safe place").check()
    await page.get_by_role("button", name="Continue").click()
    return app, codes


async def log_out(page: Page, idp: Idp) -> None:
    """Leave by the button of the log-out page."""
    await page.goto(f"{idp.url}/logout")
    await page.get_by_role("main").get_by_role("button", name="Sign out").click()


async def is_shut_out(page: Page, idp: Idp) -> bool:
    """Tell whether her cookies no longer open the account page."""
    return (await page.request.get(f"{idp.url}/account", max_redirects=0)).status in (302, 303)


async def log_in_again_and_replay(page: Page, idp: Idp, person: Person, app: Authenticator) -> None:
    """In with the next code; the same code a second time is refused."""
    code = app.code(later=1)
    await log_in(page, idp, person)
    await give_code(page, code)
    await expect(page).to_have_url(f"{idp.url}/account")
    await log_out(page, idp)
    await log_in(page, idp, person)
    await give_code(page, code)
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await is_shut_out(page, idp)


async def use_recovery_code(page: Page, idp: Idp, code: str) -> None:
    """Get in without the phone."""
    await page.get_by_role("button", name="Use a recovery code").click()
    await page.fill("[autocomplete=one-time-code]", code)
    await page.get_by_role("button", name="Continue").click()
    await expect(page).to_have_url(f"{idp.url}/account")


def leave_the_company(idp: Idp, directory: Slapd, person: Person) -> None:
    """Gone from the directory: the next run disables her, and her record says why."""
    directory.delete(person.dn)
    assert idp.json("ldap", "sync", "corp")["counts"]["disable"] == 1
    shown = idp.json("user", "show", person.uid)
    assert shown["active"] is False
    assert "corp" in shown[GATEHOUSE_USER]["status"]["reason"]
    assert shown[GATEHOUSE_USER]["status"]["by"].startswith("ldap:corp")


async def test_a_person_of_the_directory_from_first_login_to_leaving(
    idp: Idp, directory: Slapd, company: Company, page: Page, tmp_path: Path
) -> None:
    token = idp.command("token", "create", "acceptance")
    first = idp.json("ldap", "sync", "corp")
    again = idp.json("ldap", "sync", "corp")
    assert first["counts"]["create"] == PEOPLE + GROUPS
    assert not any(again["counts"].values()), "a second run without changes changes nothing"
    ids = check_what_scim_shows(idp, token, company)
    person = company.people[41]
    check_nesting(idp, token, person, ids[person.uid])

    await log_in(page, idp, person)
    app, recovery_codes = await enrol(page, tmp_path)
    assert len(set(recovery_codes)) == 10
    await expect(page).to_have_url(f"{idp.url}/account")
    await expect(page.get_by_role("main")).to_contain_text(person.display_name)
    await log_out(page, idp)
    await log_in_again_and_replay(page, idp, person, app)
    await use_recovery_code(page, idp, recovery_codes[0])

    idp.patch(f"/Users/{ids[person.uid]}", token, {"op": "replace", "path": "active", "value": False})
    assert await is_shut_out(page, idp), "her session is dead at the next request"
    idp.command("user", "enable", person.uid)
    assert await is_shut_out(page, idp), "and stays dead"

    leave_the_company(idp, directory, person)
    await log_in(page, idp, person)
    await expect(page.get_by_role("alert")).to_be_visible()
    assert idp.get("/Users", token)["totalResults"] == PEOPLE, "disabled, not deleted"
