"""What a run would change follows from entry, link and account alone."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ldap_bridge.dn import key
from ldap_bridge.links import Link
from ldap_bridge.mapping import Found, Mapper
from ldap_bridge.plan import (
    USER,
    Change,
    FieldChange,
    GroupState,
    Kind,
    Plan,
    apply_to,
    compare,
    gone,
    is_same,
    members,
    members_digest,
)
from ldap_bridge.rules import Document
from ldap_bridge.settings import parse

TABLE = Mapper(parse("corp", {"url": "ldap://localhost", "base": "dc=x"})).users
DN = "uid=ada,ou=a,dc=x"
STORED: Document = {"userName": "ada", "title": "Countess", "nickName": "Ady", "active": True}


def entry(dn: str = DN, active: bool | None = None, **document: object) -> Found:
    """An entry whose mapped document is ada's with some values changed."""
    given = {"userName": "ada", "title": "Countess", **document}
    mapped = {name: value for name, value in given.items() if value is not None}
    return Found("s", dn, key(dn), str(mapped["userName"]), msgspec.json.encode(mapped), f"digest of {mapped}", active)


def link(**more: Any) -> Link:
    """The link as the last run left it, but for what is given."""
    return replace(Link(1, USER, "s", "id-1", DN, entry().digest), **more)


def change(found: Found, before: Link | None = None, stored: Document | None = None) -> Change:
    """Compare an entry with ada's account."""
    return compare(USER, found, before or link(), stored or STORED, found.document(), TABLE)


def test_an_entry_as_it_was_is_the_same() -> None:
    assert is_same(entry(), link())
    assert not is_same(entry(title="x"), link())
    assert not is_same(entry("uid=ada,ou=b,dc=x"), link())
    assert not is_same(entry(), link(gone="2026-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("found", "kind", "fields"),
    [
        (entry(), Kind.SAME, ()),
        (entry(title="Lady"), Kind.UPDATE, (FieldChange("title", "Countess", "Lady"),)),
        (entry(title=None), Kind.UPDATE, (FieldChange("title", "Countess", None),)),
        (entry(userName="augusta"), Kind.RENAME, (FieldChange("userName", "ada", "augusta"),)),
        (entry("uid=augusta,ou=a,dc=x"), Kind.RENAME, ()),
        (entry("uid=ada,ou=b,dc=x"), Kind.MOVE, ()),
        (entry("UID=Ada, ou=A,dc=x"), Kind.SAME, ()),
    ],
)
def test_the_kind_names_what_matters_most(found: Found, kind: Kind, fields: tuple[FieldChange, ...]) -> None:
    planned = change(found)
    assert (planned.kind, planned.fields, planned.active) == (kind, fields, None)


@pytest.mark.parametrize(
    ("before", "now", "stored", "kind", "active"),
    [
        # directory said, directory says, account is -> what happens
        (True, False, True, Kind.DISABLE, False),
        (False, True, False, Kind.ENABLE, True),
        (True, True, False, Kind.SAME, None),
        (True, False, False, Kind.SAME, None),
        (None, False, True, Kind.DISABLE, False),
        (True, None, True, Kind.SAME, None),
    ],
)
def test_the_directory_decides_only_when_it_changes_its_mind(
    before: bool | None, now: bool | None, stored: bool, kind: Kind, active: bool | None
) -> None:
    planned = change(entry(active=now), link(active=before), {**STORED, "active": stored})
    assert (planned.kind, planned.active) == (kind, active)


@pytest.mark.parametrize(
    ("restore", "now", "active"),
    [(True, None, True), (True, True, True), (True, False, None), (False, True, None), (False, None, None)],
)
def test_who_comes_back_gets_back_what_going_took(restore: bool, now: bool | None, active: bool | None) -> None:
    back = link(gone="2026-01-01T00:00:00Z", restore=restore)
    assert change(entry(active=now), back, {**STORED, "active": False}).active is active


def test_who_is_gone_is_disabled_once() -> None:
    planned = gone(link(), STORED, "corp")
    assert planned is not None
    assert (planned.kind, planned.name, planned.active) == (Kind.DISABLE, "ada", False)
    assert planned.fields == (FieldChange("active", True, False),)
    assert gone(link(gone="2026-01-01T00:00:00Z"), STORED, "corp") is None


def test_who_was_locked_before_going_shows_no_change_of_state() -> None:
    planned = gone(link(), {**STORED, "active": False}, "corp")
    assert planned is not None
    assert planned.fields == ()


def test_applying_a_change_keeps_what_the_directory_does_not_own() -> None:
    planned = change(entry(title=None, userName="augusta", active=False), link(active=True))
    after = apply_to(dict(STORED), planned, TABLE)
    assert after == {"userName": "augusta", "nickName": "Ady", "active": False}


# --- members ---


def state(wanted: set[str], *, may_remove: bool = True, digest: str = "") -> GroupState:
    """A group that is to have these members."""
    before = Link(1, "group", "g", "group", "cn=g", "d", members=digest)
    return GroupState("group", entry(), wanted, frozenset({"nested"}), may_remove, before)


def test_members_come_and_go_but_strangers_stay() -> None:
    planned = members(state({"a", "nested"}), ["b", "stranger"], {"a", "b", "nested"})
    assert planned is not None
    assert (planned.added, planned.removed, planned.groups) == (("a", "nested"), ("b",), frozenset({"nested"}))
    assert planned.digest == members_digest({"nested", "a"})


def test_after_an_incomplete_read_members_only_come() -> None:
    planned = members(state({"a"}, may_remove=False), ["b"], {"a", "b"})
    assert planned is not None
    assert (planned.added, planned.removed, planned.digest) == (("a",), (), "")


def test_members_as_they_are_need_nothing() -> None:
    assert state({"a", "b"}, digest=members_digest({"b", "a"})).is_same
    assert members(state({"a"}, may_remove=False), ["a"], {"a"}) is None


def test_counts_tell_kinds_and_an_idle_plan_counts_nothing() -> None:
    plan = Plan("corp", people=2)
    assert set(plan.counts().values()) == {0}
    plan.changes.extend([change(entry(title="x")), change(entry())])
    assert plan.counts()["update"] == 1
    assert plan.counts_by_subject() == {"user.update": 1, "user.unchanged": 1}
