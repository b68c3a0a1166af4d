"""The hash that is checked for people who have none: as dear as a real one, and right for no password."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from idp.auth import HashingPool, Profile
from idp.auth.hashing import hash_of_nothing
from tests.support.authentication import CHEAP


@pytest.mark.parametrize("profile", [CHEAP, Profile()])
async def test_the_hash_of_nothing_costs_what_a_real_one_costs(profile: Profile) -> None:
    pool = HashingPool(workers=1, max_waiting=1, profile=profile)
    assert extract_parameters(hash_of_nothing(profile)) == extract_parameters(await pool.hash("a password"))
    assert not pool.is_outdated(hash_of_nothing(profile))
    pool.close()


@pytest.mark.parametrize("password", ["", "nobody", "\0" * 32])
def test_no_password_is_that_of_nobody(password: str) -> None:
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(hash_of_nothing(CHEAP), password)
