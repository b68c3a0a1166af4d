"""Sealing: what is stored says nothing, opens only for its purpose, and survives a rotation."""

import os
from collections.abc import Callable

import pytest

from idp.auth.sealing import SealBroken, Sealer

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def test_what_is_sealed_opens_again_and_shows_nothing() -> None:
    sealer = Sealer([OLD], os.urandom)
    sealed = sealer.seal(b"JBSWY3DPEHPK3PXP", "totp:ada")
    assert b"JBSWY3DPEHPK3PXP" not in sealed.encode()
    assert sealer.open(sealed, "totp:ada") == b"JBSWY3DPEHPK3PXP"


def test_the_same_secret_never_looks_the_same() -> None:
    sealer = Sealer([OLD], os.urandom)
    assert sealer.seal(b"x", "c") != sealer.seal(b"x", "c")


def test_a_record_moved_to_another_person_does_not_open() -> None:
    sealer = Sealer([OLD], os.urandom)
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal(b"secret", "totp:ada"), "totp:eve")


@pytest.mark.parametrize("damage", [lambda text: text[:-8] + "AAAAAAA=", lambda text: text[:12], lambda text: ""])
def test_damaged_text_does_not_open(damage: Callable[[str], str]) -> None:
    sealer = Sealer([OLD], os.urandom)
    with pytest.raises(SealBroken):
        sealer.open(damage(sealer.seal(b"secret", "c")), "c")


def test_after_a_rotation_old_secrets_open_and_move_to_the_new_key() -> None:
    sealed = Sealer([OLD], os.urandom).seal(b"secret", "c")
    both, new_only = Sealer([NEW, OLD], os.urandom), Sealer([NEW], os.urandom)
    assert both.open(sealed, "c") == b"secret"
    assert new_only.open(both.renewed(sealed, "c"), "c") == b"secret"
    with pytest.raises(SealBroken, match="missing"):
        new_only.open(sealed, "c")


def test_renewing_what_is_under_the_newest_key_changes_nothing() -> None:
    sealer = Sealer([NEW, OLD], os.urandom)
    sealed = sealer.seal(b"secret", "c")
    assert sealer.renewed(sealed, "c") == sealed


def test_fingerprints_tell_codes_and_contexts_apart_and_survive_a_rotation() -> None:
    stored = Sealer([OLD], os.urandom).fingerprint("123456", "flow 1")
    both = Sealer([NEW, OLD], os.urandom)
    assert both.is_fingerprint(stored, "123456", "flow 1")
    assert not both.is_fingerprint(stored, "123457", "flow 1")
    assert not both.is_fingerprint(stored, "123456", "flow 2")
    assert not Sealer([NEW], os.urandom).is_fingerprint(stored, "123456", "flow 1")


def test_a_derived_sealer_has_keys_of_its_own_for_each_purpose() -> None:
    sealer = Sealer([bytes(32), b"1" * 32], os.urandom)
    sealed = sealer.derived("a").seal(b"x", "context")
    assert sealer.derived("a").open(sealed, "context") == b"x"
    for other in (sealer, sealer.derived("b")):
        with pytest.raises(SealBroken):
            other.open(sealed, "context")
    rotated = Sealer([b"2" * 32, bytes(32)], os.urandom)
    assert rotated.derived("a").open(sealed, "context") == b"x"
