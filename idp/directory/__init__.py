"""Users, groups, memberships and resources of declared types: the services that everybody goes through."""

from idp.directory.batch import Outcome, UserChange
from idp.directory.groups import GroupChange, Groups
from idp.directory.guard import LastRoot
from idp.directory.locks import KeyedLocks
from idp.directory.manager_filters import MANAGER_NAME
from idp.directory.managers import manager_of
from idp.directory.model import (
    Credentials,
    Document,
    GroupCreate,
    GroupUpdate,
    Member,
    MemberChange,
    MemberWork,
    PeopleRules,
    Resource,
    UserCreate,
    UserUpdate,
    as_it_is,
)
from idp.directory.names import check_name
from idp.directory.ownership import Ownership
from idp.directory.rehearsal import Difference, Rehearsal
from idp.directory.resources import Resources
from idp.directory.user_plans import role_of
from idp.directory.users import Users
from idp.store.contract import Page, Record, Write

__all__ = [
    "MANAGER_NAME",
    "Credentials",
    "Difference",
    "Document",
    "GroupChange",
    "GroupCreate",
    "GroupUpdate",
    "Groups",
    "KeyedLocks",
    "LastRoot",
    "Member",
    "MemberChange",
    "MemberWork",
    "Outcome",
    "Ownership",
    "Page",
    "PeopleRules",
    "Record",
    "Rehearsal",
    "Resource",
    "Resources",
    "UserChange",
    "UserCreate",
    "UserUpdate",
    "Users",
    "Write",
    "as_it_is",
    "check_name",
    "manager_of",
    "role_of",
]
