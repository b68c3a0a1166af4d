"""Whether an account may be used follows from its attributes, the table of tests, and the moment alone."""

from datetime import UTC, datetime, timedelta

import pytest

from idp.errors import ConfigError
from ldap_bridge.rules import BadValue
from ldap_bridge.states import Verdict, compile_states

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def filetime(moment: datetime) -> str:
    """The moment as Active Directory counts it."""
    return str(int((moment - EPOCH).total_seconds()) * 10_000_000)


def days(moment: datetime) -> str:
    """The moment as shadow(5) counts it."""
    return str(int(moment.timestamp()) // 86_400)


MIDNIGHT = datetime(2026, 6, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("test", "values", "reason", "until"),
    [
        ("bit:0x2", ["512"], "", None),
        ("bit:0x2", ["514"], "disabled", None),
        ("bit:2", ["66050"], "disabled", None),
        ("bit:0x2", [], "", None),
        ("is:TRUE", ["true"], "disabled", None),
        ("is:TRUE", ["FALSE"], "", None),
        ("is:left|retired", ["Retired "], "disabled", None),
        ("is:TRUE", [], "", None),
        ("not:active|on leave", ["Active"], "", None),
        ("not:active|on leave", ["left"], "disabled", None),
        ("not:active", [], "", None),
        ("present", ["x"], "disabled", None),
        ("present", [], "", None),
        ("absent", [], "disabled", None),
        ("absent", ["x"], "", None),
        ("expires", ["20260601115959Z"], "expired", None),
        ("expires", ["20260601120000Z"], "expired", None),
        ("expires", ["202606011400+0100"], "", LATER),
        ("expires", ["2026060113.5Z"], "", LATER),
        ("expires", [], "", None),
        ("expires:filetime", ["0"], "", None),
        ("expires:filetime", ["9223372036854775807"], "", None),
        ("expires:filetime", [filetime(NOW)], "expired", None),
        ("expires:filetime", [filetime(LATER)], "", LATER),
        ("expires:days", ["-1"], "", None),
        ("expires:days", ["0"], "expired", None),
        ("expires:days", [days(NOW)], "expired", None),
        ("expires:days", [days(MIDNIGHT)], "", MIDNIGHT),
        ("locked", ["20200101000000Z"], "locked", None),
        ("locked", ["0"], "", None),
        ("locked", [], "", None),
        ("locked:30", ["000001010000Z"], "locked", None),
        ("locked:30", ["20260601114500Z"], "locked", NOW + timedelta(minutes=15)),
        ("locked:30", ["20260601113000Z"], "", None),
        ("locked:30", [filetime(NOW)], "locked", NOW + timedelta(minutes=30)),
        ("locked:30", ["0"], "", None),
    ],
)
def test_each_test_says_why_not_and_until_when(
    test: str, values: list[str], reason: str, until: datetime | None
) -> None:
    states = compile_states({"someTime": test}, "users.inactive")
    expected = f"{reason} in the directory (someTime)" if reason else ""
    assert states.judge({"sometime": [value.encode() for value in values]}, NOW) == Verdict(expected, until)


def test_the_first_that_is_against_gives_the_reason_and_the_earliest_moment_counts() -> None:
    states = compile_states({"a": "expires", "b": "is:TRUE", "c": "present", "d": "expires"}, "users.inactive")
    assert states.attributes == ["a", "b", "c", "d"]
    attributes = {"a": [b"20260601150000Z"], "b": [b"TRUE"], "c": [b"x"], "d": [b"20260601130000Z"]}
    assert states.judge(attributes, NOW) == Verdict("disabled in the directory (b)", LATER)


def test_a_test_of_a_preset_is_taken_away_by_nothing() -> None:
    assert compile_states({"shadowExpire": ""}, "users.inactive").tests == ()


@pytest.mark.parametrize(
    ("test", "value", "reason"),
    [
        ("bit:2", b"x", "x: not a number"),
        ("is:TRUE", b"\xff", "x: not UTF-8"),
        ("expires", b"tomorrow", "x: not a time as LDAP writes it"),
        ("expires", b"20261340000000Z", "x: not a moment of any calendar"),
        ("expires:filetime", b"-9999999999999999999999", "x: not a moment of any calendar"),
        ("expires:days", b"99999999999", "x: not a moment of any calendar"),
        ("locked:30", b"", "x: not a time"),
    ],
)
def test_a_value_that_cannot_be_read_is_told_with_its_attribute(test: str, value: bytes, reason: str) -> None:
    with pytest.raises(BadValue, match=reason):
        compile_states({"x": test}, "users.inactive").judge({"x": [value]}, NOW)


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("bits:2", "'bits' is no test; there are absent, bit, expires, is, locked, not, present"),
        ("bit:", "needs the bits"),
        ("is", "needs a value"),
        ("not:a||b", "needs a value"),
        ("present:x", "takes nothing"),
        ("expires:weeks", "filetime, days"),
        ("locked:soon", "needs minutes"),
        ("locked:0", "needs minutes"),
    ],
)
def test_a_test_that_is_none_is_refused_with_its_key(test: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        compile_states({"x": test}, "ldap.corp.users.inactive")
    assert caught.value.key == "ldap.corp.users.inactive.x"
