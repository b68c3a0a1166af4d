"""The order of bulk operations, whatever they need of each other."""

from hypothesis import given
from hypothesis import strategies as st

from scim.bulk.order import ordered

needs = st.integers(1, 12).flatmap(
    lambda size: st.lists(st.sets(st.integers(0, size - 1), max_size=3), min_size=size, max_size=size)
)


def reached(start: int, needs: list[set[int]]) -> set[int]:
    found: set[int] = set()
    waiting = list(needs[start])
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(needs[node])
    return found


@given(needs)
def test_everything_comes_once_and_after_what_it_needs(needs: list[set[int]]) -> None:
    units = list(ordered(needs))
    assert sorted(one for unit in units for one in unit) == list(range(len(needs)))
    seen: set[int] = set()
    for unit in units:
        seen |= set(unit)
        assert all(needs[one] <= seen for one in unit)


@given(needs)
def test_those_come_together_that_need_each_other_and_no_others(needs: list[set[int]]) -> None:
    for unit in ordered(needs):
        assert all(other in reached(one, needs) for one in unit for other in unit if one != other)
        others = set(range(len(needs))) - set(unit)
        assert not any(one in reached(unit[0], needs) and unit[0] in reached(one, needs) for one in others)


def test_the_requests_order_is_kept_where_nothing_speaks_against_it() -> None:
    assert list(ordered([[], [], []])) == [(0,), (1,), (2,)]
    assert list(ordered([[2], [], [], [0]])) == [(1,), (2,), (0,), (3,)]


def test_a_chain_as_long_as_a_request_may_be_is_put_in_order() -> None:
    assert next(ordered([[place + 1] for place in range(4_999)] + [[]])) == (4_999,)
