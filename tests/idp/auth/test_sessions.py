"""Sessions: found by a secret that is not stored, ended by time, by hand and by what happens to the person."""

import pytest

from idp.auth import Session
from idp.auth.secret_text import digest
from tests.support.authentication import HOME, PASSWORD, SYSTEM, House
from tests.support.faulty_store import FaultyStore

HOUR, DAY = 3600, 86400


async def test_a_session_tells_what_was_proven_and_keeps_its_secret(house: House) -> None:
    _, app, _ = await house.enrolled()
    session, cookie = await house.session("ada", app)
    assert session.amr == ("pwd", "totp")
    assert set(session.proven) == {"pwd", "totp"}
    stored = (await house.everything("sessions"))[0]
    assert stored["id"] == digest(cookie) == session.id
    assert (stored["address"], stored["agent"]) == (HOME, "test")
    for secret in (cookie, session.csrf):
        assert secret not in str(stored)
        assert secret not in repr(session)


async def test_a_made_up_cookie_is_no_session(house: House) -> None:
    assert await house.sessions.resume("made up", HOME) is None
    assert await house.sessions.resume("", HOME) is None


async def test_every_login_gets_a_session_of_its_own(house: House) -> None:
    _, app, _ = await house.enrolled()
    first, _ = await house.session("ada", app)
    house.clock.advance(30)
    second, _ = await house.session("ada", app)
    assert first.id != second.id


async def test_an_idle_session_ends_and_a_used_one_goes_on_until_its_longest(house: House) -> None:
    _, app, _ = await house.enrolled()
    _, idle = await house.session("ada", app)
    house.clock.advance(30)
    _, used = await house.session("ada", app)
    for _ in range(7 * 24 // 6 - 1):
        house.clock.advance(6 * HOUR)
        assert await house.sessions.resume(used, HOME) is not None
    assert await house.sessions.resume(idle, HOME) is None
    house.clock.advance(6 * HOUR)
    assert await house.sessions.resume(used, HOME) is None


async def test_resuming_writes_at_most_once_a_minute(house: House) -> None:
    _, app, _ = await house.enrolled()
    _, cookie = await house.session("ada", app)
    counted = FaultyStore(house.store, verbs=frozenset({"commit"}))
    watched = house.over(counted)
    for _ in range(120):
        house.clock.advance(1)
        assert await watched.sessions.resume(cookie, "198.51.100.1") is not None
    assert counted.calls == 2
    assert (await house.everything("sessions"))[0]["address"] == "198.51.100.1"


async def test_a_store_too_busy_to_note_the_visit_refuses_no_session(house: House) -> None:
    _, app, _ = await house.enrolled()
    _, cookie = await house.session("ada", app)
    house.clock.advance(HOUR)
    busy = FaultyStore(house.store, at=1, verbs=frozenset({"commit"}))
    assert await house.over(busy).sessions.resume(cookie, HOME) is not None
    assert busy.has_failed


async def test_a_session_ends_with_the_account(house: House) -> None:
    user, app, _ = await house.enrolled()
    _, cookie = await house.session("ada", app)
    await house.users.set_active(SYSTEM, user.id, False, "left")
    assert await house.sessions.resume(cookie, HOME) is None
    await house.users.set_active(SYSTEM, user.id, True, "back")
    assert await house.sessions.resume(cookie, HOME) is None, "what ended does not come back"


async def test_nothing_of_a_deleted_person_stays(house: House) -> None:
    user, app, _ = await house.enrolled()
    await house.session("ada", app)
    await house.at_second_factor()
    await house.try_password("ada", "wrong")
    await house.passwords.request_reset("ada", HOME)
    await house.users.delete(SYSTEM, user.id)
    for collection in ("credentials", "factors", "recovery", "codes", "flows", "sessions", "tokens", "limits"):
        left = [one for one in await house.everything(collection) if user.id in str(one)]
        assert left == [], collection


async def test_logging_out_ends_one_session_and_doing_it_twice_is_no_error(house: House) -> None:
    session, cookie, other = await two_sessions(house)
    await house.sessions.end(session, HOME)
    await house.sessions.end(session, HOME)
    assert await house.sessions.resume(cookie, HOME) is None
    assert await house.sessions.resume(other, HOME) is not None
    assert len(await house.events("auth:session:ended")) == 1


async def test_ending_the_other_sessions_keeps_this_one(house: House) -> None:
    session, cookie, other = await two_sessions(house)
    await house.sessions.end_others(session, HOME)
    assert await house.sessions.resume(cookie, HOME) is not None
    assert await house.sessions.resume(other, HOME) is None


async def test_the_places_where_one_is_signed_in_are_told_this_one_first(house: House) -> None:
    session, _, _ = await two_sessions(house)
    here, elsewhere = await house.sessions.places(session)
    assert (here.is_here, elsewhere.is_here) == (True, False)
    assert (here.id, here.agent, here.address) == (session.id, "test", HOME)


async def test_one_session_is_ended_by_its_person_alone(house: House) -> None:
    session, cookie, other = await two_sessions(house)
    _, app, _ = await house.enrolled("ben")
    stranger, _ = await house.session("ben", app)
    _, elsewhere = await house.sessions.places(session)
    await house.sessions.end_one(stranger, elsewhere.id, HOME)
    assert await house.sessions.resume(other, HOME) is not None
    await house.sessions.end_one(session, elsewhere.id, HOME)
    await house.sessions.end_one(session, elsewhere.id, HOME)
    assert await house.sessions.resume(other, HOME) is None
    assert await house.sessions.resume(cookie, HOME) is not None
    assert len(await house.events("auth:session:ended")) == 1


async def test_changing_ones_password_ends_the_other_sessions(house: House) -> None:
    session, cookie, other = await two_sessions(house)
    await house.passwords.change(session, PASSWORD, "a mountain walks at night", HOME)
    assert await house.sessions.resume(cookie, HOME) is not None
    assert await house.sessions.resume(other, HOME) is None


@pytest.mark.parametrize("how", ["provisioned", "set by an administrator", "reset by mail", "second factor reset"])
async def test_what_others_change_ends_every_session(house: House, how: str) -> None:
    session, cookie, other = await two_sessions(house)
    new = "a mountain walks at night"
    if how == "provisioned":
        await house.users.update(SYSTEM, session.user_id, lambda document: {**document, "password": new})
    elif how == "set by an administrator":
        await house.passwords.set(SYSTEM, session.user_id, new)
    elif how == "second factor reset":
        await house.factors.reset(SYSTEM, session.user_id)
    else:
        await house.passwords.request_reset("ada", HOME)
        await house.passwords.reset(await house.mailed_token(), new, HOME)
    assert await house.sessions.resume(cookie, HOME) is None
    assert await house.sessions.resume(other, HOME) is None


async def two_sessions(house: House) -> tuple[Session, str, str]:
    _, app, _ = await house.enrolled()
    session, cookie = await house.session("ada", app)
    house.clock.advance(30)
    _, other = await house.session("ada", app)
    return session, cookie, other
