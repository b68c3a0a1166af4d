"""Passwords: the rules, whoever sets them, and hashes that keep up."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from idp.access import Actor, ActorKind
from idp.auth import FlowGone, Profile, Session, Step
from idp.auth.hashing import MAX_PASSWORD, HashingPool
from idp.directory import Resource
from idp.errors import InvalidValue, NotAuthenticated, Overloaded, PermissionDenied, RateLimited
from idp.store.contract import Write
from tests.support.authentication import HOME, PASSWORD, SYSTEM, CountingPool, House
from tests.support.faulty_store import FaultyStore

NEW = "a mountain walks at night"


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("", "At least 10 characters."),
        ("ninechars", "At least 10 characters."),
        ("x" * 20, "At least 5 different characters."),
        ("y7" * 200, "At most 256 characters."),
        ("Password123!", "Not digits alone, nor a common word with digits or signs around it."),
        ("1234567890", "Not digits alone, nor a common word with digits or signs around it."),
        ("P@$$w0rd2026", "Not digits alone, nor a common word with digits or signs around it."),
        ("Lovelace-1815", "Not made of your login name or mail address."),
    ],
)
async def test_a_password_that_breaks_a_rule_is_refused_with_the_rule(house: House, password: str, rule: str) -> None:
    user = await house.person("lovelace")
    session, _ = await session_of(house, user)
    assert rule in house.passwords.rules
    with pytest.raises(InvalidValue) as caught:
        await house.passwords.change(session, PASSWORD, password, HOME)
    assert (caught.value.path, caught.value.reason) == ("password", rule)
    assert (await house.try_password("lovelace", PASSWORD)).error is None


@pytest.mark.parametrize(
    "password",
    ["t1meMa$heen", "correct horse battery staple", "пароль из семи слов", "日本語のパスワード例です"],
)
async def test_good_passwords_of_any_script_are_accepted(house: House, password: str) -> None:
    await house.person("ada", password=password)
    assert (await house.try_password("ada", password)).error is None


async def test_the_same_letters_are_the_same_password_however_the_keyboard_composes_them(house: House) -> None:
    await house.person("ada", password="Ve\u0301lo bleu nuit 3")
    assert (await house.try_password("ada", "V\u00e9lo bleu nuit 3")).error is None


async def test_a_provisioned_password_is_held_to_the_rules_too(house: House) -> None:
    with pytest.raises(InvalidValue):
        await house.person("ada", password="short")
    assert await house.everything("users") == []


async def test_a_provisioned_password_is_not_made_of_the_names_of_its_owner(house: House) -> None:
    with pytest.raises(InvalidValue, match="login name"):
        await house.person("lovelace", password="Lovelace-1815")
    user = await house.person("ada", emails=[{"value": "lovelace@example.test"}])
    with pytest.raises(InvalidValue, match="login name"):
        await house.users.update(SYSTEM, user.id, lambda document: {**document, "password": "Lovelace-1815"})
    assert (await house.try_password("ada", PASSWORD)).error is None


async def test_changing_a_password_asks_for_the_old_one_and_tells_the_person(house: House) -> None:
    user = await house.person()
    session, _ = await session_of(house, user)
    with pytest.raises(InvalidValue) as caught:
        await house.passwords.change(session, "wrong", NEW, HOME)
    assert caught.value.path == "current password"
    await house.passwords.change(session, PASSWORD, NEW, HOME)
    assert (await house.try_password("ada", NEW)).error is None
    assert (await house.try_password("ada", PASSWORD)).error is not None
    assert "Your password for Gatehouse was changed" in [letter.subject for letter in await house.letters()]
    tags = [event["tag"] for event in await house.events("auth:password")]
    assert tags == ["auth:password:failed", "auth:password:changed"]


class Meanwhile(CountingPool):
    """Lets something happen once, right after a password was found to be right."""

    def __init__(self) -> None:
        super().__init__()
        self.happening: Callable[[], Awaitable[object]] | None = None

    async def verify(self, stored: str, password: str) -> bool:
        is_right = await super().verify(stored, password)
        if (happening := self.happening) and is_right:
            self.happening = None
            await happening()
        return is_right


class Promoting(FaultyStore):
    """Makes somebody an administrator just before the first commit that goes through it."""

    def __init__(self, house: House, user_id: str) -> None:
        super().__init__(house.store, verbs=frozenset({"commit"}))
        self._house = house
        self._user_id = user_id

    async def commit(self, writes: Sequence[Write]) -> None:
        if not self.calls:
            await self._house.users.assign_role(SYSTEM, self._user_id, "root")
        await super().commit(writes)


@pytest.mark.parametrize("deed", ["reset password", "reset factors", "enrol"])
async def test_who_becomes_an_administrator_meanwhile_is_beyond_others(house: House, deed: str) -> None:
    user, _, _ = await house.enrolled()
    admin = Actor(ActorKind.USER, "someone", "someone", role="admin")
    racing = house.over(Promoting(house, user.id))
    before = await house.everything("factors"), await house.everything("tokens")
    deeds: Mapping[str, Callable[[Actor, str], Awaitable[object]]] = {
        "reset password": racing.passwords.send_reset,
        "reset factors": racing.factors.reset,
        "enrol": racing.factors.enrol_totp_now,
    }
    with pytest.raises(PermissionDenied):
        await deeds[deed](admin, user.id)
    assert (await house.everything("factors"), await house.everything("tokens")) == before


async def test_a_change_that_races_a_reset_by_an_administrator_loses(house: House) -> None:
    user = await house.person()
    session, cookie = await session_of(house, user)
    racing = House(house.store, house.clock, pool := Meanwhile())
    pool.happening = lambda: house.passwords.set(SYSTEM, user.id, f"{NEW} as set by the administrator")
    with pytest.raises(NotAuthenticated):
        await racing.passwords.change(session, PASSWORD, NEW, HOME)
    assert await house.sessions.resume(cookie, HOME) is None
    assert (await house.try_password("ada", NEW)).error is not None
    assert (await house.try_password("ada", f"{NEW} as set by the administrator")).error is None
    pool.close()


async def test_a_session_that_has_ended_changes_no_password_though_the_old_one_is_right(house: House) -> None:
    user = await house.person()
    session, _ = await session_of(house, user)
    await house.sessions.end(session, HOME)
    with pytest.raises(NotAuthenticated):
        await house.passwords.change(session, PASSWORD, NEW, HOME)
    with pytest.raises(NotAuthenticated):
        await house.sessions.end_others(session, HOME)
    assert (await house.try_password("ada", PASSWORD)).error is None


async def test_logins_begun_with_the_old_password_end_when_it_is_changed(house: House) -> None:
    user = await house.person()
    session, _ = await session_of(house, user)
    done = await house.at_second_factor()
    await house.passwords.change(session, PASSWORD, NEW, HOME)
    assert await house.login.view(done) is None
    with pytest.raises(FlowGone):
        await house.login.finish(done, HOME, "browser")


async def test_a_login_whose_password_is_replaced_while_it_is_verified_comes_to_nothing(house: House) -> None:
    user = await house.person()
    session, _ = await session_of(house, user)
    racing = House(house.store, house.clock, pool := Meanwhile())
    pool.happening = lambda: house.passwords.change(session, PASSWORD, NEW, HOME)
    _, secret = await racing.login.begin("/", HOME)
    await racing.login.password(secret, "ada", PASSWORD, HOME)
    with pytest.raises(FlowGone):
        await house.login.finish(secret, HOME, "browser")
    pool.close()


async def test_a_new_password_at_login_ends_other_logins_and_links(house: House) -> None:
    user = await house.person()
    await session_of(house, user)
    done = await house.at_second_factor()
    await house.passwords.set(SYSTEM, user.id, PASSWORD, must_change=True)
    with pytest.raises(FlowGone):
        await house.login.finish(done, HOME, "browser")
    mine, other = await house.at_second_factor(), await house.at_second_factor()
    await house.passwords.request_reset("ada", HOME)
    token = await house.mailed_token()
    assert (await house.login.new_password(mine, NEW, HOME)).step is Step.DONE
    assert await house.passwords.reset_owner(token) is None
    assert await house.login.view(other) is None
    with pytest.raises(FlowGone):
        await house.login.new_password(other, f"{NEW} again", HOME)
    session, _ = await house.login.finish(mine, HOME, "browser")
    assert session.user_id == user.id


async def test_a_login_goes_on_while_its_hash_is_renewed(house: House) -> None:
    user = await house.person()
    await session_of(house, user)
    mine = await house.at_second_factor()
    dearer = CountingPool(1, 8, Profile(memory_kib=16, passes=2))
    later = House(house.store, house.clock, dearer)
    renewing = await later.at_second_factor()
    for secret in (mine, renewing):
        await later.login.finish(secret, HOME, "browser")
    dearer.close()


async def test_guessing_the_old_password_in_a_session_is_limited(house: House) -> None:
    user = await house.person()
    session, _ = await session_of(house, user)
    for _ in range(10):
        with pytest.raises(InvalidValue):
            await house.passwords.change(session, "wrong", NEW, HOME)
    with pytest.raises(RateLimited):
        await house.passwords.change(session, PASSWORD, NEW, HOME)


@pytest.mark.parametrize("role", ["user", "developer", "admin"])
async def test_only_who_may_sets_other_peoples_passwords(house: House, role: str) -> None:
    user = await house.person()
    actor = Actor(ActorKind.USER, "someone", "someone", role=role)
    with pytest.raises(PermissionDenied):
        await house.passwords.set(actor, user.id, NEW)
    own = Actor(ActorKind.USER, user.id, "ada", role=role)
    with pytest.raises(PermissionDenied):
        await house.passwords.set(own, user.id, NEW)
    with pytest.raises(PermissionDenied):
        await house.factors.reset(Actor(ActorKind.USER, user.id, "ada", role="user"), user.id)


async def test_a_hash_of_another_profile_is_renewed_at_login(house: House) -> None:
    user = await house.person()
    before = (await house.everything("credentials"))[0]["hash"]
    await house.try_password("ada", PASSWORD)
    assert (await house.everything("credentials"))[0]["hash"] == before
    dearer = CountingPool(1, 8, Profile(memory_kib=16, passes=2))
    later = House(house.store, house.clock, dearer)
    assert (await later.try_password("ada", PASSWORD)).error is None
    after = (await house.everything("credentials"))[0]["hash"]
    assert "m=16,t=2" in after
    assert (await house.try_password("ada", PASSWORD)).error is None
    assert user.id == (await house.everything("credentials"))[0]["id"]
    dearer.close()


async def test_a_full_hashing_pool_refuses_at_once_and_recovers() -> None:
    pool = HashingPool(1, 2, Profile(memory_kib=8 * 1024, passes=4))
    done = await asyncio.gather(*(pool.hash("a password") for _ in range(10)), return_exceptions=True)
    refused = [one for one in done if isinstance(one, Overloaded)]
    assert len(refused) == 7
    assert refused[0].retry_after >= 1
    assert await pool.verify(await pool.hash("a password"), "a password")
    pool.close()


async def test_a_caller_who_leaves_frees_the_place_of_work_that_had_not_begun() -> None:
    pool = HashingPool(1, 1, Profile(memory_kib=8 * 1024, passes=4))
    running = asyncio.create_task(pool.hash("a password"))
    waiting = asyncio.create_task(pool.hash("a password"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (await pool.hash("a password")).startswith("$argon2id$")
    await running
    pool.close()


async def test_an_overloaded_pool_locks_nobody_out(house: House) -> None:
    await house.person()
    # As if others kept its one thread busy all the time.
    full = CountingPool(workers=1, max_waiting=-1)
    crowded = House(house.store, house.clock, full)
    for _ in range(12):
        with pytest.raises(Overloaded):
            await crowded.try_password("ada", PASSWORD)
    assert (await house.try_password("ada", PASSWORD)).error is None
    full.close()


async def test_a_password_too_long_to_hash_is_wrong_not_an_error(house: House) -> None:
    await house.person()
    assert (await house.try_password("ada", "x" * (MAX_PASSWORD + 1))).error is not None
    assert (await house.try_password("ada", "\ud800" * 20)).error is not None


async def session_of(house: House, user: Resource) -> tuple[Session, str]:
    await house.factors.enrol_totp_now(SYSTEM, user.id)
    await house.users.set_mfa_policy(SYSTEM, user.id, "off")
    return await house.session(user.document["userName"])
