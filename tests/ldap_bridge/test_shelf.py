"""Shelves, chains and piles hold on a spool what dictionaries and lists would hold in memory."""

from random import Random

import pytest

from ldap_bridge.chains import Chains
from ldap_bridge.pile import Pile
from ldap_bridge.plan import USER, Change, Changes, Kind
from ldap_bridge.shelf import Shelf


@pytest.mark.parametrize("seed", range(3))
def test_a_shelf_is_a_dictionary(seed: int) -> None:
    random, shelf, model = Random(seed), Shelf(str), dict[str, str]()
    texts = [f"uid=Ärger {number},ou=people" for number in range(400)]
    for number in range(4_000):
        text, value = random.choice(texts), f"{number}" * random.choice((1, 200))
        match random.randrange(4):
            case 0:
                shelf.put(text, value)
                model.pop(text, None)  # a dictionary keeps the place of a value that is replaced, a shelf does not
                model[text] = value
            case 1:
                assert shelf.add(text, value) == model.get(text)
                model.setdefault(text, value)
            case 2:
                shelf.remove(text)
                model.pop(text, None)
            case _:
                assert (shelf.get(text), shelf.get(text, 0), text in shelf) == (
                    model.get(text),
                    model.get(text, 0),
                    text in model,
                )
    assert [*shelf.items()] == [*model.items()]
    assert [*shelf] == [*model]
    assert [*shelf.values()] == [*model.values()]


def test_texts_that_look_alike_to_a_shelf_are_told_apart() -> None:
    shelf = Shelf(int)
    # More of them than there are parts of hashes by which slots are told: some thousand pairs share theirs.
    for number in range(150_000):
        assert shelf.add(f"{number}", number) is None
    assert all(shelf.get(f"{number}") == number for number in range(0, 150_000, 7))
    assert not any(f"x{number}" in shelf for number in range(5_000))


def test_an_empty_shelf_has_nothing() -> None:
    shelf = Shelf(str)
    assert (bool(shelf), [*shelf.items()], shelf.get("x"), "x" in shelf, 7 in shelf) == (False, [], None, False, False)


def test_chains_are_lists_by_name() -> None:
    chains = Chains()
    for number in range(100):
        chains.add(f"group {number % 3}", f"id-{number}")
    assert sorted(chains.get("group 1")) == sorted(f"id-{number}" for number in range(1, 100, 3))
    assert chains.get("nobody's") == []


def pile_of(count: int) -> Pile[str]:
    """A pile most of which is put away; the first letter is the mark."""
    pile = Pile(str, lambda text: text[0])
    for number in range(count):
        pile.append(f"{'ab'[number % 500 == 7]}{number}")
        pile.put_away()
    return pile


def test_a_pile_is_a_list() -> None:
    pile = pile_of(1_100)
    expected = [f"{'ab'[number % 500 == 7]}{number}" for number in range(1_100)]
    assert ([*pile], len(pile), pile.marks()) == (expected, 1_100, {"a": 1_097, "b": 3})
    assert [*pile.marked(lambda mark: mark == "b")] == ["b7", "b507", "b1007"]
    assert [*pile.marked(lambda mark: mark == "c")] == []


def test_values_of_a_pile_are_replaced_and_dropped() -> None:
    pile = pile_of(1_100)
    pile.revise(lambda text: {"b7": "c7", "b507": None}.get(text, text), lambda mark: mark == "b")
    assert pile.marks() == {"a": 1_097, "b": 1, "c": 1}
    assert [text for text in pile if text[0] != "a"] == ["c7", "b1007"]
    assert [*pile][505:509] == ["a505", "a506", "a508", "a509"]


def test_changes_are_found_by_kind_and_subject_wherever_they_are() -> None:
    changes = Changes()
    for number in range(600):
        kind = Kind.DISABLE if number % 100 == 0 else Kind.CREATE
        changes.append(Change(kind, USER, f"x{number}", "dn", f"id-{number}", takes_from="L" if number == 300 else ""))
        changes.put_away()
    assert [change.name for change in changes.of(Kind.DISABLE)] == ["x0", "x100", "x200", "x300", "x400", "x500"]
    assert (changes.number_of(Kind.CREATE), changes.number_of(subject="group"), changes.givers()) == (594, 0, {"L"})
    changes.revise_of(lambda change: None, Kind.CREATE)
    assert len(changes) == 6
