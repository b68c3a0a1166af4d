"""While a directory is down, the password it accepted last lets people in, if that was chosen, and for a time only."""

import os
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta

import pytest

from idp.auth import CACHED_PASSWORDS, Sealer, Verdict
from idp.directory import Resource
from idp.errors import IdpError, RateLimited, Unavailable
from ldap_bridge.bind import LdapBind, open_verifier
from ldap_bridge.cached_passwords import CachedPasswords
from ldap_bridge.errors import DirectoryUnable, DirectoryUnanswered, DirectoryUnavailable, DirectoryUntrusted
from tests.ldap_bridge.conftest import Bridge
from tests.support.authentication import HOME, RULES, SYSTEM, CountingPool, House
from tests.support.clock import FakeClock
from tests.support.directory import everything
from tests.support.ldif import write_change
from tests.support.people import BASE, make_person
from tests.support.slapd import Slapd

DAY = timedelta(days=1)
PERSON = make_person(1)


@pytest.fixture
async def corp(bridge: Bridge) -> AsyncIterator[LdapBind]:
    """Who asks the directory, with everybody in."""
    await bridge.sync()
    with closing(open_verifier(bridge.source, bridge.store)) as opened:
        yield opened


def cached(inner: "LdapBind | Told", bridge: Bridge, clock: FakeClock, key: bytes = bytes(32)) -> CachedPasswords:
    return CachedPasswords(inner, bridge.store, clock, CountingPool(), Sealer([key], os.urandom), DAY)


async def who(bridge: Bridge, login: str = PERSON.uid) -> Resource:
    document = await bridge.person(login)
    record = await bridge.store.get("users", document["id"])
    assert record is not None
    return Resource(record.id, record.version, record.document)


class Told:
    """A directory that answers as it is told."""

    def __init__(self, answer: Verdict | IdpError) -> None:
        self.answer = answer

    async def verify(self, user: Resource, password: str) -> Verdict:
        if isinstance(self.answer, IdpError):
            raise self.answer
        return self.answer


async def test_while_it_is_down_the_password_it_accepted_is_right(
    corp: LdapBind, bridge: Bridge, clock: FakeClock, slapd: Slapd
) -> None:
    verifier, user = cached(corp, bridge, clock), await who(bridge)
    assert await verifier.verify(user, PERSON.password) is Verdict.RIGHT
    slapd.stop()
    assert await verifier.verify(user, PERSON.password) is Verdict.CACHED
    assert await verifier.verify(user, "wrong") is Verdict.WRONG
    assert await verifier.verify(user, "") is Verdict.WRONG
    with pytest.raises(Unavailable):
        await verifier.verify(await who(bridge, make_person(2).uid), make_person(2).password)
    clock.advance(DAY.total_seconds() + 1)
    with pytest.raises(Unavailable):
        await verifier.verify(user, PERSON.password)


async def test_a_password_that_was_changed_there_is_forgotten_when_the_old_one_is_refused(
    corp: LdapBind, bridge: Bridge, clock: FakeClock, slapd: Slapd
) -> None:
    verifier, user = cached(corp, bridge, clock), await who(bridge)
    await verifier.verify(user, PERSON.password)
    assert await verifier.verify(user, "a guess") is Verdict.WRONG
    assert len(await everything(bridge.store, CACHED_PASSWORDS)) == 1
    slapd.modify(write_change(PERSON.dn, [("replace", "userPassword", ["another"])]))
    assert await verifier.verify(user, PERSON.password) is Verdict.WRONG
    assert await everything(bridge.store, CACHED_PASSWORDS) == []
    await verifier.verify(user, "another")
    slapd.stop()
    assert await verifier.verify(user, "another") is Verdict.CACHED
    assert await verifier.verify(user, PERSON.password) is Verdict.WRONG


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict.MUST_CHANGE,
        Verdict.EXPIRED,
        Verdict.GRACE,
        Verdict.DISABLED,
        Verdict.ENDED,
        Verdict.LOCKED,
        Verdict.ABSENT,
    ],
)
async def test_any_change_of_state_there_ends_it(bridge: Bridge, clock: FakeClock, verdict: Verdict) -> None:
    inner = Told(Verdict.RIGHT)
    verifier, user = cached(inner, bridge, clock), await bridge.directory.user("ann")
    await verifier.verify(user, "right")
    inner.answer = verdict
    assert await verifier.verify(user, "right") is verdict
    assert await everything(bridge.store, CACHED_PASSWORDS) == []


@pytest.mark.parametrize("error", [DirectoryUnable, DirectoryUnanswered, DirectoryUntrusted])
async def test_a_directory_that_answers_at_all_is_not_down(
    bridge: Bridge, clock: FakeClock, error: type[DirectoryUnavailable]
) -> None:
    inner = Told(Verdict.RIGHT)
    verifier, user = cached(inner, bridge, clock), await bridge.directory.user("ann")
    await verifier.verify(user, "right")
    inner.answer = error("corp", "busy")
    with pytest.raises(error):
        await verifier.verify(user, "right")
    inner.answer = DirectoryUnavailable("corp", "gone")
    assert await verifier.verify(user, "right") is Verdict.CACHED


