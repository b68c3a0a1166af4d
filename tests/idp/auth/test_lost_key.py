"""The key is not the one that second factors were encrypted under: nobody gets past, and nothing breaks."""

from dataclasses import replace

import pytest

from idp.auth import Step
from idp.errors import InvalidValue
from tests.support.authentication import HOME, House

OTHER = bytes(range(32, 64))
SENTENCE = "This second factor cannot be checked at present; please ask an administrator."


def without_key(house: House) -> House:
    """The same house, opened with another key."""
    return replace(house.over(house.store), keys=(OTHER,))


async def test_a_code_cannot_be_checked_and_the_login_stays_where_it_is(house: House) -> None:
    user, app, _ = await house.enrolled()
    broken = without_key(house)
    secret = await broken.at_second_factor()
    for attempt in range(1, 8):
        view = await broken.login.factor(secret, app.code(), HOME)
        assert (view.step, view.error, view.enrolment) == (Step.SECOND_FACTOR, SENTENCE, None)
        failed = await broken.events("auth:factor:failed")
        assert len(failed) == attempt, "each attempt is recorded once, and none counts as a guess"
    assert failed[0]["details"] == {"factor": "totp", "reason": "its key is missing"}
    assert [one for one in await house.everything("factors") if one["user"] == user.id]
    assert await house.everything("sessions") == []


async def test_with_the_key_back_the_same_login_goes_on(house: House) -> None:
    _, app, _ = await house.enrolled()
    broken = without_key(house)
    secret = await broken.at_second_factor()
    await broken.login.factor(secret, app.code(), HOME)
    assert (await house.login.factor(secret, app.code(), HOME)).step is Step.DONE


async def test_a_recovery_code_is_good_whatever_the_key(house: House) -> None:
    _, _, codes = await house.enrolled()
    broken = without_key(house)
    secret = await broken.at_second_factor()
    await broken.login.choose(secret, "recovery")
    assert (await broken.login.factor(secret, codes[0], HOME)).step is Step.DONE


async def test_a_login_in_the_middle_of_enrolling_begins_again(house: House) -> None:
    await house.person()
    secret = await house.at_second_factor()
    assert await without_key(house).login.view(secret) is None


async def test_the_account_page_says_the_same(house: House) -> None:
    _, app, _ = await house.enrolled()
    session, _ = await house.session("ada", app)
    await house.enrolment.totp_begin(session)
    broken = without_key(house)
    assert await broken.enrolment.totp_pending(session) is None
    with pytest.raises(InvalidValue, match="expired"):
        await broken.enrolment.totp_confirm(session, "123456", HOME)
    with pytest.raises(InvalidValue, match="cannot be checked at present"):
        await broken.enrolment.regenerate_recovery(session, app.code(steps=1), HOME)
