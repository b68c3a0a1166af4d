"""Logins whose password a directory judges: what is told, recorded and counted."""

import pytest

from idp.auth import Step, Verdict, entry
from idp.directory import Resource
from idp.errors import Unavailable
from tests.support.authentication import PASSWORD, SYSTEM, House


class Ldap:
    """A directory that answers as it is told."""

    def __init__(self, verdict: Verdict | Exception) -> None:
        self.verdict = verdict

    async def verify(self, user: Resource, password: str) -> Verdict:
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict


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
