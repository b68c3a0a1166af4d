"""Lockout: however the failures are spread, no window ever sees more than its rule allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.auth.lockout import History, Lockout, Rule, failed, is_blocked, kept_until, taken_back, wait

FACTOR = Lockout.parse(["5/5m", "20/1h", "50/1d"], in_a_row=100)
PAUSES = st.lists(st.one_of(st.floats(0, 60), st.floats(0, 7200)), max_size=200)


@pytest.mark.parametrize(
    ("text", "rule"),
    [("10/5m", Rule(10, 300)), ("1/30s", Rule(1, 30)), ("20/1h", Rule(20, 3600)), ("50/1d", Rule(50, 86400))],
)
def test_rules_read_as_the_settings_write_them(text: str, rule: Rule) -> None:
    assert Rule.parse(text) == rule


@pytest.mark.parametrize("text", ["", "10", "10/5", "x/5m", "10/m", "10/5y"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, IndexError)):
        Rule.parse(text)


def test_the_fifth_failure_closes_the_door_for_the_rest_of_its_window() -> None:
    history = History()
    for second in range(5):
        assert wait(FACTOR, history, second) == 0
        history = failed(FACTOR, history, second)
    assert wait(FACTOR, history, 4) == 296
    assert wait(FACTOR, history, 299.5) == 1
    assert wait(FACTOR, history, 300) == 0


@given(PAUSES)
def test_whoever_keeps_trying_never_gets_more_than_a_rule_allows(pauses: list[float]) -> None:
    history, now, attempts = History(), 1_000_000.0, []
    for pause in pauses:
        now += pause
        if wait(FACTOR, history, now) == 0:
            attempts.append(now)
            history = failed(FACTOR, history, now)
    for rule in FACTOR.rules:
        for moment in attempts:
            assert sum(moment <= other < moment + rule.seconds for other in attempts) <= rule.failures


@given(PAUSES)
def test_whoever_waits_as_told_is_let_in(pauses: list[float]) -> None:
    history, now = History(), 1_000_000.0
    for pause in pauses:
        now += pause
        delay = wait(FACTOR, history, now)
        assert 0 <= delay <= 86400
        assert wait(FACTOR, history, now + delay) == 0
        history = failed(FACTOR, history, now + delay)
        now += delay


@given(PAUSES)
def test_only_a_hundred_failures_in_a_row_block_for_good(pauses: list[float]) -> None:
    history, now = History(), 1_000_000.0
    for count, pause in enumerate(pauses):
        assert is_blocked(FACTOR, history) == (count >= 100)
        now += pause
        history = failed(FACTOR, history, now)


@given(PAUSES, st.floats(-200_000, 0))
def test_after_a_clock_was_set_back_nobody_is_told_to_wait_longer_than_a_rule_says(
    pauses: list[float], back: float
) -> None:
    history, now = History(), 1_000_000.0
    for pause in pauses:
        now += pause
        history = failed(FACTOR, history, now)
    assert wait(FACTOR, history, now + back) <= 86400
    history = failed(FACTOR, history, now + back)
    assert wait(FACTOR, history, now + back + 86400) == 0


def test_the_history_stays_small() -> None:
    history = History()
    for second in range(10_000):
        history = failed(FACTOR, history, second)
    assert len(history.moments) == 50


def test_a_failure_taken_back_leaves_no_trace() -> None:
    before = failed(FACTOR, History(), 10.0)
    assert taken_back(failed(FACTOR, before, 20.0), 20.0) == before


def test_taking_back_what_was_cleared_meanwhile_changes_nothing() -> None:
    assert taken_back(History(), 20.0) == History()


def test_a_history_is_kept_as_long_as_it_says_something() -> None:
    assert kept_until(Lockout.parse(["10/5m", "20/1h"]), 1000.0) == 4600.0
    assert kept_until(FACTOR, 1000.0) is None


def test_without_rules_nobody_ever_waits() -> None:
    history = History()
    for second in range(100):
        history = failed(Lockout(()), history, second)
    assert wait(Lockout(()), history, 100) == 0
    assert not is_blocked(Lockout(()), history)
