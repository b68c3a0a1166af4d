"""Which commits share a transaction."""

from typing import Final

from idp.store import Check, Delete, DeleteWhere, Insert, Replace, Write
from idp.store.mongo.joint import MOST_TOGETHER, Commit, choose, commit_of, conditions, is_in_the_way, joined
from idp.store.mongo.layout import lay_out
from idp.store.mongo.store import prepare
from tests.support.stores import OWNER, SAMPLES

LAYOUTS: Final = lay_out(SAMPLES)


def commit(*writes: Write) -> Commit:
    return commit_of([prepare(write, LAYOUTS[write.collection]) for write in writes], now=0)


def plain(id: str) -> Commit:
    return commit(Replace("plain", {"id": id}, 1))


def test_commits_with_nothing_in_common_go_together() -> None:
    waiting = [plain("1"), plain("2"), commit(Insert("people", {"id": "1"}), Check("plain", "3"))]
    assert choose(waiting, set()) == waiting


def test_of_two_that_touch_the_same_the_second_waits_and_those_behind_it_for_the_same_too() -> None:
    first, second, third = plain("1"), commit(Check("plain", "1"), Check("plain", "2")), plain("2")
    assert choose([first, second, third, other := plain("3")], set()) == [first, other]
    assert choose([second, third], first.touched) == []
    assert choose([second, third], set()) == [second]


def test_two_that_want_one_name_do_not_meet() -> None:
    ada, other = (commit(Insert("people", {"id": key, "userName": name})) for key, name in (("1", "ada"), ("2", "ADA")))
    assert choose([ada, other], set()) == [ada]


def test_who_reads_first_or_writes_a_record_twice_or_writes_much_goes_alone() -> None:
    many = [Insert("plain", {"id": f"{number}"}) for number in range(101)]
    twice: list[Write] = [Insert("plain", {"id": "1"}), Replace("plain", {"id": "1"}, 1)]
    for alone in (commit(DeleteWhere("passes", OWNER, "ada")), commit(Delete("people", "1")), commit(*twice)):
        assert not alone.is_sociable
    assert not commit(*many).is_sociable
    assert commit(*many[1:]).is_sociable


def test_so_many_share_a_transaction_and_no_more() -> None:
    waiting = [plain(f"{number}") for number in range(MOST_TOGETHER + 10)]
    assert choose(waiting, set()) == waiting[:MOST_TOGETHER]


def test_what_commits_come_to_together_is_what_each_comes_to() -> None:
    one = commit(Insert("people", {"id": "1", "userName": "ada"}), Check("plain", "1"))
    two = commit(Delete("plain", "2", 3), Insert("people", {"id": "2"}), Insert("plain", {"id": "3"}))
    assert one.direct is not None
    assert two.direct is not None
    found = joined([one.direct, two.direct])
    assert found.growth == {"people": 2, "plain": 0}
    assert found.changed == {"people", "plain"}
    assert [len(found.batches[name].operations) for name in ("people", "plain")] == [2, 3]
    assert (found.batches["plain"].matched, found.batches["plain"].deleted) == (1, 1)
    assert len(found.claimed) == 1


def test_who_is_to_blame_is_told_by_what_is_there() -> None:
    ada = commit(Insert("people", {"id": "1", "userName": "ada"}), Check("plain", "1"))
    bob = commit(Insert("people", {"id": "2"}), Replace("plain", {"id": "2"}, 1), Delete("plain", "3"))
    late = commit(Insert("passes", {"id": "4"}))
    [claim] = ada.touched - {("people", "1"), ("plain", "1")}
    right: dict[str, set[str]] = {"people": set(), "plain": {"1", "2", "3"}, "passes": set(), "_ledger": set()}
    wrong = {
        ada: ({"_ledger": {claim[1]}}, {"people": {"1"}}, {"plain": {"2", "3"}}),
        bob: ({"people": {"2"}}, {"plain": {"2"}}, {"plain": {"3"}}),
    }
    for one, cases in wrong.items():
        assert one.direct is not None
        assert not is_in_the_way(one.direct, right)
        assert all(is_in_the_way(one.direct, right | case) for case in cases)
    assert late.direct is None


def test_conditions_are_asked_for_in_one_filter_a_collection() -> None:
    one = commit(Insert("people", {"id": "1"}), Check("plain", "1"), Replace("plain", {"id": "2"}, 7))
    assert one.direct is not None
    assert conditions(one.direct) == {
        "people": {"$or": [{"_id": {"$in": ["1"]}}]},
        "plain": {"$or": [{"_id": {"$in": ["1"]}}, {"_id": "2", "version": 7}]},
    }
