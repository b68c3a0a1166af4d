"""The rate of a client: a bucket that fills evenly, shared by the processes that serve together."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.auth.clients.rate import SLOTS, Rate, Rates
from idp.errors import InvalidValue


@pytest.mark.parametrize(
    ("text", "rate"),
    [("50/1s", Rate(50, 1)), ("600/1m", Rate(600, 60)), ("7/2h", Rate(7, 7200)), ("1/1d", Rate(1, 86400))],
)
def test_a_rate_is_read_as_it_is_written(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "0/1s", "5/0s", "5", "5/s", "5/1w", "-5/1s", "5/1s ", "99999999/1s", "٣/1s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        Rate.parse(text)


def test_a_bucket_gives_all_at_once_then_one_as_each_comes_in() -> None:
    rates, rate = Rates(), Rate(3, 60)
    for _ in range(3):
        assert rates.take("hr", rate, 1000.0) == 0
    assert rates.take("hr", rate, 1000.0) == 20
    assert rates.take("hr", rate, 1019.0) > 0
    assert rates.take("hr", rate, 1020.0) == 0
    assert rates.take("hr", rate, 1020.0) > 0


def test_clients_do_not_share_a_bucket() -> None:
    rates, rate = Rates(), Rate(1, 60)
    for number in range(200):
        assert rates.take(f"client {number}", rate, 1000.0) == 0
    assert rates.take("client 7", rate, 1000.0) > 0


def test_more_clients_than_places_still_get_an_answer() -> None:
    rates = Rates()
    for number in range(SLOTS * 2):
        assert rates.take(f"client {number}", Rate(1000, 1), 1000.0) == 0


def test_a_clock_that_was_set_back_keeps_nobody_out_for_longer_than_the_time_of_the_rate() -> None:
    rates, rate = Rates(), Rate(2, 60)
    assert rates.take("hr", rate, 1_000_000.0) == 0
    assert rates.take("hr", rate, 1000.0) <= 60


# The server forks before it has threads; the test run has some.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_count_together() -> None:
    rates, rate = Rates.of_processes(), Rate(5, 60)
    for _ in range(3):
        assert rates.take("hr", rate, 1000.0) == 0
    if (child := os.fork()) == 0:
        os._exit(rates.take("hr", rate, 1000.0) + rates.take("another", rate, 1000.0))
    assert os.waitpid(child, 0)[1] == 0
    assert rates.take("hr", rate, 1000.0) == 0
    assert rates.take("hr", rate, 1000.0) > 0


@given(st.integers(1, 20), st.integers(1, 100), st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_no_window_ever_holds_more_than_twice_the_rate_and_waiting_always_helps(
    requests: int, seconds: int, pauses: list[float]
) -> None:
    rates, rate, now = Rates(), Rate(requests, seconds), 5_000_000.0
    admitted: list[float] = []
    for pause in pauses:
        now += pause
        if wait := rates.take("hr", rate, now):
            now += wait
            assert rates.take("hr", rate, now) == 0
        admitted.append(now)
    for first in admitted:
        within = [moment for moment in admitted if first <= moment < first + seconds]
        assert len(within) <= 2 * requests
