"""The set-up link for the first administrator."""

from tests.support.pages import Reply, Visitor
from tests.support.site import PASSWORD, SYSTEM, Site


async def setup_page(site: Site, visitor: Visitor) -> Reply:
    token = await site.services.auth.setup.link_token()
    return await visitor.get("/setup", params={"token": token or ""})


async def fill(visitor: Visitor, page: Reply, **fields: str) -> Reply:
    usual = {"username": "root", "email": "root@example.org", "new_password": PASSWORD, "confirm_password": PASSWORD}
    return await visitor.send(page.form("/setup"), **(usual | fields))


async def test_the_link_creates_an_administrator_who_goes_straight_on_to_the_second_step(
    site: Site, visitor: Visitor
) -> None:
    page = await setup_page(site, visitor)
    assert page.form("/setup").autocomplete.keys() >= {"username", "email", "new-password"}
    enrol = await fill(visitor, page)
    assert "Protect your account" in enrol.text
    user = await site.services.users.by_login("root@example.org")
    assert user is not None
    assert user.document["userName"] == "root"


async def test_a_link_works_once(site: Site, visitor: Visitor) -> None:
    page = await setup_page(site, visitor)
    await fill(visitor, page)
    again = await visitor.get(page.path)
    assert (again.status, "This link no longer works" in again.text) == (404, True)


async def test_a_form_kept_from_before_creates_no_second_administrator(site: Site, visitor: Visitor) -> None:
    page = await setup_page(site, visitor)
    await fill(visitor, page)
    late = await fill(visitor, page, username="eve", email="eve@example.org")
    assert late.status == 404
    assert await site.services.users.by_login("eve") is None


async def test_without_the_right_link_there_is_nothing(visitor: Visitor) -> None:
    for path in ("/setup", "/setup?token=", "/setup?token=guess"):
        page = await visitor.get(path)
        assert (page.status, page.forms) == (404, [])


async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(site: Site, visitor: Visitor) -> None:
    page = await setup_page(site, visitor)
    refused = await fill(visitor, page, email="nonsense")
    assert "E-mail: is not a mail address." in refused.text
    assert refused.form("/setup").fields["username"] == "root"
    refused = await fill(visitor, refused, email="root@example.org", new_password="short", confirm_password="short")
    assert "At least 10 characters." in refused.text
    refused = await fill(visitor, refused, confirm_password="other")
    assert "The two passwords are not the same." in refused.text
    assert "Protect your account" in (await fill(visitor, refused)).text


async def test_a_name_that_is_taken_is_refused_and_the_link_stays_good(site: Site, visitor: Visitor) -> None:
    await site.services.users.create(SYSTEM, {"userName": "root"})
    page = await setup_page(site, visitor)
    refused = await fill(visitor, page)
    assert "Username: is in use already." in refused.text
    assert "Protect your account" in (await fill(visitor, refused, username="admin")).text
