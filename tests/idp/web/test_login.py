"""Logging in, as a browser without script sees it."""

import pytest

from tests.support.authenticator import Authenticator
from tests.support.pages import Reply, Visitor
from tests.support.site import PASSWORD, SYSTEM, Site, log_in


def first_secret(page: Reply) -> Authenticator:
    """The app that took in the key of the page."""
    key = page.html.split('id="secret"')[1].split(">", 1)[1].split("<")[0]
    return Authenticator(key.replace(" ", ""))


def codes_on(page: Reply) -> list[str]:
    """The recovery codes that a page shows."""
    shown = page.html.split('id="codes"')[1].split("</ul>")[0]
    return [part.split("</li>")[0] for part in shown.split("<li>")[1:]]


async def test_the_account_page_sends_a_stranger_to_the_login_and_back(site: Site, visitor: Visitor) -> None:
    await site.person("ada", mfa="off")
    refused = await visitor.get("/account", allow_redirects=False)
    assert (refused.status, refused.headers["Location"]) == (303, "/login?next=/account")
    page = await visitor.get("/admin/users?q=ada&page=2")
    assert page.path == "/login?next=/admin/users?q%3Dada%26page%3D2"


async def test_the_fields_say_what_they_are_for(visitor: Visitor) -> None:
    form = (await visitor.get("/login")).form("/login")
    assert form.autocomplete == {"username": "username", "current-password": "password"}


async def test_a_first_login_sets_up_an_authenticator_and_shows_recovery_codes_once(
    site: Site, visitor: Visitor
) -> None:
    await site.person("ada")
    enrol = await log_in(visitor, "ada", next="/account?x=1")
    assert "Protect your account" in enrol.text
    assert "<svg" in enrol.html
    assert visitor.cookie("idp_session") is None

    app = first_secret(enrol)
    codes = await visitor.send(enrol.form("/login"), one_time_code=app.code())
    assert len(set(codes_on(codes))) == 10
    again = await visitor.get("/login")
    assert codes_on(codes)[0] not in again.html

    done = await visitor.send(codes.form("/login"), saved="yes")
    assert (done.status, done.path) == (200, "/account?x=1")
    assert "10 left" in done.text


async def test_a_wrong_first_code_keeps_the_same_secret(site: Site, visitor: Visitor) -> None:
    await site.person("ada")
    enrol = await log_in(visitor, "ada")
    refused = await visitor.send(enrol.form("/login"), one_time_code="000000")
    assert refused.status == 422
    assert first_secret(refused) == first_secret(enrol)
    assert "The code is not right" in refused.text


@pytest.mark.parametrize("name", ["ada", "nobody", "gone"])
async def test_wrong_unknown_and_disabled_are_refused_alike(site: Site, visitor: Visitor, name: str) -> None:
    await site.person("ada", mfa="off")
    await site.person("gone", mfa="off", active=False)
    reply = await log_in(visitor, name, "wrong" if name == "ada" else PASSWORD)
    assert reply.status == 422
    assert 'role="alert"' in reply.html
    assert "The name or the password is not right." in reply.text
    assert reply.form("/login").fields["username"] == name
    assert visitor.cookie("idp_session") is None


async def test_a_name_comes_back_as_text_and_never_as_markup(visitor: Visitor) -> None:
    reply = await log_in(visitor, '"><script>alert(1)</script>')
    assert "<script>alert" not in reply.html
    assert reply.form("/login").fields["username"] == '"><script>alert(1)</script>'


async def test_a_code_of_the_app_opens_the_account_and_works_once(site: Site) -> None:
    app, _ = await site.enrolled(await site.person("ada"))
    code = app.code()
    ada, thief = site.visitor(), site.visitor()
    asked = await log_in(ada, "ada")
    assert "Enter the code from your app" in asked.text
    assert (await ada.send(asked.form("/login"), one_time_code=code)).path == "/account"

    refused = await thief.send((await log_in(thief, "ada")).form("/login"), one_time_code=code)
    assert refused.status == 422
    assert (await thief.get("/account")).path.startswith("/login")


async def test_a_password_alone_opens_nothing(site: Site, visitor: Visitor) -> None:
    await site.enrolled(await site.person("ada"))
    await log_in(visitor, "ada")
    assert (await visitor.get("/account")).path == "/login?next=/account"
    assert visitor.cookie("idp_session") is None


async def test_a_recovery_code_gets_in_once(site: Site) -> None:
    _, codes = await site.enrolled(await site.person("ada"))
    replies = []
    for visitor in (site.visitor(), site.visitor()):
        asked = await log_in(visitor, "ada")
        asked = await visitor.send(asked.form("/login", "recovery"), factor="recovery")
        assert "Use a recovery code" in asked.text
        replies.append(await visitor.send(asked.form("/login"), one_time_code=codes[0].upper().replace("-", " ")))
    assert [reply.path for reply in replies] == ["/account", "/login"]
    assert "9 left" in replies[0].text


