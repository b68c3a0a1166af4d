"""Who may do what: pure decisions from actor, verb, area and target, which explain themselves."""

from idp.access.actor import ANONYMOUS, SYSTEM_ACTOR, Actor, ActorKind
from idp.access.decide import Decision, Target, decide, demand
from idp.access.roles import ADMINISTRATIVE, ROLES, Area, Role, Verb

__all__ = [
    "ADMINISTRATIVE",
    "ANONYMOUS",
    "ROLES",
    "SYSTEM_ACTOR",
    "Actor",
    "ActorKind",
    "Area",
    "Decision",
    "Role",
    "Target",
    "Verb",
    "decide",
    "demand",
]
