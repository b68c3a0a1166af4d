"""Logins go from one account to another in one run: from those who are gone, in chains and in circles."""

from typing import Any

import pytest
from msgspec.structs import replace

from idp.store.contract import Record
from ldap_bridge.dn import key
from ldap_bridge.links import Link
from ldap_bridge.logins import Claim, granted, in_commits, leaving, retirement
from ldap_bridge.mapping import Found
from ldap_bridge.plan import USER, Change, FieldChange, Kind


def wants(login: str, holder: str, own: str = "") -> Claim:
    """An entry that wants a login; it is new without an account of its own."""
    found = Found(f"s-{own or login}", f"uid={login},dc=x", key(f"uid={login},dc=x"), login, b"{}", "d")
    link = Link(1, USER, found.stable, own, found.dn, "d") if own else None
    return Claim(found, holder, link, Record(own, 1, {"userName": "x"}) if own else None)


@pytest.mark.parametrize(
    ("claims", "leaving", "gone", "met"),
    [
        # who wants which login of whom -> who gets it
        ([("a", "A", "")], [], [], []),
        ([("a", "A", "")], ["A"], [], ["a"]),
        ([("a", "A", "")], [], ["A"], ["a"]),
        ([("b", "B", "A"), ("a", "A", "B")], [], [], ["b", "a"]),
        ([("b", "B", "A"), ("c", "C", "B"), ("a", "A", "C")], [], [], ["b", "c", "a"]),
        ([("b", "B", "A"), ("c", "C", "B")], [], [], []),
        ([("b", "B", "A"), ("c", "C", "B")], ["C"], [], ["b", "c"]),
        ([("b", "B", "A"), ("c", "C", "B"), ("a", "A", "")], [], ["C"], ["b", "c", "a"]),
        ([("a", "A", ""), ("A", "A", "")], ["A"], [], ["a"]),
        # the second to want a login does not get it, and so does not give up hers
        ([("a", "A", "M"), ("a", "A", "N"), ("n", "N", "")], ["A"], [], ["a"]),
        # who gives one up comes before who is new, or two could not swap because a third wants what one of them has
        ([("a", "A", ""), ("A", "A", "N")], ["A"], [], ["A"]),
        ([("A", "A", ""), ("b", "B", "A"), ("a", "A", "B")], [], [], ["b", "a"]),
    ],
)
def test_a_login_is_granted_when_its_holder_takes_another_or_is_gone(
    claims: list[tuple[str, str, str]], leaving: list[str], gone: list[str], met: list[str]
) -> None:
    found = granted([wants(*claim) for claim in claims], leaving, gone)
    assert [claim.found.name for claim in found] == met


def test_a_long_chain_is_judged_at_once() -> None:
    chain = [wants(f"l{number}", f"R{number}", f"R{number - 1}") for number in range(1, 20_000)]
    assert granted(chain, [], []) == []
    assert len(granted(chain, ["R19999"], [])) == 19_999


def renamed(resource: str, takes_from: str = "") -> Change:
    return Change(Kind.RENAME, USER, resource, f"uid={resource},dc=x", resource, takes_from=takes_from)


def test_changes_that_hand_on_logins_come_together_givers_first() -> None:
    circle = [renamed("A", "B"), renamed("B", "C"), renamed("C", "A")]
    chain = [renamed("N", "M"), renamed("M", "L"), renamed("L")]
    others = [renamed(f"x{number}") for number in range(5)]
    conflict = replace(renamed("L"), kind=Kind.CONFLICT)
    mixed = [others[0], circle[0], chain[0], others[1], conflict, circle[1], *others[2:], chain[1], circle[2], chain[2]]
    parts = [*in_commits(lambda: mixed, {"A", "B", "C", "L", "M"}, 4)]
    names = [[change.resource for change in part] for part in parts]
    assert sorted(id(change) for part in parts for change in part) == sorted(map(id, mixed))
    assert all(len(part) <= 4 for part in parts)
    assert any({"A", "B", "C"} <= set(part) for part in names)
    assert any("LMN" in "".join(part) for part in names)


def test_without_such_changes_the_order_is_kept() -> None:
    changes = [renamed(f"x{number}") for number in range(7)]
    assert [*in_commits(lambda: changes, set(), 3)] == [changes[:3], changes[3:6], changes[6:]]


def test_only_another_login_is_left_behind_not_another_spelling() -> None:
    def change(old: str, new: str) -> Change:
        return replace(renamed(old), fields=(FieldChange("userName", old, new),))

    assert leaving([change("ada", "Ada"), change("eva", "eve"), renamed("zoe")]) == {"eva"}


STORED: dict[str, Any] = {"userName": "ada", "active": True, "emails": [{"value": "a@b"}], "title": "x"}
LINK = Link(1, USER, "s", "A", "uid=ada,dc=x", "d")


def test_who_is_gone_gives_up_login_and_addresses_of_the_directory() -> None:
    change = retirement(LINK, STORED, "corp", [("emails",), ("userName",)])
    assert (change.kind, change.active, [field.path for field in change.fields]) == (
        Kind.DISABLE,
        False,
        ["active", "userName", "emails"],
    )
    name = change.fields[1].new
    assert name.endswith(".ada")
    assert name.startswith("gone-")
    other = retirement(replace(LINK, stable="t"), STORED, "corp", [])
    assert [field.path for field in other.fields] == ["active", "userName"]
    assert other.fields[1].new != name


def test_who_was_gone_before_is_only_renamed() -> None:
    change = retirement(replace(LINK, gone="2026-01-01T00:00:00Z"), {**STORED, "active": False}, "corp", [])
    assert (change.kind, change.active, change.fields) == (
        Kind.RENAME,
        None,
        (FieldChange("userName", "ada", change.fields[0].new),),
    )
