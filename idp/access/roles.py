"""Areas, verbs, and the table of built-in roles: what each may do, and which rank it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Area(StrEnum):
    """What an action is about. RESOURCES are those of declared types, ACCOUNT is the actor's own account."""

    USERS = "users"
    GROUPS = "groups"
    RESOURCES = "resources"
    ROLES = "roles"
    CLIENTS = "clients"
    DIRECTORIES = "directories"
    AUDIT = "audit"
    SETTINGS = "settings"
    ACCOUNT = "account"


class Verb(StrEnum):
    """What is done. Each of the verbs on passwords and factors is a permission of its own."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    ASSIGN = "assign"
    RESET_PASSWORD = "reset_password"  # noqa: S105 -- a verb, not a secret
    SET_PASSWORD = "set_password"  # noqa: S105 -- a verb, not a secret
    RESET_MFA = "reset_mfa"


Grants = Mapping[Area, frozenset[Verb]]


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions. Whoever is not root manages only accounts of a lower rank."""

    name: str
    rank: int
    description: str
    grants: Grants


_CRUD: Final = frozenset({Verb.CREATE, Verb.READ, Verb.UPDATE, Verb.DELETE})
_READ: Final = frozenset({Verb.READ})
_OWN: Final = frozenset({Verb.READ, Verb.UPDATE, Verb.SET_PASSWORD, Verb.RESET_MFA})

USER_ROLE: Final = Role("user", 0, "Sees and changes the own account only.", {Area.ACCOUNT: _OWN})
DEVELOPER_ROLE: Final = Role(
    "developer", 1, "An account for people who build on the service; no say over other accounts.", {Area.ACCOUNT: _OWN}
)
ADMIN_ROLE: Final = Role(
    "admin",
    2,
    "Manages the accounts of users and developers, and groups; sees everything else but cannot change it.",
    {
        Area.ACCOUNT: _OWN,
        Area.USERS: _CRUD | {Verb.RESET_PASSWORD, Verb.RESET_MFA},
        Area.GROUPS: _CRUD,
        Area.RESOURCES: _CRUD,
        Area.ROLES: _READ | {Verb.ASSIGN},
        Area.CLIENTS: _READ,
        Area.DIRECTORIES: _READ,
        Area.AUDIT: _READ,
        Area.SETTINGS: _READ,
    },
)
ROOT_ROLE: Final = Role("root", 3, "May do everything.", {area: frozenset(Verb) for area in Area})

ROLES: Final[Mapping[str, Role]] = {role.name: role for role in (USER_ROLE, DEVELOPER_ROLE, ADMIN_ROLE, ROOT_ROLE)}
DEFAULT_ROLE: Final = USER_ROLE.name

# A provisioning client ranks with administrators: it manages users and developers, so that a leaked token does not
# reach the people who could revoke it.
CLIENT_RANK: Final = ADMIN_ROLE.rank

ADMINISTRATIVE: Final = tuple(name for name, role in ROLES.items() if role.rank >= CLIENT_RANK)
"""The roles of people who manage others."""
