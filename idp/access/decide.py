"""The one place where authority is decided, from values alone."""

from dataclasses import dataclass, field
from typing import Final

from idp.access.actor import Actor, ActorKind
from idp.access.roles import CLIENT_RANK, ROLES, ROOT_ROLE, USER_ROLE, Area, Role, Verb
from idp.errors import PermissionDenied, ScopeLacking

# What people may change about themselves. Login name, addresses, state and organisation are not theirs to say.
SELF_SERVICE: Final = frozenset(
    {
        "displayName",
        "ims",
        "locale",
        "name",
        "nickName",
        "phoneNumbers",
        "photos",
        "preferredLanguage",
        "profileUrl",
        "timezone",
    }
)

# The verbs a token's scope stands for, `users:read` for one; passwords may be provisioned (RFC 7643 section 4.1.1).
_SCOPES: Final = {
    Verb.READ: "read",
    Verb.CREATE: "write",
    Verb.UPDATE: "write",
    Verb.DELETE: "write",
    Verb.SET_PASSWORD: "write",
}
_CLIENT_AREAS: Final = frozenset({Area.USERS, Area.GROUPS, Area.RESOURCES})


@dataclass(frozen=True, slots=True)
class Target:
    """The account an action is about: its role, the role it is to get, and the attributes that would change.

    Without a role the question is a general one: whether such an action is thinkable at all. `endpoint` is that of a
    resource of a declared type.
    """

    id: str
    role: str | None = None
    assigned: str | None = None
    fields: frozenset[str] = field(default_factory=frozenset)
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed, the rule that said so, and the scope that a client's token lacks for it."""

    allowed: bool
    reason: str
    lacking: str = ""


def decide(actor: Actor, verb: Verb, area: Area, target: Target | None = None) -> Decision:
    """Decide whether the actor may do this."""
    match actor.kind:
        case ActorKind.SYSTEM:
            return Decision(True, "the system acts on its own behalf")
        case ActorKind.CLIENT:
            return _decide_client(actor, verb, area, target)
        case ActorKind.USER:
            return _decide_user(actor, verb, area, target)
        case ActorKind.ANONYMOUS:
            return Decision(False, "nobody has logged in")


def demand(actor: Actor, verb: Verb, area: Area, target: Target | None = None) -> None:
    """Do nothing if the actor may do this; else raise PermissionDenied, or ScopeLacking where that is all."""
    decision = decide(actor, verb, area, target)
    if decision.lacking:
        raise ScopeLacking(verb, area, decision.lacking)
    if not decision.allowed:
        raise PermissionDenied(verb, area)


def _decide_client(actor: Actor, verb: Verb, area: Area, target: Target | None) -> Decision:
    if area not in _CLIENT_AREAS or verb not in _SCOPES:
        return Decision(False, "clients reach users, groups and other resources only")
    place = target.endpoint if target and target.endpoint else area
    scope = f"{place.strip('/').lower()}:{_SCOPES[verb]}"
    if scope not in actor.scopes:
        return Decision(False, f"the token lacks the scope {scope}", scope)
    if verb is not Verb.READ and not _outranks(CLIENT_RANK, target):
        return Decision(False, "a client manages accounts below administrators only")
    return Decision(True, f"the token has the scope {scope}")


def _decide_user(actor: Actor, verb: Verb, area: Area, target: Target | None) -> Decision:
    role = ROLES.get(actor.role, USER_ROLE)
    own = target is not None and target.id == actor.id
    if own and area in (Area.USERS, Area.ACCOUNT):
        decision = _decide_own(role, verb, target)
        if decision.allowed:
            return decision
    elif area is Area.ACCOUNT:
        return Decision(False, "the account is somebody else's")
    if verb not in role.grants.get(area, frozenset()):
        return Decision(False, f"the role {role.name} does not include it")
    if verb is not Verb.READ and role is not ROOT_ROLE and not _outranks(role.rank, target):
        return Decision(False, f"the role {role.name} manages accounts of lower rank only")
    return Decision(True, f"the role {role.name} includes it")


def _decide_own(role: Role, verb: Verb, target: Target | None) -> Decision:
    if verb not in role.grants.get(Area.ACCOUNT, frozenset()):
        return Decision(False, "nobody does this to the own account")
    if verb is Verb.UPDATE and target is not None and not target.fields <= SELF_SERVICE:
        return Decision(False, "the attribute is not one that people change themselves")
    return Decision(True, "the account is the actor's own")


def _outranks(rank: int, target: Target | None) -> bool:
    """Tell whether a rank stands above the role that the target has and the one it is to get; unknown ones are high."""
    if target is None:
        return True
    concerned = (name for name in (target.role, target.assigned) if name is not None)
    return all(name in ROLES and ROLES[name].rank < rank for name in concerned)
