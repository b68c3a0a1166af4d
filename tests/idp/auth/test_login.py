"""The login, step by step, over every store."""

import pytest

from idp.auth import FlowGone, IllegalMove, Step
from idp.auth.entry import WRONG
from idp.auth.second import WRONG_CODE
from idp.errors import RateLimited
from tests.support.authentication import HOME, PASSWORD, SYSTEM, App, House
from tests.support.stores import BACKENDS

on_every_store = pytest.mark.parametrize("stores", BACKENDS, indirect=True)


@on_every_store
async def test_a_first_login_enrols_an_app_and_the_next_one_uses_it(house: House) -> None:
    await house.person("ada", displayName="Ada Lovelace")
    view, secret = await house.login.begin("/account", HOME)
    assert (view.step, view.next) == (Step.PASSWORD, "/account")

    view = await house.login.password(secret, "ADA", PASSWORD, HOME)
    assert view.step is Step.ENROL
    assert view.enrolment is not None
    app = App(view.enrolment.secret, house.clock)

    view, codes = await house.login.enrol_confirm(secret, "000000", HOME)
    assert (view.step, view.error, codes) == (Step.ENROL, WRONG_CODE, ())
    view, codes = await house.login.enrol_confirm(secret, app.code(), HOME)
    assert (view.step, view.error, len(codes)) == (Step.RECOVERY_CODES, None, 10)
    assert (await house.login.codes_seen(secret)).step is Step.DONE
    session, cookie = await house.login.finish(secret, HOME, "Firefox")
    assert (session.user.document["userName"], session.amr, session.aal) == ("ada", ("pwd", "totp"), 2)
    await house.sessions.end(session, HOME)
    assert await house.sessions.resume(cookie, HOME) is None

    secret = await house.at_second_factor("ada")
    view = await house.login.factor(secret, app.code(), HOME)
    assert (view.step, view.error) == (Step.SECOND_FACTOR, WRONG_CODE), "the code that confirmed is used up"
    house.clock.advance(30)
    view = await house.login.factor(secret, app.code(), HOME)
    assert view.step is Step.DONE
    session, cookie = await house.login.finish(secret, HOME, "Firefox")
    assert (await house.sessions.resume(cookie, HOME)) == session

    happened = [event["tag"] for event in await house.events("auth:")]
    assert happened == [
        "auth:factor:enrolled",
        "auth:login:succeeded",
        "auth:session:ended",
        "auth:factor:failed",
        "auth:login:succeeded",
    ]


async def test_the_pending_secret_can_be_shown_again_until_it_is_confirmed(house: House) -> None:
    await house.person()
    secret = await house.at_second_factor()
    first, again = await house.login.view(secret), await house.login.view(secret)
    assert first is not None
    assert first.enrolment is not None
    assert first == again
    assert first.enrolment.uri.startswith("otpauth://totp/Gatehouse:ada?secret=")
    assert first.enrolment.secret in first.enrolment.uri
    assert first.enrolment.qr_svg.startswith("<svg ")
    assert "style" not in first.enrolment.qr_svg


async def test_the_address_of_somebody_is_as_good_as_the_login_name(house: House) -> None:
    await house.enrolled("ada")
    assert (await house.try_password("Ada@Example.TEST", PASSWORD)).step is Step.SECOND_FACTOR


async def test_unknown_wrong_inactive_and_passwordless_are_refused_in_the_same_words(house: House) -> None:
    user = await house.person("ada")
    off = await house.person("eve")
    await house.users.set_active(SYSTEM, off.id, False, "left")
    await house.person("bob", source="scim:hr")
    await house.person("ann", source="ldap:gone")
    tries = [("nobody", PASSWORD), ("ada", "wrong"), ("eve", PASSWORD), ("bob", ""), ("ann", PASSWORD), ("", "")]
    views = [await house.try_password(name, password) for name, password in tries]
    assert {(view.step, view.error) for view in views} == {(Step.PASSWORD, WRONG)}
    failed = await house.events("auth:login:failed")
    assert [event["details"]["reason"] for event in failed] == [
        "unknown",
        "wrong password",
        "inactive",
        "wrong password",
        "wrong password",
        "unknown",
    ]
    assert failed[1]["target"] == user.id
    assert failed[1]["address"] == HOME


async def test_every_refusal_hashes_exactly_once(house: House) -> None:
    # What takes the time is counted rather than timed: a verification more or less would tell people apart.
    off = await house.person("eve")
    await house.users.set_active(SYSTEM, off.id, False, "left")
    await house.person("bob", source="scim:hr")
    await house.person("ann", source="ldap:gone")
    await house.person("ada")
    counts = []
    for name in ("nobody", "ada", "eve", "bob", "ann"):
        before = house.pool.done
        await house.try_password(name, "a wrong password")
        counts.append(house.pool.done - before)
    assert counts == [1, 1, 1, 1, 1]


