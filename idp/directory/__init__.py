"""Users, groups and memberships: the services through which everybody reads and writes them."""

from idp.directory.batch import Outcome, UserChange
from idp.directory.groups import GroupChange, Groups
from idp.directory.guard import LastRoot
from idp.directory.model import (
    Credentials,
    GroupCreate,
    GroupUpdate,
    Member,
    MemberChange,
    Resource,
    UserCreate,
    UserUpdate,
)
from idp.directory.names import check_name
from idp.directory.users import Users

__all__ = [
    "Credentials",
    "GroupChange",
    "GroupCreate",
    "GroupUpdate",
    "Groups",
    "LastRoot",
    "Member",
    "MemberChange",
    "Outcome",
    "Resource",
    "UserChange",
    "UserCreate",
    "UserUpdate",
    "Users",
    "check_name",
]
