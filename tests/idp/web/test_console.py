"""The console."""

import re

import pytest

from idp.store.contract import Delete
from tests.support.pages import Reply, Visitor
from tests.support.site import SYSTEM, Site, log_in

XSS = "<img src=x onerror=alert(1)>"


def names(page: Reply) -> list[str]:
    """The names in the list, in its order."""
    return [name.strip() for name in re.findall(r'class="row-link"[^>]*>([^<]*)</a>', page.html)]


async def admin(site: Site, role: str = "root") -> Visitor:
    return await site.logged_in("zoe", role=role)


@pytest.mark.parametrize("role", ["user", "developer"])
async def test_only_who_may_see_others_gets_in(site: Site, role: str) -> None:
    visitor, other = await admin(site, role), await site.person("ada")
    for path in ("/admin/users", "/admin/groups", "/admin/events", f"/admin/users/{other.id}", "/admin"):
        page = await visitor.get(path)
        assert (page.status, "This is not for you to see" in page.text) == (403, True)
    assert "/admin" not in (await visitor.get("/account")).html


async def test_the_console_is_in_the_navigation_of_who_may_see_it(site: Site) -> None:
    assert 'href="/admin/users"' in (await (await admin(site, "admin")).get("/account")).html


async def test_users_are_listed_by_name_and_the_order_is_turned_round_by_a_link(site: Site) -> None:
    for name in ("carl", "ada", "björn"):
        await site.person(name)
    zoe = await admin(site)
    page = await zoe.get("/admin")
    assert names(page) == ["Ada", "Björn", "Carl", "Zoe"]
    link = re.search(r'aria-sort="ascending">\s*<a href="([^"]+)"', page.html)
    assert link is not None
    assert names(await zoe.get(link[1])) == ["Zoe", "Carl", "Björn", "Ada"]


async def test_a_search_finds_parts_of_names_logins_and_addresses_in_any_case(site: Site) -> None:
    await site.person("ada", displayName="Ada Lovelace")
    await site.person("carl", emails=[{"value": "c.f.gauss@goettingen.example"}])
    zoe = await admin(site)
    for text, found in (("LOVE", ["Ada Lovelace"]), ("car", ["Carl"]), ("goett", ["Carl"]), ("nobody", [])):
        assert names(await zoe.get("/admin/users", params={"q": text})) == found
    empty = await zoe.get("/admin/users", params={"q": f'{XSS}"'})
    assert "Nobody found" in empty.text
    assert XSS not in empty.html


async def test_long_lists_have_pages_and_their_state_is_in_the_address(site: Site) -> None:
    for number in range(30):
        await site.services.users.create(SYSTEM, {"userName": f"p{number:02}", "displayName": f"Person {number:02}"})
    zoe = await admin(site)
    first = await zoe.get("/admin/users", params={"q": "Person"})
    assert "1\N{EN DASH}25 of 30" in first.text
    following = re.search(r'rel="next" href="([^"]+)"', first.html)
    assert following is not None
    second = await zoe.get(following[1].replace("&amp;", "&"))
    assert "26\N{EN DASH}30 of 30" in second.text
    assert names(first) + names(second) == [f"Person {number:02}" for number in range(30)]


async def test_a_person_is_shown_with_attributes_and_groups_as_text_never_as_markup(site: Site) -> None:
    ada = await site.person("ada", displayName=XSS, title=XSS)
    inner = await site.services.groups.create(SYSTEM, {"displayName": "Engines", "members": [{"value": ada.id}]})
    await site.services.groups.create(SYSTEM, {"displayName": "Everybody", "members": [{"value": inner.id}]})
    page = await (await admin(site)).get(f"/admin/users/{ada.id}")
    assert XSS not in page.html
    assert page.text.count(XSS) >= 2
    assert "Engines" in page.text
    assert "Everybody through another group" in page.text
    assert "Not set up" in page.text


async def test_nobody_of_that_id_is_a_page(site: Site) -> None:
    zoe = await admin(site)
    for path in ("/admin/users/nobody", "/admin/groups/none", "/admin/users/%2e%2e%2f"):
        assert (await zoe.get(path)).status == 404


async def test_disabling_shuts_somebody_out_at_once_and_says_why(site: Site) -> None:
    ada_herself = await site.logged_in("ada")
    ada = await site.services.users.by_login("ada")
    assert ada is not None
    zoe = await admin(site)
    page = await zoe.get(f"/admin/users/{ada.id}")
    done = await zoe.send(page.form(f"/admin/users/{ada.id}/disable"), reason="left on Friday")
    assert "The account is disabled" in done.text
    assert "Disabled. Left on Friday" in done.text
    assert (await ada_herself.get("/account")).path == "/login?next=/account"
    enabled = await zoe.send(done.form(f"/admin/users/{ada.id}/enable"))
    assert "The account is enabled" in enabled.text
    assert (await log_in(ada_herself, "ada")).path == "/account"


