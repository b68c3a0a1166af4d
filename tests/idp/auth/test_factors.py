"""Second factors: each code once, whatever comes at the same time, and each kind limited by itself."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from idp.auth import FactorPolicy, FlowView, IllegalMove, Step
from idp.auth.entry import WRONG
from idp.auth.limits import Blocked
from idp.auth.login import NO_FACTOR
from idp.auth.second import WRONG_CODE
from idp.errors import CallerError, RateLimited
from idp.store.collections import collections
from tests.support.authentication import HOME, PASSWORD, SYSTEM, House
from tests.support.stores import BACKENDS, Stores

on_every_store = pytest.mark.parametrize("stores", BACKENDS, indirect=True)


async def successes(answers: list[Awaitable[object]]) -> int:
    """Let all answers come at once; return how many logins stand at DONE after their own answer."""
    found = await asyncio.gather(*answers, return_exceptions=True)
    odd = [one for one in found if isinstance(one, BaseException) and not isinstance(one, CallerError)]
    assert odd == []
    return sum(isinstance(one, FlowView) and one.step is Step.DONE for one in found)


@on_every_store
async def test_a_code_given_in_twenty_logins_at_once_opens_exactly_one(house: House) -> None:
    _, app, _ = await house.enrolled()
    logins = [await house.at_second_factor() for _ in range(20)]
    code = app.code()
    assert await successes([house.login.factor(secret, code, HOME) for secret in logins]) == 1


@on_every_store
async def test_a_code_given_through_several_workers_opens_exactly_one_login(house: House, stores: Stores) -> None:
    _, app, _ = await house.enrolled()
    logins = [await house.at_second_factor() for _ in range(5)]
    workers = [house.over(await stores.open(collections())) for _ in logins]
    code = app.code()
    pairs = zip(workers, logins, strict=True)
    assert await successes([worker.login.factor(secret, code, HOME) for worker, secret in pairs]) == 1


async def test_a_code_given_twenty_times_in_one_login_makes_one_session(house: House) -> None:
    _, app, _ = await house.enrolled()
    secret = await house.at_second_factor()
    code = app.code()
    assert await successes([house.login.factor(secret, code, HOME) for _ in range(20)]) == 1
    opened = await asyncio.gather(*(house.login.finish(secret, HOME, "") for _ in range(20)), return_exceptions=True)
    assert sum(not isinstance(one, Exception) for one in opened) == 1
    assert len(await house.everything("sessions")) == 1
    assert [one for one in await house.everything("limits") if one["account"]] == [], "pressing twice is no guessing"


async def test_a_recovery_code_given_in_twenty_logins_at_once_opens_exactly_one(house: House) -> None:
    user, _, codes = await house.enrolled()
    logins = [await house.at_second_factor() for _ in range(20)]
    for secret in logins:
        await house.login.choose(secret, "recovery")
    assert await successes([house.login.factor(secret, codes[0], HOME) for secret in logins]) == 1
    assert await house.recovery.left(user.id) == 9
    assert len(await house.events("auth:recovery:used")) == 1


async def test_a_mailed_code_given_twenty_times_at_once_works_once(house: House) -> None:
    await house.enrolled()
    secret = await house.at_second_factor()
    await house.login.choose(secret, "email_code")
    code = await house.mailed_code()
    assert await successes([house.login.factor(secret, code, HOME) for _ in range(20)]) == 1
    assert await house.everything("codes") == []


@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_code_may_be_one_step_off(house: House, steps: int, accepted: bool) -> None:
    _, app, _ = await house.enrolled()
    secret = await house.at_second_factor()
    view = await house.login.factor(secret, app.code(steps=steps), HOME)
    assert (view.step is Step.DONE) == accepted


async def test_a_code_of_an_earlier_step_than_the_last_one_is_refused(house: House) -> None:
    _, app, _ = await house.enrolled()
    earlier = app.code()
    house.clock.advance(30)
    await house.login.factor(await house.at_second_factor(), app.code(), HOME)
    secret = await house.at_second_factor()
    assert (await house.login.factor(secret, earlier, HOME)).error == WRONG_CODE


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12 34 5", "\x00" * 6, "9" * 5000])
async def test_what_is_no_code_is_wrong(house: House, code: str) -> None:
    await house.enrolled()
    for factor in ("totp", "email_code", "recovery"):
        secret = await house.at_second_factor()
        if factor != "totp":
            await house.login.choose(secret, factor)
        assert (await house.login.factor(secret, code, HOME)).error == WRONG_CODE


async def test_codes_may_be_typed_with_blanks_and_recovery_codes_in_any_case(house: House) -> None:
    _, app, codes = await house.enrolled()
    code = app.code()
    view = await house.login.factor(await house.at_second_factor(), f" {code[:3]} {code[3:]} ", HOME)
    assert view.step is Step.DONE
    secret = await house.at_second_factor()
    await house.login.choose(secret, "recovery")
    typed = codes[3].upper().replace("-", "  ").replace("0", "O").replace("1", "l")
    assert (await house.login.factor(secret, typed, HOME)).step is Step.DONE


async def test_another_persons_recovery_code_is_wrong(house: House) -> None:
    await house.enrolled("ada")
    _, _, codes = await house.enrolled("eve")
    secret = await house.at_second_factor("ada")
    await house.login.choose(secret, "recovery")
    assert (await house.login.factor(secret, codes[0], HOME)).error == WRONG_CODE


async def test_the_use_of_a_recovery_code_is_told_with_a_warning_when_few_are_left(house: House) -> None:
    _, _, codes = await house.enrolled()
    for code in codes[:7]:
        secret = await house.at_second_factor()
        await house.login.choose(secret, "recovery")
        await house.login.factor(secret, code, HOME)
        house.clock.advance(1)
    told = [letter for letter in await house.letters() if "recovery code" in letter.subject]
    assert "8 of them are left" in told[1].text
    assert "before they run out" not in told[5].text
    assert "3 of them are left" in told[6].text
    assert "before they run out" in told[6].text


async def test_a_mailed_code_works_for_its_own_login_only_and_proves_little(house: House) -> None:
    await house.person()
    first, second = [await house.at_second_factor() for _ in range(2)]
    for secret in (first, second):
        view = await house.login.choose(secret, "email_code")
        assert (view.step, view.factor, view.address_hint) == (Step.SECOND_FACTOR, "email_code", "a…@example.test")
        house.clock.advance(1)
    code = await house.mailed_code()
    assert (await house.login.factor(first, code, HOME)).error == WRONG_CODE
    assert (await house.login.factor(second, code, HOME)).step is Step.DONE
    session, _ = await house.login.finish(second, HOME, "")
    assert (session.amr, session.aal) == (("pwd", "email_code"), 1)


async def test_a_mailed_code_dies_after_ten_minutes_and_when_another_is_sent(house: House) -> None:
    await house.person()
    secret = await house.at_second_factor()
    await house.login.choose(secret, "email_code")
    first = await house.mailed_code()
    house.clock.advance(1)
    await house.login.choose(secret, "email_code")
    assert (await house.login.factor(secret, first, HOME)).error == WRONG_CODE
    second = await house.mailed_code()
    house.clock.advance(600)
    assert (await house.login.factor(secret, second, HOME)).error == WRONG_CODE


async def test_a_new_mailed_code_forgives_no_failures(house: House) -> None:
    await house.person()
    secret = await house.at_second_factor()
    for _ in range(5):
        await house.login.choose(secret, "email_code")
        assert (await house.login.factor(secret, "000000", HOME)).error == WRONG_CODE
        house.clock.advance(1)
    with pytest.raises(RateLimited):
        await house.login.factor(secret, await house.mailed_code(), HOME)


async def test_codes_are_mailed_only_so_often(house: House) -> None:
    await house.person()
    secret = await house.at_second_factor()
    for _ in range(5):
        assert (await house.login.choose(secret, "email_code")).error is None
    view = await house.login.choose(secret, "email_code")
    assert view.error == "Too many attempts; try again in 900 seconds."
    assert len(await house.letters()) == 5


async def test_whoever_asks_for_links_in_somebodys_name_keeps_nobody_from_a_mailed_code(house: House) -> None:
    await house.person()
    for _ in range(5):
        await house.passwords.request_reset("ada", "198.51.100.9")
    secret = await house.at_second_factor()
    assert (await house.login.choose(secret, "email_code")).error is None


async def test_each_factor_is_limited_by_itself(house: House) -> None:
    _, app, codes = await house.enrolled()
    secret = await house.at_second_factor()
    for _ in range(5):
        await house.login.factor(secret, "000000", HOME)
    with pytest.raises(RateLimited):
        await house.login.factor(secret, app.code(), HOME)
    await house.login.choose(secret, "recovery")
    assert (await house.login.factor(secret, codes[0], HOME)).step is Step.DONE
    again = await house.at_second_factor()
    with pytest.raises(RateLimited):
        await house.login.factor(again, app.code(), HOME)


async def test_a_right_code_clears_its_own_counter_only(house: House) -> None:
    _, app, _ = await house.enrolled()
    secret = await house.at_second_factor()
    for _ in range(4):
        await house.login.factor(secret, "000000", HOME)
    await house.login.choose(secret, "recovery")
    await house.login.factor(secret, "wrong", HOME)
    await house.login.choose(secret, "totp")
    assert (await house.login.factor(secret, app.code(), HOME)).step is Step.DONE
    counters = {one["id"].split(":")[0] for one in await house.everything("limits") if one["account"]}
    assert counters == {"recovery"}


async def test_a_hundred_wrong_codes_in_a_row_close_the_factor_until_it_is_reset(house: House) -> None:
    user, app, _ = await house.enrolled()
    for _ in range(100):
        secret = await house.at_second_factor()
        await house.login.factor(secret, "000000", HOME)
        house.clock.advance(30 * 60)
    house.clock.advance(timedelta(days=400).total_seconds())
    with pytest.raises(Blocked):
        await house.login.factor(await house.at_second_factor(), app.code(), HOME)
    await house.factors.reset(SYSTEM, user.id)
    assert (await house.try_password("ada", PASSWORD)).step is Step.ENROL


async def test_concurrent_guesses_get_no_more_tries_than_the_limit(house: House) -> None:
    await house.enrolled()
    logins = [await house.at_second_factor() for _ in range(30)]
    await asyncio.gather(
        *(house.login.factor(secret, f"{n:06}", HOME) for n, secret in enumerate(logins)), return_exceptions=True
    )
    assert len(await house.events("auth:factor:failed")) == 5
    assert len(await house.events("auth:limit:reached")) == 1


@pytest.mark.parametrize(
    ("mfa", "kinds", "step", "factors"),
    [
        ("required", {"totp"}, Step.ENROL, ()),
        ("required", {"totp", "email_code"}, Step.ENROL, ("email_code",)),
        ("required", {"email_code"}, Step.SECOND_FACTOR, ("email_code",)),
        ("optional", {"totp", "email_code"}, Step.DONE, ()),
        ("off", {"totp"}, Step.DONE, ()),
    ],
)
async def test_the_general_policy_says_what_people_without_an_app_are_asked(
    house: House, mfa: str, kinds: set[str], step: Step, factors: tuple[str, ...]
) -> None:
    house.policy = FactorPolicy(mfa, frozenset(kinds))
    await house.person()
    view = await house.try_password("ada", PASSWORD)
    assert (view.step, view.factors) == (step, factors)


@pytest.mark.parametrize(
    ("own", "step"), [("off", Step.DONE), ("optional", Step.SECOND_FACTOR), ("required", Step.SECOND_FACTOR)]
)
async def test_the_policy_of_the_account_wins(house: House, own: str, step: Step) -> None:
    user, _, _ = await house.enrolled()
    await house.users.set_mfa_policy(SYSTEM, user.id, own)
    assert (await house.try_password("ada", PASSWORD)).step is step


async def test_who_needs_a_factor_and_can_have_none_is_told_so(house: House) -> None:
    house.policy = FactorPolicy("required", frozenset({"email_code"}))
    await house.person("ada", emails=[])
    assert (await house.try_password("ada", PASSWORD)).error == NO_FACTOR
    assert (await house.try_password("ada", "wrong")).error == WRONG
    reasons = [event["details"]["reason"] for event in await house.events("auth:login:failed")]
    assert reasons == ["no second factor possible", "wrong password"]


async def test_when_only_mail_is_left_the_code_is_sent_with_the_right_password(house: House) -> None:
    house.policy = FactorPolicy("required", frozenset({"email_code"}))
    await house.person()
    view = await house.try_password("ada", PASSWORD)
    assert (view.step, view.factor) == (Step.SECOND_FACTOR, "email_code")
    assert len(await house.mailed_code()) == 6


async def test_an_enrolled_app_stays_in_use_when_the_settings_offer_it_no_more(house: House) -> None:
    _, app, _ = await house.enrolled()
    closed = House(house.store, house.clock, policy=FactorPolicy("required", frozenset({"email_code"})))
    secret = await closed.at_second_factor()
    view = await closed.login.view(secret)
    assert view is not None
    assert view.factors == ("totp", "email_code", "recovery")
    assert (await closed.login.factor(secret, app.code(), HOME)).step is Step.DONE
    closed.pool.close()


async def test_a_code_for_a_factor_that_was_not_chosen_has_no_place(house: House) -> None:
    house.policy = FactorPolicy("required", frozenset({"email_code"}))
    await house.person()
    for _ in range(5):
        await house.at_second_factor()
    _, secret = await house.login.begin("/", HOME)
    view = await house.login.password(secret, "ada", PASSWORD, HOME)
    assert (view.step, view.factor) == (Step.SECOND_FACTOR, None)
    assert view.error == "Too many attempts; try again in 900 seconds."
    with pytest.raises(IllegalMove):
        await house.login.factor(secret, "123456", HOME)


async def test_a_secret_moves_to_the_newest_key_when_it_is_used(house: House) -> None:
    _, app, _ = await house.enrolled()
    rotated = House(house.store, house.clock, house.pool, keys=(b"n" * 32, *house.keys))
    await rotated.login.factor(await rotated.at_second_factor(), app.code(), HOME)
    house.clock.advance(30)
    new_only = House(house.store, house.clock, house.pool, keys=(b"n" * 32,))
    secret = await new_only.at_second_factor()
    assert (await new_only.login.factor(secret, app.code(), HOME)).step is Step.DONE
