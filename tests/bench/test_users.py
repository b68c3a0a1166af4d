"""The people of the bench differ in what is unique and share what they are to share."""

from collections import Counter
from itertools import pairwise

from tests.bench.users import TEAM, key_of, new_key, numbered, user


def test_keys_are_unique_ten_share_a_beginning_and_none_begins_as_one_that_comes_later() -> None:
    keys = [key_of(number) for number in range(3_000)]
    assert len(set(keys)) == len(keys)
    assert set(Counter(key[:-1] for key in keys).values()) == {10}
    new = {new_key(number) for number in range(3_000)}
    assert len(new) == 3_000
    assert not {key[:-1] for key in new} & {key[:-1] for key in keys}


def test_neighbours_by_number_are_far_apart_by_key() -> None:
    tens = [int(key_of(number)) for number in range(0, 1_000, 10)]
    assert sum(abs(one - other) > 1_000 for one, other in pairwise(tens)) > 90


def test_as_many_people_share_a_department_however_many_there_are() -> None:
    names = Counter(numbered(number)["name"]["familyName"] for number in range(1_000))
    assert set(names.values()) == {TEAM}


def test_who_comes_later_has_a_department_of_her_own() -> None:
    one, other = (user(new_key(number)) for number in (1, 2))
    assert one["name"]["familyName"] != other["name"]["familyName"]
