"""Our own extension of User: where an account comes from, what it may do, and why it is on or off.

All of it is readOnly in the protocol: the services that decide these things write them.
"""

from typing import Final

from idp.schema import urns
from idp.schema.attribute import Attribute, Type
from idp.schema.common import READ_ONLY
from idp.schema.model import Schema

_STATUS: Final = Attribute(
    "status",
    "Why the account is active or not.",
    type=Type.COMPLEX,
    mutability=READ_ONLY,
    sub_attributes=(
        Attribute("reason", "What led to the present state.", mutability=READ_ONLY),
        Attribute("since", "When it came about.", type=Type.DATETIME, mutability=READ_ONLY),
        Attribute("by", "Who or what brought it about.", mutability=READ_ONLY),
    ),
)

GATEHOUSE_USER_SCHEMA: Final = Schema(
    urns.GATEHOUSE_USER,
    "GatehouseUser",
    "What the identity provider itself keeps about an account",
    (
        Attribute(
            "source",
            "Where the account comes from: local, ldap:<directory> or scim:<client>.",
            case_exact=True,
            mutability=READ_ONLY,
            indexed=True,
        ),
        Attribute(
            "role",
            "The account's role in this service.",
            case_exact=True,
            mutability=READ_ONLY,
            canonical_values=("user", "developer", "admin", "root"),
            indexed=True,
        ),
        Attribute(
            "mfa",
            "Whether a second factor is asked of the account; without a value, the general setting holds.",
            case_exact=True,
            mutability=READ_ONLY,
            canonical_values=("off", "optional", "required"),
        ),
        _STATUS,
    ),
)
