"""Distinguished names are compared by meaning."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldap_bridge.dn import DnError, is_within, key, parent
from tests.support.ldif import escape_rdn

SPELLINGS = [
    [
        "uid=ada,ou=People,dc=example,dc=org",
        "UID=Ada , OU=people , DC=Example,dc=ORG",
        "uid=ada;ou=people;dc=example;dc=org",
    ],
    [r"cn=Lovelace\, Ada,o=x", r"cn=Lovelace\2C Ada,o=x", 'cn="Lovelace, Ada",o=x', r"cn=Lovelace\2c  Ada,o=x"],
    ["cn=Müller,o=x", r"cn=M\C3\BCller,o=x", "cn=Mu\u0308ller,o=x", "CN=MÜLLER,O=x"],
    ["cn=a+uid=b,o=x", "uid=b+cn=a,o=x", "UID=B + CN=A,o=x"],
    ["cn=a,o=x", "2.5.4.3=a,2.5.4.10=x", "oid.2.5.4.3=a,o=x", "cn=#040161,o=x"],
    [r"cn=\#1,o=x", r"cn=\231,o=x"],
    [r"cn=a\+b,o=x", r"cn=a\2Bb,o=x", 'cn="a+b",o=x'],
    [r"cn=\ a\ ,o=x", "cn=a,o=x"],
    ["cn=a=b,o=x", r"cn=a\=b,o=x"],
    [r"cn=a\\,o=x", r"cn=a\5c,o=x"],
    [r"cn=\<a\>\;\",o=x", r"cn=\3ca\3e\3b\22,o=x"],
    ["", "  "],
]


@pytest.mark.parametrize("spellings", SPELLINGS)
def test_every_spelling_of_a_name_has_the_same_key(spellings: list[str]) -> None:
    assert len({key(spelling) for spelling in spellings}) == 1


def test_different_names_have_different_keys() -> None:
    assert len({key(spellings[0]) for spellings in SPELLINGS}) == len(SPELLINGS) - 1  # cn=a,o=x stands there twice


@pytest.mark.parametrize("text", ["ada", "=x", "cn=a,,o=x", "cn=a,", "cn=a\\", "1a=b", "cn=a,o"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(DnError):
        key(text)


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_an_escaped_value_never_runs_into_its_neighbours(left: str, right: str) -> None:
    whole = key(f"cn={escape_rdn(left)},ou={escape_rdn(right)},o=x")
    assert parent(whole) == key(f"ou={escape_rdn(right)},o=x")
    assert parent(parent(whole)) == "o=x"


@given(st.text(max_size=60))
def test_any_text_gives_a_key_or_the_modules_own_error(text: str) -> None:
    with suppress(DnError):
        key(text)


def test_keys_tell_what_lies_below_a_base() -> None:
    base = key("ou=people,dc=example,dc=org")
    assert is_within(key("uid=a,ou=People,dc=example,dc=org"), base)
    assert is_within(base, base)
    assert is_within(base, "")
    assert not is_within(key("uid=a,ou=staff people,dc=example,dc=org"), base)
    assert not is_within(key("ou=otherpeople,dc=example,dc=org"), key("ou=people,dc=example,dc=org"))


def test_the_parent_of_a_suffix_is_empty() -> None:
    assert parent("o=x") == ""
