"""Who may do what, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.access import ANONYMOUS, ROLES, SYSTEM_ACTOR, Actor, ActorKind, Area, Target, Verb, decide, demand
from idp.access.decide import SELF_SERVICE
from idp.errors import PermissionDenied
from idp.schema import USER


def person(role: str, id: str = "me") -> Actor:
    return Actor(ActorKind.USER, id, id, role=role)


def client(*scopes: str) -> Actor:
    return Actor(ActorKind.CLIENT, "c", "hr", scopes=frozenset(scopes))


ACTORS = st.one_of(
    st.just(SYSTEM_ACTOR("cli")),
    st.just(ANONYMOUS("192.0.2.1")),
    st.builds(person, st.sampled_from([*ROLES, "", "unknown"])),
    st.sets(st.sampled_from(["users:read", "users:write", "groups:read", "groups:write", "audit:read"])).map(
        lambda scopes: client(*scopes)
    ),
)
RANKED = st.sampled_from([*ROLES, "unknown"])
TARGETS = st.none() | st.builds(
    Target,
    st.sampled_from(["me", "somebody"]),
    st.none() | RANKED,
    st.none() | RANKED,
    st.frozensets(st.sampled_from(["displayName", "userName", "active", "emails"])),
)


def rank(role: str | None) -> int:
    return ROLES[role].rank if role is not None and role in ROLES else 99


@given(ACTORS, st.sampled_from(Verb), st.sampled_from(Area), TARGETS)
def test_every_decision_has_a_reason_and_demand_agrees(actor: Actor, verb: Verb, area: Area, target: Target) -> None:
    decision = decide(actor, verb, area, target)
    assert decision.reason
    if decision.allowed:
        demand(actor, verb, area, target)
    else:
        with pytest.raises(PermissionDenied):
            demand(actor, verb, area, target)


@given(ACTORS, st.sampled_from(Verb), st.sampled_from(Area), TARGETS)
def test_nobody_but_root_and_system_manages_an_account_of_the_own_rank_or_above(
    actor: Actor, verb: Verb, area: Area, target: Target | None
) -> None:
    if actor.kind is ActorKind.SYSTEM or actor.role == "root" or verb is Verb.READ or target is None:
        return
    own = target.id == actor.id and area in (Area.USERS, Area.ACCOUNT)
    if not own and decide(actor, verb, area, target).allowed:
        above = rank("admin") if actor.kind is ActorKind.CLIENT else rank(actor.role)
        assert all(rank(role) < above for role in (target.role, target.assigned) if role is not None)


@given(st.sampled_from(Verb), st.sampled_from(Area), TARGETS)
def test_strangers_may_nothing_and_the_system_everything(verb: Verb, area: Area, target: Target | None) -> None:
    assert not decide(ANONYMOUS("192.0.2.1"), verb, area, target).allowed
    assert decide(SYSTEM_ACTOR("cli"), verb, area, target).allowed


@given(st.sampled_from(Verb), st.sampled_from(Area), TARGETS, st.sampled_from(["users", "groups"]))
def test_a_token_reaches_what_its_scopes_name(verb: Verb, area: Area, target: Target | None, name: str) -> None:
    reader = client(f"{name}:read")
    assert decide(reader, verb, area, target).allowed == (verb is Verb.READ and area == name)
    assert not decide(client(f"{name}:write"), Verb.READ, area, target).allowed


@given(ACTORS, st.sampled_from(Verb), st.sampled_from(Area))
def test_more_scopes_or_a_higher_role_never_take_away(actor: Actor, verb: Verb, area: Area) -> None:
    if actor.kind is ActorKind.CLIENT and decide(actor, verb, area).allowed:
        assert decide(client(*actor.scopes, "users:write", "groups:write"), verb, area).allowed
    if actor.kind is ActorKind.USER and decide(actor, verb, area).allowed:
        assert decide(person("root"), verb, area).allowed


def test_feature_36_three_roles_in_their_order() -> None:
    assert [name for name, role in sorted(ROLES.items(), key=lambda item: -item[1].rank)] == [
        "root",
        "admin",
        "developer",
        "user",
    ]
    assert not decide(person("developer"), Verb.READ, Area.USERS).allowed
    assert decide(person("admin"), Verb.UPDATE, Area.USERS, Target("x", "developer")).allowed
    assert not decide(person("admin"), Verb.UPDATE, Area.SETTINGS).allowed
    others = set(Area) - {Area.ACCOUNT}
    assert all(decide(person("root"), verb, area, Target("x", "root")).allowed for verb in Verb for area in others)


def test_feature_37_who_adds_whom() -> None:
    def may(role: str, assigned: str) -> bool:
        return decide(person(role), Verb.ASSIGN, Area.ROLES, Target("x", "user", assigned)).allowed

    assert may("root", "admin")
    assert may("root", "root")
    assert may("admin", "developer")
    assert not may("admin", "admin")
    assert not may("developer", "user")


def test_feature_40_setting_a_password_by_hand_is_a_permission_of_its_own() -> None:
    somebody = Target("x", "user")
    assert decide(person("admin"), Verb.RESET_PASSWORD, Area.USERS, somebody).allowed
    assert not decide(person("admin"), Verb.SET_PASSWORD, Area.USERS, somebody).allowed


def test_feature_20_people_change_of_themselves_what_is_theirs_to_say() -> None:
    def may(field: str) -> bool:
        return decide(person("user"), Verb.UPDATE, Area.USERS, Target("me", "user", fields=frozenset({field}))).allowed

    names = {attribute.name for attribute in USER.schema.attributes}
    assert {name for name in names if may(name)} == SELF_SERVICE
    assert names > SELF_SERVICE
    assert not decide(person("user"), Verb.DELETE, Area.USERS, Target("me", "user")).allowed


def test_an_actor_has_a_label_for_records() -> None:
    assert client().label == "client:hr"
