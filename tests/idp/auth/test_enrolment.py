"""Second factors from the account page: only for who has just logged in, and never half done."""

import asyncio

import pytest

from idp.auth import FactorPolicy, Session, Step
from idp.auth.assurance import StaleLogin
from idp.auth.enrolment import NotOffered, RequiredByPolicy
from idp.errors import InvalidValue, RateLimited
from tests.support.authentication import HOME, PASSWORD, SYSTEM, App, House


@pytest.fixture
async def session(house: House) -> Session:
    """Somebody whose account may, but need not, have a second factor."""
    house.policy = FactorPolicy("optional")
    await house.person()
    return (await house.session("ada"))[0]


async def enrol(house: House, session: Session) -> tuple[App, tuple[str, ...]]:
    app = App((await house.enrolment.totp_begin(session)).secret, house.clock)
    return app, await house.enrolment.totp_confirm(session, app.code(), HOME)


async def test_an_app_is_set_up_confirmed_and_then_asked_for(house: House, session: Session) -> None:
    assert await house.enrolment.status(session) == {
        "totp": False,
        "recovery_codes": 0,
        "policy": "optional",
        "can_enrol": True,
    }
    pending = await house.enrolment.totp_begin(session)
    assert await house.enrolment.totp_pending(session) == pending
    with pytest.raises(InvalidValue):
        await house.enrolment.totp_confirm(session, "000000", HOME)
    app = App(pending.secret, house.clock)
    codes = await house.enrolment.totp_confirm(session, app.code(), HOME)
    assert len(set(codes)) == 10
    assert await house.enrolment.totp_pending(session) is None
    assert await house.enrolment.status(session) == {
        "totp": True,
        "recovery_codes": 10,
        "policy": "optional",
        "can_enrol": True,
    }
    secret = await house.at_second_factor()
    assert (await house.login.factor(secret, app.code(), HOME)).step is Step.SECOND_FACTOR, "used to confirm"
    house.clock.advance(30)
    assert (await house.login.factor(secret, app.code(), HOME)).step is Step.DONE
    assert "was set up" in (await house.letters())[0].subject


async def test_the_app_in_use_stays_until_the_new_one_is_confirmed(house: House) -> None:
    _, old, _ = await house.enrolled()
    session, _ = await house.session("ada", old)
    pending = await house.enrolment.totp_begin(session)
    house.clock.advance(30)
    await house.session("ada", old)
    new = App(pending.secret, house.clock)
    await house.enrolment.totp_confirm(session, new.code(), HOME)
    house.clock.advance(30)
    secret = await house.at_second_factor()
    assert (await house.login.factor(secret, old.code(), HOME)).error is not None
    assert (await house.login.factor(secret, new.code(), HOME)).step is Step.DONE


async def test_a_pending_secret_belongs_to_its_session(house: House, session: Session) -> None:
    other, _ = await house.session("ada")
    pending = await house.enrolment.totp_begin(other)
    assert await house.enrolment.totp_pending(session) is None
    with pytest.raises(InvalidValue):
        await house.enrolment.totp_confirm(session, App(pending.secret, house.clock).code(), HOME)


async def test_beginning_again_replaces_the_pending_secret(house: House, session: Session) -> None:
    first = await house.enrolment.totp_begin(session)
    second = await house.enrolment.totp_begin(session)
    assert first.secret != second.secret
    with pytest.raises(InvalidValue):
        await house.enrolment.totp_confirm(session, App(first.secret, house.clock).code(), HOME)
    house.clock.advance(15 * 60)
    with pytest.raises(InvalidValue, match="expired"):
        await house.enrolment.totp_confirm(session, App(second.secret, house.clock).code(), HOME)


async def test_confirming_twenty_times_at_once_gives_one_set_of_codes(house: House, session: Session) -> None:
    app = App((await house.enrolment.totp_begin(session)).secret, house.clock)
    code = app.code()
    confirmations = (house.enrolment.totp_confirm(session, code, HOME) for _ in range(20))
    done = await asyncio.gather(*confirmations, return_exceptions=True)
    assert sum(isinstance(one, tuple) for one in done) == 1
    assert await house.enrolment.status(session) == {
        "totp": True,
        "recovery_codes": 10,
        "policy": "optional",
        "can_enrol": True,
    }


async def test_an_old_session_cannot_change_how_one_logs_in(house: House, session: Session) -> None:
    house.clock.advance(15 * 60)
    with pytest.raises(StaleLogin):
        await house.enrolment.totp_begin(session)


async def test_a_session_without_the_app_cannot_replace_it(house: House, session: Session) -> None:
    await enrol(house, session)
    with pytest.raises(StaleLogin):
        await house.enrolment.totp_begin(session)


