"""Secrets as text: long enough, without a bias, and read as people type them."""

import os
import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from idp.auth.secret_text import csrf_of, digest, new_digits, new_recovery_code, new_secret, plain_recovery_code


def test_secrets_are_43_letters_and_digits_and_never_the_same() -> None:
    made = {new_secret(os.urandom) for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[0-9A-Za-z]{43}", secret) for secret in made)


def test_a_secret_holds_all_the_random_bits() -> None:
    assert new_secret(lambda count: b"\xff" * count) != new_secret(lambda count: b"\xff" * (count - 1) + b"\xfe")
    assert new_secret(lambda count: b"\xff" * count) != new_secret(lambda count: b"\x7f" + b"\xff" * (count - 1))


def test_recovery_codes_are_four_groups_of_letters_that_nobody_mixes_up() -> None:
    codes = {new_recovery_code(os.urandom) for _ in range(1000)}
    assert len(codes) == 1000
    assert all(re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}", code) for code in codes)


@given(st.binary(min_size=10, max_size=10), st.sampled_from(["upper", "lower"]), st.sampled_from(["", " ", "-", "\t "]))
def test_a_recovery_code_is_read_however_it_is_typed(bits: bytes, case: str, between: str) -> None:
    code = new_recovery_code(lambda _: bits)
    typed = getattr(code.replace("-", between), case)()
    for letter, alike in (("0", "O"), ("1", "l"), ("1", "I"), ("v", "U")):
        assert plain_recovery_code(typed.replace(letter, alike)) == code.replace("-", "")


def test_digits_keep_their_leading_zeros_and_come_equally_often() -> None:
    assert new_digits(lambda count: b"\x00" * count) == "000000"
    first = Counter(new_digits(os.urandom)[0] for _ in range(20_000))
    assert len(first) == 10
    assert all(1700 < count < 2300 for count in first.values())


def test_what_pages_post_back_differs_by_secret_and_is_not_its_digest() -> None:
    assert csrf_of("a") != csrf_of("b")
    assert csrf_of("a") not in (digest("a"), "a")
    assert re.fullmatch(r"[\w-]{43}", csrf_of("a"))
