"""One's own account."""

import pytest

from tests.support.authenticator import Authenticator
from tests.support.pages import Reply, Visitor
from tests.support.site import PASSWORD, SYSTEM, Site, log_in

NEW = "four quite other words"


def shown_codes(page: Reply) -> list[str]:
    return [part.split("</li>")[0] for part in page.html.split('id="codes"')[1].split("</ul>")[0].split("<li>")[1:]]


def shown_app(page: Reply) -> Authenticator:
    return Authenticator(page.html.split('id="secret"')[1].split(">", 1)[1].split("<")[0].replace(" ", ""))


async def with_app(site: Site) -> tuple[Visitor, Authenticator]:
    """Somebody logged in with an app that the policy leaves to them."""
    app, _ = await site.enrolled(await site.person("ada", mfa="optional"))
    ada = site.visitor()
    await ada.send((await log_in(ada, "ada")).form("/login"), one_time_code=app.code())
    return ada, app


async def test_it_says_who_one_is_and_how_one_signs_in(site: Site) -> None:
    page = await (await site.logged_in("ada")).get("/account")
    for text in ("Ada", "ada@example.org", "Authenticator app Off", "This device"):
        assert text in page.text


async def test_a_password_is_changed_and_other_sessions_end(site: Site) -> None:
    here = await site.logged_in("ada")
    elsewhere = site.visitor()
    await log_in(elsewhere, "ada")
    form = (await here.get("/account/password")).form("/account/password")
    assert form.autocomplete["current-password"] == "password"
    done = await here.send(form, password=PASSWORD, new_password=NEW, confirm_password=NEW)
    assert "Your password is changed" in done.text
    assert (await elsewhere.get("/account")).path == "/login?next=/account"
    assert (await log_in(site.visitor(), "ada")).status == 422
    assert (await log_in(site.visitor(), "ada", NEW)).path == "/account"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"password": "wrong", "new_password": NEW, "confirm_password": NEW}, "The current password is not right."),
        ({"password": PASSWORD, "new_password": NEW, "confirm_password": "x"}, "The two passwords are not the same."),
        ({"password": PASSWORD, "new_password": "short", "confirm_password": "short"}, "At least 10 characters."),
    ],
)
async def test_a_password_that_cannot_be_changed_says_why(site: Site, fields: dict[str, str], says: str) -> None:
    ada = await site.logged_in("ada")
    refused = await ada.send((await ada.get("/account/password")).form("/account/password"), **fields)
    assert refused.status == 422
    assert says in refused.text
    assert 'aria-invalid="true"' in refused.html
    assert NEW not in refused.html
    assert (await log_in(site.visitor(), "ada")).path == "/account"


async def test_all_other_sessions_are_ended_by_a_button(site: Site) -> None:
    here, elsewhere = await site.logged_in("ada"), site.visitor()
    await log_in(elsewhere, "ada")
    await here.send((await here.get("/account")).form("/account/sessions/end-others"))
    assert (await elsewhere.get("/account")).path == "/login?next=/account"
    assert (await here.get("/account")).path == "/account"


async def test_another_device_is_told_and_signed_out(site: Site) -> None:
    here, elsewhere = await site.logged_in("ada"), site.visitor()
    assert "Sign out everywhere else" not in (await here.get("/account")).text
    await log_in(elsewhere, "ada")
    page = await here.get("/account")
    assert page.text.count("This device") == 1
    after = await here.send(page.form("/account/sessions/end"))
    assert "You are signed out there." in after.text
    assert (await elsewhere.get("/account")).path == "/login?next=/account"
    assert (await here.get("/account")).path == "/account"


async def test_an_authenticator_is_set_up_confirmed_and_asked_for_at_the_next_login(site: Site) -> None:
    await site.person("ada", mfa="optional")
    ada = site.visitor()
    await log_in(ada, "ada")
    page = await ada.send((await ada.get("/account")).form("/account/totp/begin"))
    app = shown_app(page)
    refused = await ada.send(page.form("/account/totp"), one_time_code="000000")
    assert refused.status == 422
    codes = await ada.send(refused.form("/account/totp"), one_time_code=app.code())
    assert len(shown_codes(codes)) == 10
    assert "Authenticator app On" in (await ada.get("/account")).text
    assert "Enter the code from your app" in (await log_in(site.visitor(), "ada")).text


async def test_an_app_is_not_replaced_without_having_been_used_just_now(site: Site) -> None:
    user = await site.person("ada", mfa="optional")
    ada = site.visitor()
    await log_in(ada, "ada")
    await site.services.auth.factors.enrol_totp_now(SYSTEM, user.id)
    page = await ada.send((await ada.get("/account")).form("/account/totp/begin"))
    assert "Please sign in once more" in page.text
    assert page.form("/login").fields["username"] == "ada"


async def test_an_authenticator_is_turned_off_with_password_and_code(site: Site) -> None:
    ada, app = await with_app(site)
    form = (await ada.get("/account/totp/off")).form("/account/totp/off")
    refused = await ada.send(form, password="wrong", code=app.code(later=1))
    assert (refused.status, "The password is not right." in refused.text) == (422, True)
    done = await ada.send(form, password=PASSWORD, code=app.code(later=1))
    assert "Authenticator app Off" in done.text
    assert (await log_in(site.visitor(), "ada")).path == "/account"


async def test_where_it_is_required_it_cannot_be_turned_off(site: Site) -> None:
    app, _ = await site.enrolled(await site.person("ada", mfa="required"))
    ada = site.visitor()
    account = await ada.send((await log_in(ada, "ada")).form("/login"), one_time_code=app.code())
    assert "Turn off" not in account.text
    form = (await ada.get("/account/totp/off")).form("/account/totp/off")
    assert (await ada.send(form, password=PASSWORD, code=app.code(later=1))).status == 403
    assert "Authenticator app On" in (await ada.get("/account")).text


async def test_new_recovery_codes_void_the_old_ones(site: Site) -> None:
    ada, app = await with_app(site)
    form = (await ada.get("/account/recovery-codes")).form("/account/recovery-codes")
    assert (await ada.send(form, one_time_code="000000")).status == 422
    codes = shown_codes(await ada.send(form, one_time_code=app.code(later=1)))
    assert len(set(codes)) == 10
    assert "10 left" in (await ada.get("/account")).text


async def test_recovery_codes_are_downloaded_without_script(site: Site) -> None:
    ada, app = await with_app(site)
    form = (await ada.get("/account/recovery-codes")).form("/account/recovery-codes")
    page = await ada.send(form, one_time_code=app.code(later=1))
    fields = [("csrf_token", page.form("/recovery-codes.txt").fields["csrf_token"])]
    fields += [("code", code) for code in shown_codes(page)]
    answer = await ada.client.post("/recovery-codes.txt", data=fields)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="recovery-codes.txt"'
    assert (await answer.text()).split() == shown_codes(page)


@pytest.mark.parametrize("code", ["", "<script>alert(1)</script>", "a" * 100, "-"])
async def test_nothing_but_codes_is_sent_back_as_a_file(site: Site, code: str) -> None:
    ada = await site.logged_in("ada")
    token = (await ada.get("/logout")).form("/logout").fields["csrf_token"]
    assert (await ada.post("/recovery-codes.txt", {"csrf_token": token, "code": code})).status == 400


async def test_a_disabled_account_is_out_at_its_next_request(site: Site) -> None:
    user = await site.person("ada", mfa="off")
    ada = site.visitor()
    await log_in(ada, "ada")
    await site.services.users.set_active(SYSTEM, user.id, False, "left")
    assert (await ada.get("/account")).path == "/login?next=/account"
