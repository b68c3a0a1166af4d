"""What the bench makes of measures: the middle of rounds, ratios, and whether they were wanted."""

from tests.bench.beside_bare import Goal
from tests.bench.growth import row, usual
from tests.bench.measure import Pair, Speed


def speed(rate: float = 100, median: float = 1, p99: float = 2, failed: int = 0, cpu: float = 1) -> Speed:
    return Speed(rate, median, p99, failed, 100, cpu)


def test_the_usual_speed_is_the_middle_in_each_respect_with_all_failures() -> None:
    found = usual([speed(90, 3, 50, 1), speed(100, 1, 5, 0), speed(110, 2, 4, 2)])
    assert found == speed(100, 2, 5, 3)


def test_growth_is_judged_by_the_slowest_or_by_the_usual_request() -> None:
    slow, fast = speed(median=1.1, p99=9, cpu=3), speed(median=1, p99=3, cpu=2)
    by_slowest, by_usual = row("x", slow, fast, 2), row("x", slow, fast, 2, of="median")
    assert (by_slowest.ratio, by_slowest.met, by_slowest.cpu) == ("3.00", False, "1.50")
    assert (by_usual.ratio, by_usual.met) == ("1.10", True)


def test_a_failed_request_misses_every_goal() -> None:
    assert row("x", speed(failed=1), speed(), 2).met is False
    assert Goal(50, 80).reached(Pair(speed(failed=1), speed())) == (False, False)


def test_a_goal_is_a_rate_or_a_share_of_the_bare_servers() -> None:
    pair = Pair(speed(60), speed(100))
    assert Goal(50, 80).reached(pair) == (True, False)
    assert Goal(0.5, 0.6, is_share=True).reached(pair) == (True, True)
    assert Goal(0.5, 0.6, is_share=True).texts() == (">= 0.5x", ">= 0.6x")