async def test_a_second_step_is_reset_and_set_up_anew_at_the_next_login(site: Site, visitor: Visitor) -> None:
    ada = await site.person("ada")
    await site.enrolled(ada)
    zoe = await admin(site)
    page = await zoe.get(f"/admin/users/{ada.id}")
    assert "Authenticator app" in page.text
    done = await zoe.send(page.form(f"/admin/users/{ada.id}/reset-factor"))
    assert "The second step is reset" in done.text
    assert "Protect your account" in (await log_in(visitor, "ada")).text


async def test_a_password_link_is_mailed(site: Site) -> None:
    ada = await site.person("ada")
    zoe = await admin(site)
    page = await zoe.get(f"/admin/users/{ada.id}")
    assert "on its way" in (await zoe.send(page.form(f"/admin/users/{ada.id}/password-link"))).text
    assert await site.services.base.outbox.deliver_due() == 1


async def test_an_administrator_is_offered_nothing_on_who_is_above_and_gets_nowhere_by_hand(site: Site) -> None:
    root = await site.person("root", role="root")
    zoe = await admin(site, "admin")
    page = await zoe.get(f"/admin/users/{root.id}")
    assert [form.action for form in page.forms if form.action != "/logout"] == []
    token = page.form("/logout").fields["csrf_token"]
    for action in ("disable", "reset-factor", "password-link"):
        assert (await zoe.post(f"/admin/users/{root.id}/{action}", {"csrf_token": token})).status == 403
    assert (await log_in(site.visitor(), "root")).status == 200


async def test_nobody_is_offered_to_disable_themselves(site: Site) -> None:
    zoe = await admin(site)
    own = await site.services.users.by_login("zoe")
    assert own is not None
    page = await zoe.get(f"/admin/users/{own.id}")
    assert f"/admin/users/{own.id}/disable" not in [form.action for form in page.forms]


@pytest.mark.parametrize("action", ["enable", "disable"])
async def test_ordinary_people_do_not_switch_their_own_account(site: Site, action: str) -> None:
    ada = await site.logged_in("ada")
    own = await site.services.users.by_login("ada")
    assert own is not None
    token = (await ada.get("/account")).form("/logout").fields["csrf_token"]
    assert (await ada.post(f"/admin/users/{own.id}/{action}", {"csrf_token": token})).status == 403
    assert await site.services.users.by_login("ada") == own


async def test_groups_are_listed_and_searched(site: Site) -> None:
    for name in ("Engines", "Analysts"):
        await site.services.groups.create(SYSTEM, {"displayName": name})
    zoe = await admin(site)
    assert names(await zoe.get("/admin/groups")) == ["Analysts", "Engines"]
    assert names(await zoe.get("/admin/groups?q=engi")) == ["Engines"]
    assert "No group found" in (await zoe.get("/admin/groups?q=x")).text


async def test_a_group_shows_its_members_page_by_page(site: Site) -> None:
    people = [
        await site.services.users.create(SYSTEM, {"userName": f"p{number:03}", "displayName": f"Person {number:03}"})
        for number in range(101)
    ]
    inner = await site.services.groups.create(SYSTEM, {"displayName": "Inner"})
    members = [{"value": person.id} for person in people] + [{"value": inner.id}]
    group = await site.services.groups.create(SYSTEM, {"displayName": "Outer", "members": members})
    zoe = await admin(site)
    first = await zoe.get(f"/admin/groups/{group.id}")
    assert len(names(first)) == 100
    after = re.search(r'rel="next" href="([^"]+)"', first.html)
    assert after is not None
    second = await zoe.get(f"/admin/groups/{group.id}{after[1]}")
    assert sorted(names(first) + names(second)) == ["Inner", *[f"Person {number:03}" for number in range(101)]]


async def test_a_member_deleted_while_the_group_is_read_is_shown_by_its_id(site: Site) -> None:
    ada = await site.person("ada")
    group = await site.services.groups.create(SYSTEM, {"displayName": "Engines", "members": [{"value": ada.id}]})
    zoe = await admin(site)
    # Between the two reads of the page: the membership was seen, the account is not there any more.
    await site.services.base.store.commit([Delete("users", ada.id, ada.version)])
    page = await zoe.get(f"/admin/groups/{group.id}")
    assert (page.status, names(page)) == (200, [ada.id])


async def test_a_password_link_is_not_called_mailed_where_none_was(site: Site, visitor: Visitor) -> None:
    await visitor.send((await visitor.get("/forgot")).form("/forgot"), username="nobody")
    events = await (await admin(site)).get("/admin/events")
    assert "Password link asked for" in events.text
    assert "Password link mailed" not in events.text


async def test_events_tell_who_did_what_to_whom_by_name(site: Site) -> None:
    ada = await site.person("ada")
    zoe = await admin(site)
    await zoe.send((await zoe.get(f"/admin/users/{ada.id}")).form(f"/admin/users/{ada.id}/reset-factor"))
    events = await zoe.get("/admin/events")
    assert "Second step reset Ada" in events.text
    assert "By zoe from 127.0.0.1" in events.text
    assert "Second step reset" in (await zoe.get(f"/admin/users/{ada.id}")).text