async def test_a_mailed_code_is_asked_for_by_a_button_and_never_shown(site: Site, visitor: Visitor) -> None:
    await site.enrolled(await site.person("ada"))
    asked = await log_in(visitor, "ada")
    mailed = await visitor.send(asked.form("/login", "email_code"), factor="email_code")
    assert "Check your mail" in mailed.text
    assert "It is good for 10 minutes." in mailed.text
    assert "@example.org" in mailed.text
    assert "ada@" not in mailed.text
    refused = await visitor.send(mailed.form("/login"), one_time_code="000000")
    assert (refused.status, "The code is not right" in refused.text) == (422, True)


class TestWithShorterCodes:
    """The same where mailed codes are good for two and a half minutes."""

    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"login.code_lifetime": "150"}

    async def test_the_page_says_how_long_a_mailed_code_is_good_for(self, site: Site, visitor: Visitor) -> None:
        await site.enrolled(await site.person("ada"))
        asked = await log_in(visitor, "ada")
        mailed = await visitor.send(asked.form("/login", "email_code"), factor="email_code")
        assert "It is good for 2 minutes." in mailed.text


async def test_one_may_start_over_as_somebody_else(site: Site, visitor: Visitor) -> None:
    await site.enrolled(await site.person("ada"))
    asked = await log_in(visitor, "ada")
    start = [form for form in asked.forms if form.fields.get("step") == "start_over"]
    page = await visitor.send(start[0])
    assert "current-password" in page.form("/login").autocomplete
    assert visitor.cookie("idp_flow") is None


async def test_an_old_page_leads_to_where_the_login_stands(site: Site, visitor: Visitor) -> None:
    await site.enrolled(await site.person("ada"))
    asked = await log_in(visitor, "ada")
    shown = await visitor.send(asked.form("/login"), step="enrol", one_time_code="123456")
    assert "Enter the code from your app" in shown.text
    shown = await visitor.send(asked.form("/login"), step="no such step")
    assert "Enter the code from your app" in shown.text


async def test_of_two_tabs_the_second_finds_what_the_first_has_done(site: Site) -> None:
    app, _ = await site.enrolled(await site.person("ada"))
    ada = site.visitor()
    untouched, first = await ada.get("/login?next=/account/password"), await log_in(ada, "ada")
    second = await ada.get("/login")
    assert "Enter the code from your app" in second.text
    code = app.code()
    assert (await ada.send(first.form("/login"), one_time_code=code)).path == "/account"
    session = ada.cookie("idp_session")
    done = await ada.send(second.form("/login"), one_time_code=code)
    assert (done.status, done.path, ada.cookie("idp_session")) == (200, "/account", session)
    late = await ada.send(untouched.form("/login"), username="ada", current_password=PASSWORD)
    assert (late.status, late.path, ada.cookie("idp_session")) == (200, "/account/password", session)
    elsewhere = await ada.post("/logout", second.form("/login").fields)
    assert elsewhere.status == 403, "what a session protects stays bound to it"


async def test_of_two_tabs_either_may_finish_what_the_other_has_begun(site: Site) -> None:
    app, _ = await site.enrolled(await site.person("ada"))
    ada = site.visitor()
    first, other = await log_in(ada, "ada"), await ada.get("/login")
    again = await log_in(ada, "ada")
    assert "Enter the code from your app" in other.text
    assert "Enter the code from your app" in again.text
    assert (await ada.send(first.form("/login"), one_time_code=app.code())).path == "/account"


async def test_a_login_that_is_gone_starts_again(site: Site, visitor: Visitor) -> None:
    await site.enrolled(await site.person("ada"))
    asked = await log_in(visitor, "ada")
    visitor.client.session.cookie_jar.clear(lambda cookie: cookie.key == "idp_flow")
    gone = await visitor.send(asked.form("/login"), one_time_code="123456")
    assert "That took too long" in gone.text


async def test_a_given_password_is_changed_on_the_way_in(site: Site, visitor: Visitor) -> None:
    user = await site.person("ada", mfa="off")
    await site.services.auth.passwords.set(SYSTEM, user.id, "given by the help desk")
    page = await log_in(visitor, "ada", "given by the help desk")
    assert "Choose a new password" in page.text
    unlike = await visitor.send(page.form("/login"), new_password="four quite other words", confirm_password="four")
    assert "The two passwords are not the same." in unlike.text
    done = await visitor.send(
        unlike.form("/login"), new_password="four quite other words", confirm_password="four quite other words"
    )
    assert done.path == "/account"


@pytest.mark.parametrize("target", ["//evil.example/", "/\\evil.example", "/%2Fevil.example", "https://evil.example"])
async def test_no_login_leads_off_the_site(site: Site, visitor: Visitor, target: str) -> None:
    await site.person("ada", mfa="off")
    assert (await log_in(visitor, "ada", next=target)).path == "/account"


async def test_who_is_logged_in_goes_straight_on(site: Site) -> None:
    ada = await site.logged_in("ada")
    assert (await ada.get("/login?next=/account/password")).path == "/account/password"
    assert (await ada.get("/")).path == "/account"


async def test_too_many_wrong_passwords_show_how_long_to_wait(site: Site, visitor: Visitor) -> None:
    await site.person("ada", mfa="off")
    replies = [await log_in(visitor, "ada", "wrong") for _ in range(11)]
    last = replies[-1]
    assert last.status == 429
    assert int(last.headers["Retry-After"]) > 0
    assert "Too many attempts" in last.text
    assert "minute" in last.text