async def test_a_mailed_code_in_place_of_the_app_changes_nothing_about_logging_in(house: House) -> None:
    _, app, _ = await house.enrolled()
    secret = await house.at_second_factor()
    await house.login.choose(secret, "email_code")
    await house.login.factor(secret, await house.mailed_code(), HOME)
    session, _ = await house.login.finish(secret, HOME, "browser")
    for change in (
        lambda: house.passwords.change(session, PASSWORD, "a mountain walks at night", HOME),
        lambda: house.enrolment.totp_begin(session),
        lambda: house.enrolment.totp_disable(session, PASSWORD, app.code(), HOME),
        lambda: house.enrolment.regenerate_recovery(session, app.code(), HOME),
    ):
        with pytest.raises((StaleLogin, RequiredByPolicy)):
            await change()
    strong, _ = await house.session("ada", app)
    await house.passwords.change(strong, PASSWORD, "a mountain walks at night", HOME)


async def test_after_a_mailed_code_a_first_app_may_be_set_up(house: House) -> None:
    await house.person()
    secret = await house.at_second_factor()
    await house.login.choose(secret, "email_code")
    await house.login.factor(secret, await house.mailed_code(), HOME)
    session, _ = await house.login.finish(secret, HOME, "browser")
    await enrol(house, session)
    assert (await house.enrolment.status(session))["totp"]


async def test_where_no_app_is_offered_none_is_set_up_but_one_in_use_may_move(house: House) -> None:
    _, app, _ = await house.enrolled("bob")
    house.policy = FactorPolicy("optional", frozenset({"email_code"}))
    await house.person()
    session, _ = await house.session("ada")
    assert not (await house.enrolment.status(session))["can_enrol"]
    with pytest.raises(NotOffered):
        await house.enrolment.totp_begin(session)
    owner, _ = await house.session("bob", app)
    assert (await house.enrolment.status(owner))["can_enrol"]
    await house.enrolment.totp_begin(owner)


async def test_switching_off_asks_for_password_and_code(house: House, session: Session) -> None:
    app, _ = await enrol(house, session)
    house.clock.advance(30)
    with pytest.raises(InvalidValue) as caught:
        await house.enrolment.totp_disable(session, "wrong", app.code(), HOME)
    assert caught.value.path == "password"
    with pytest.raises(InvalidValue) as caught:
        await house.enrolment.totp_disable(session, PASSWORD, "000000", HOME)
    assert caught.value.path == "code"
    assert (await house.enrolment.status(session))["totp"]
    await house.enrolment.totp_disable(session, PASSWORD, app.code(), HOME)
    assert await house.enrolment.status(session) == {
        "totp": False,
        "recovery_codes": 0,
        "policy": "optional",
        "can_enrol": True,
    }
    assert (await house.try_password("ada", PASSWORD)).step is Step.DONE


async def test_where_a_second_factor_is_required_it_cannot_be_switched_off(house: House) -> None:
    _, app, _ = await house.enrolled()
    session, _ = await house.session("ada", app)
    house.clock.advance(30)
    with pytest.raises(RequiredByPolicy):
        await house.enrolment.totp_disable(session, PASSWORD, app.code(), HOME)
    assert (await house.enrolment.status(session))["totp"]


async def test_new_recovery_codes_void_the_old_ones(house: House) -> None:
    _, app, old = await house.enrolled()
    session, _ = await house.session("ada", app)
    house.clock.advance(30)
    code = app.code()
    new = await house.enrolment.regenerate_recovery(session, code, HOME)
    with pytest.raises(InvalidValue):
        await house.enrolment.regenerate_recovery(session, code, HOME)
    assert not set(new) & set(old)
    assert "New recovery codes were made for Gatehouse" in [letter.subject for letter in await house.letters()]
    secret = await house.at_second_factor()
    await house.login.choose(secret, "recovery")
    assert (await house.login.factor(secret, old[0], HOME)).error is not None
    assert (await house.login.factor(secret, new[0], HOME)).step is Step.DONE


async def test_guessing_codes_in_a_session_is_limited(house: House, session: Session) -> None:
    app, _ = await enrol(house, session)
    house.clock.advance(30)
    for _ in range(5):
        with pytest.raises(InvalidValue):
            await house.enrolment.regenerate_recovery(session, "000000", HOME)
    with pytest.raises(RateLimited):
        await house.enrolment.regenerate_recovery(session, app.code(), HOME)


async def test_an_administrator_resets_and_the_next_login_enrols_anew(house: House) -> None:
    user, app, _ = await house.enrolled()
    assert await house.factors.kinds(user.id) == ["totp"]
    await house.factors.reset(SYSTEM, user.id)
    await house.factors.reset(SYSTEM, user.id)
    assert await house.factors.kinds(user.id) == []
    view = await house.try_password("ada", PASSWORD)
    assert view.step is Step.ENROL
    assert view.enrolment is not None
    assert view.enrolment.secret != app.secret
    assert any("was removed" in letter.subject for letter in await house.letters())