async def test_steps_cannot_be_skipped(house: House) -> None:
    await house.enrolled()
    _, secret = await house.login.begin("/", HOME)
    for act in (
        house.login.choose(secret, "totp"),
        house.login.factor(secret, "123456", HOME),
        house.login.enrol_confirm(secret, "123456", HOME),
        house.login.codes_seen(secret),
        house.login.new_password(secret, "another password", HOME),
        house.login.finish(secret, HOME, ""),
    ):
        with pytest.raises(IllegalMove):
            await act
    await house.login.password(secret, "ada", PASSWORD, HOME)
    with pytest.raises(IllegalMove):
        await house.login.password(secret, "ada", PASSWORD, HOME)
    with pytest.raises(IllegalMove):
        await house.login.finish(secret, HOME, "")
    with pytest.raises(IllegalMove):
        await house.login.choose(secret, "retina")


async def test_a_login_is_forgotten_after_a_quarter_of_an_hour(house: House) -> None:
    await house.enrolled()
    secret = await house.at_second_factor()
    house.clock.advance(15 * 60 + 1)
    assert await house.login.view(secret) is None
    with pytest.raises(FlowGone):
        await house.login.factor(secret, "123456", HOME)


async def test_an_unknown_secret_is_no_login(house: House) -> None:
    assert await house.login.view("") is None
    with pytest.raises(FlowGone):
        await house.login.password("made up", "ada", PASSWORD, HOME)


async def test_a_login_ends_when_the_account_is_switched_off_meanwhile(house: House) -> None:
    user, app, _ = await house.enrolled()
    secret = await house.at_second_factor()
    done = await house.at_second_factor()
    assert (await house.login.factor(done, app.code(), HOME)).step is Step.DONE
    await house.users.set_active(SYSTEM, user.id, False, "left")
    for late in (secret, done):
        assert await house.login.view(late) is None
    with pytest.raises(FlowGone):
        await house.login.finish(done, HOME, "")
    assert await house.everything("sessions") == []


async def test_a_password_alone_does_not_replace_an_app_that_was_set_up_meanwhile(house: House) -> None:
    user = await house.person()
    thief = await house.at_second_factor()
    stolen = await house.login.view(thief)
    assert stolen is not None
    assert stolen.enrolment is not None
    await house.factors.enrol_totp_now(SYSTEM, user.id)
    with pytest.raises(IllegalMove):
        await house.login.enrol_confirm(thief, App(stolen.enrolment.secret, house.clock).code(), HOME)
    view = await house.login.view(thief)
    assert view is not None
    assert view.step is Step.ENROL
    assert (await house.try_password("ada", PASSWORD)).step is Step.SECOND_FACTOR


async def test_a_new_password_is_asked_for_last_and_ends_other_sessions(house: House) -> None:
    user, app, _ = await house.enrolled()
    _, before = await house.session("ada", app)
    await house.passwords.set(SYSTEM, user.id, "handed over 1", must_change=True)
    assert await house.sessions.resume(before, HOME) is None
    house.clock.advance(30)
    secret = await house.at_second_factor("ada", "handed over 1")
    view = await house.login.factor(secret, app.code(), HOME)
    assert view.step is Step.NEW_PASSWORD
    assert view.rules[0] == "At least 10 characters."
    with pytest.raises(IllegalMove):
        await house.login.finish(secret, HOME, "")
    assert (await house.login.new_password(secret, "short", HOME)).error == "At least 10 characters."
    same = await house.login.new_password(secret, "handed over 1", HOME)
    assert same.error == "Choose another password than the present one."
    assert (await house.login.new_password(secret, PASSWORD, HOME)).step is Step.DONE
    session, _ = await house.login.finish(secret, HOME, "")
    assert session.amr == ("pwd", "totp")
    assert (await house.try_password("ada", PASSWORD)).error is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/account", "/account"),
        ("/admin?q=a b", "/admin?q=a b"),
        ("", "/"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("/\\evil.test", "/"),
        ("/\t/evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("/" + "x" * 3000, "/"),
    ],
)
async def test_a_login_leads_to_a_path_of_this_site_only(house: House, text: str, path: str) -> None:
    view, _ = await house.login.begin(text, HOME)
    assert view.next == path


async def test_ten_wrong_passwords_close_an_account_to_everybody_for_five_minutes(house: House) -> None:
    await house.enrolled("ada")
    await house.enrolled("eve")
    for number in range(10):
        assert (await house.try_password("ada", "wrong", f"198.51.100.{number}")).error == WRONG
    with pytest.raises(RateLimited) as caught:
        await house.try_password("ADA@example.test", PASSWORD)
    assert caught.value.retry_after == 300
    assert (await house.try_password("eve", PASSWORD)).error is None
    house.clock.advance(300)
    assert (await house.try_password("ada", PASSWORD)).error is None


async def test_names_that_are_nobodys_are_closed_alike(house: House) -> None:
    for _ in range(10):
        await house.try_password("nobody", "wrong")
    with pytest.raises(RateLimited):
        await house.try_password("NOBODY", "wrong")
