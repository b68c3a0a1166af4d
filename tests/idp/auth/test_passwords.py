"""Passwords: the rules, whoever sets them, links that work once, and hashes that keep up."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from idp.access import Actor, ActorKind
from idp.auth import FlowGone, Profile, Session, Step, Verdict, entry
from idp.auth.hashing import MAX_PASSWORD, HashingPool
from idp.auth.passwords import ELSEWHERE
from idp.directory import Resource
from idp.errors import InvalidValue, NotAuthenticated, NotFound, Overloaded, PermissionDenied, RateLimited, Unavailable
from idp.store.contract import Write
from tests.support.authentication import HOME, PASSWORD, SYSTEM, CountingPool, House
from tests.support.faulty_store import FaultyStore

NEW = "a mountain walks at night"


class Ldap:
    """A directory that answers as it is told."""

    def __init__(self, verdict: Verdict | Exception) -> None:
        self.verdict = verdict

    async def verify(self, user: Resource, password: str) -> Verdict:
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


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


async def test_a_forgotten_password_is_reset_by_a_link_and_the_second_factor_stays(house: House) -> None:
    await house.enrolled()
    await house.passwords.request_reset("ada@example.test", HOME)
    token = await house.mailed_token("ada@")
    owner = await house.passwords.reset_owner(token)
    assert owner is not None
    assert owner.document["userName"] == "ada"
    with pytest.raises(InvalidValue):
        await house.passwords.reset(token, "short", HOME)
    await house.passwords.reset(token, NEW, HOME)
    assert (await house.try_password("ada", NEW)).step is Step.SECOND_FACTOR
    assert await house.passwords.reset_owner(token) is None
    with pytest.raises(NotAuthenticated):
        await house.passwords.reset(token, PASSWORD, HOME)


async def test_a_reset_link_used_twenty_times_at_once_works_once(house: House) -> None:
    await house.person()
    await house.passwords.request_reset("ada", HOME)
    token = await house.mailed_token()
    uses = (house.passwords.reset(token, f"{NEW} {number}", HOME) for number in range(20))
    done = await asyncio.gather(*uses, return_exceptions=True)
    assert sum(one is None for one in done) == 1
    assert all(one is None or isinstance(one, NotAuthenticated) for one in done)


async def test_a_reset_link_dies_after_two_hours_and_with_another_ones_use(house: House) -> None:
    await house.person()
    await house.passwords.request_reset("ada", HOME)
    first = await house.mailed_token()
    house.clock.advance(7200)
    assert await house.passwords.reset_owner(first) is None
    await house.passwords.request_reset("ada", HOME)
    second = await house.mailed_token()
    house.clock.advance(1)
    await house.passwords.request_reset("ada", HOME)
    await house.passwords.reset(await house.mailed_token(), NEW, HOME)
    assert await house.passwords.reset_owner(second) is None


async def test_nobody_learns_from_forgotten_passwords_who_has_an_account(house: House) -> None:
    off = await house.person("eve")
    await house.users.set_active(SYSTEM, off.id, False, "left")
    await house.person("ann", source="ldap:corp")
    await house.person("bob", emails=[])
    for name in ("nobody", "eve", "ann", "bob", ""):
        await house.passwords.request_reset(name, HOME)
    assert await house.letters() == []
    assert len(await house.events("auth:reset:requested")) == 5


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_links_are_mailed_only_so_often_whoever_is_asked_for(house: House, name: str) -> None:
    await house.person()
    for _ in range(5):
        await house.passwords.request_reset(name, HOME)
    with pytest.raises(RateLimited):
        await house.passwords.request_reset(name, HOME)


async def test_a_reset_lets_people_in_at_once_who_had_locked_themselves_out(house: House) -> None:
    await house.person()
    for _ in range(10):
        await house.try_password("ada", "wrong")
    await house.passwords.request_reset("ada", HOME)
    await house.passwords.reset(await house.mailed_token(), NEW, HOME)
    assert (await house.try_password("ada", NEW)).error is None


async def test_a_link_sent_by_an_administrator_welcomes_people_without_a_password(house: House) -> None:
    new = await house.person("bob", source="scim:hr")
    old = await house.person("ada")
    await house.passwords.send_reset(SYSTEM, new.id)
    await house.passwords.send_reset(SYSTEM, old.id)
    assert (await house.letters("bob@"))[0].subject == "Your account at Gatehouse"
    assert (await house.letters("ada@"))[0].subject == "Set a new password for Gatehouse"
    await house.passwords.reset(await house.mailed_token("bob@"), NEW, HOME)
    assert (await house.try_password("bob", NEW)).error is None


async def test_what_an_administrator_cannot_do_is_said(house: House) -> None:
    ldap, lone = await house.person("ann", source="ldap:corp"), await house.person("bob", emails=[])
    with pytest.raises(InvalidValue, match=ELSEWHERE):
        await house.passwords.send_reset(SYSTEM, ldap.id)
    with pytest.raises(InvalidValue, match="no address"):
        await house.passwords.send_reset(SYSTEM, lone.id)
    with pytest.raises(NotFound):
        await house.passwords.set(SYSTEM, "nobody", NEW)


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


@pytest.mark.parametrize(
    ("verdict", "step", "error"),
    [
        (Verdict.RIGHT, Step.ENROL, None),
        (Verdict.EXPIRING, Step.ENROL, None),
        (Verdict.GRACE, Step.ENROL, None),
        (Verdict.EXPIRED, Step.PASSWORD, entry.EXPIRED),
        (Verdict.MUST_CHANGE, Step.PASSWORD, entry.MUST_CHANGE),
        (Verdict.DISABLED, Step.PASSWORD, entry.DISABLED),
        (Verdict.ENDED, Step.PASSWORD, entry.ENDED),
        (Verdict.NOT_NOW, Step.PASSWORD, entry.NOT_NOW),
        # Said whatever the password was, so nobody learns from it that there is such an account.
        (Verdict.LOCKED, Step.PASSWORD, entry.WRONG),
        (Verdict.UNWILLING, Step.PASSWORD, entry.WRONG),
        (Verdict.ABSENT, Step.PASSWORD, entry.WRONG),
        (Verdict.WRONG, Step.PASSWORD, entry.WRONG),
    ],
)
async def test_a_directory_says_of_its_people_what_their_password_is_worth(
    house: House, verdict: Verdict, step: Step, error: str | None
) -> None:
    house.directories = {"ldap:corp": Ldap(verdict)}
    await house.person("ann", source="ldap:corp")
    view = await house.try_password("ann", "whatever it is")
    assert (view.step, view.error) == (step, error)
    notices = {Verdict.EXPIRING: entry.EXPIRING, Verdict.GRACE: entry.GRACE}
    assert view.notice == notices.get(verdict, "")


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict.LOCKED, "locked in the directory"),
        (Verdict.EXPIRED, "expired password"),
        (Verdict.MUST_CHANGE, "password must be changed in the directory"),
        (Verdict.DISABLED, "disabled in the directory"),
    ],
)
async def test_the_record_names_the_state_in_the_directory(house: House, verdict: Verdict, reason: str) -> None:
    house.directories = {"ldap:corp": Ldap(verdict)}
    user = await house.person("ann", source="ldap:corp")
    await house.try_password("ann", PASSWORD)
    (failed,) = await house.events("auth:login:failed")
    assert (failed["target"], failed["details"]) == (user.id, {"reason": reason})


@pytest.mark.parametrize("verdict", [Verdict.EXPIRED, Verdict.DISABLED])
async def test_what_the_directory_says_of_an_account_that_is_inactive_here_is_not_told(
    house: House, verdict: Verdict
) -> None:
    house.directories = {"ldap:corp": Ldap(verdict)}
    user = await house.person("ann", source="ldap:corp")
    await house.users.set_active(SYSTEM, user.id, False, "left")
    assert (await house.try_password("ann", PASSWORD)).error == entry.WRONG


async def test_an_empty_password_takes_as_long_as_any_and_reaches_no_directory(house: House) -> None:
    house.directories = {"ldap:corp": Ldap(Unavailable("directory corp"))}
    await house.person("ann", source="ldap:corp")
    before = house.pool.done
    assert (await house.try_password("ann", "")).error is not None
    assert house.pool.done == before + 1


async def test_who_is_not_in_the_directory_any_more_is_refused_like_a_stranger(house: House) -> None:
    house.directories = {"ldap:corp": Ldap(Verdict.ABSENT)}
    await house.person("ann", source="ldap:corp")
    before = house.pool.done
    refused = (await house.try_password("ann", PASSWORD)).error
    assert house.pool.done == before + 1
    assert refused == (await house.try_password("nobody", PASSWORD)).error
    assert house.pool.done == before + 2


async def test_a_directory_that_is_away_locks_nobody_out(house: House) -> None:
    ldap = Ldap(Unavailable("directory corp"))
    house.directories = {"ldap:corp": ldap}
    await house.person("ann", source="ldap:corp")
    for _ in range(20):
        with pytest.raises(Unavailable):
            await house.try_password("ann", PASSWORD)
    ldap.verdict = Verdict.RIGHT
    assert (await house.try_password("ann", PASSWORD)).error is None


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
    full = CountingPool(1, 0, Profile(memory_kib=32 * 1024, passes=40))
    crowded = House(house.store, house.clock, full)
    blocker = asyncio.create_task(full.hash("a password"))
    await asyncio.sleep(0)
    for _ in range(12):
        with pytest.raises(Overloaded):
            await crowded.try_password("ada", PASSWORD)
        if blocker.done():
            pytest.fail("the pool was not kept busy for long enough")
    await blocker
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