async def test_what_a_key_that_is_gone_has_sealed_is_as_good_as_not_kept(bridge: Bridge, clock: FakeClock) -> None:
    inner = Told(Verdict.RIGHT)
    user = await bridge.directory.user("ann")
    await cached(inner, bridge, clock).verify(user, "right")
    verifier = cached(inner, bridge, clock, key=bytes(range(32)))
    inner.answer = DirectoryUnavailable("corp", "gone")
    with pytest.raises(DirectoryUnavailable):
        await verifier.verify(user, "right")
    inner.answer = Verdict.WRONG
    assert await verifier.verify(user, "a guess") is Verdict.WRONG
    assert await everything(bridge.store, CACHED_PASSWORDS) == []
    inner.answer = Verdict.RIGHT
    await verifier.verify(user, "right")
    inner.answer = DirectoryUnavailable("corp", "gone")
    assert await verifier.verify(user, "right") is Verdict.CACHED


async def test_nothing_of_the_password_can_be_read_in_the_store(bridge: Bridge, clock: FakeClock) -> None:
    user = await bridge.directory.user("ann")
    await cached(Told(Verdict.RIGHT), bridge, clock).verify(user, "right horse")
    (kept,) = await everything(bridge.store, CACHED_PASSWORDS)
    assert "horse" not in str(kept)
    assert "argon2" not in str(kept)


async def test_whoever_is_disabled_meanwhile_is_not_remembered(bridge: Bridge, clock: FakeClock) -> None:
    user = await bridge.directory.user("ann")
    await bridge.directory.users.set_active(SYSTEM, user.id, False, "left")
    assert await cached(Told(Verdict.RIGHT), bridge, clock).verify(user, "right") is Verdict.RIGHT
    assert await everything(bridge.store, CACHED_PASSWORDS) == []


async def test_disabling_ends_it_and_a_login_by_it_is_recorded(bridge: Bridge, clock: FakeClock) -> None:
    inner = Told(Verdict.RIGHT)
    house = House(bridge.store, clock)
    house.directories = {"ldap:corp": cached(inner, bridge, clock)}
    user = await house.person("ann", source="ldap:corp")
    assert (await house.try_password("ann", "right")).error is None
    inner.answer = DirectoryUnavailable("corp", "gone")
    assert (await house.try_password("ann", "right")).error is None
    assert [event["target"] for event in await house.events("auth:password:cached")] == [user.id]
    assert await house.entry.again(user, "right", HOME)
    assert not await house.entry.again(user, "a guess", HOME)
    assert [event["actor"] for event in await house.events("auth:password:cached")] == ["", user.id]
    assert len(await house.events("auth:password:failed")) == 1
    await house.users.set_active(SYSTEM, user.id, False, "left")
    assert await house.everything(CACHED_PASSWORDS) == []


# --- never the cause of a lock-out there ---


async def test_guessing_here_never_locks_an_account_there(bridge: Bridge, clock: FakeClock, slapd: Slapd) -> None:
    lockout = [("replace", "pwdLockout", ["TRUE"]), ("replace", "pwdMaxFailure", ["5"])]
    slapd.modify(write_change(f"cn=default,ou=policies,{BASE}", lockout))
    await bridge.sync()
    with closing(open_verifier(bridge.source, bridge.store)) as verifier:
        rules = RULES.parse(["10/5m", *bridge.source.login.limits], ["5/5m"], ["500/5m"])
        house = House(bridge.store, clock, rules=rules, directories={"ldap:corp": verifier})
        for _ in range(4):
            await house.try_password(PERSON.uid, "a guess")
        for _ in range(4):
            with pytest.raises(RateLimited):
                await house.try_password(PERSON.uid, "a guess")
        assert slapd.accepts(PERSON.dn, PERSON.password)
    # That the policy is in force at all:
    for _ in range(5):
        assert not slapd.accepts(PERSON.dn, "a guess")
    assert not slapd.accepts(PERSON.dn, PERSON.password)


async def test_what_may_have_counted_there_counts_here(house_with: "Told", bridge: Bridge, clock: FakeClock) -> None:
    house = House(bridge.store, clock, directories={"ldap:corp": house_with})
    await house.person("ann", source="ldap:corp")
    for _ in range(10):
        with pytest.raises(DirectoryUnanswered):
            await house.try_password("ann", "a guess")
    with pytest.raises(RateLimited):
        await house.try_password("ann", "a guess")


@pytest.fixture
def house_with() -> Told:
    """A directory that takes passwords and never says what it made of them."""
    return Told(DirectoryUnanswered("corp", "no answer"))
