"""Our own extension of User: where an account comes from, what it may do, and why it is on or off.

Nearly all of it is readOnly in the protocol, where the services that decide these things write them, and shown on
request only: it says nothing to a client that provisions accounts.
"""

from typing import Final

from idp.schema import urns
from idp.schema.attribute import Attribute, Returned, Type
from idp.schema.common import READ_ONLY
from idp.schema.model import Schema

_STATUS: Final = Attribute(
    "status",
    "Why the account is active or not.",
    type=Type.COMPLEX,
    mutability=READ_ONLY,
    returned=Returned.REQUEST,
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
        Attribute("description", "What is worth knowing about the account; nothing is decided by it."),
        Attribute(
            "source",
            "Where the account comes from: local, ldap:<directory> or scim:<client>.",
            case_exact=True,
            mutability=READ_ONLY,
            returned=Returned.REQUEST,
            indexed=True,
        ),
        Attribute(
            "role",
            "The account's role in this service.",
            case_exact=True,
            mutability=READ_ONLY,
            returned=Returned.REQUEST,
            canonical_values=("user", "developer", "admin", "root"),
            indexed=True,
        ),
        Attribute(
            "mfa",
            "Whether a second factor is asked of the account; without a value, the general setting holds.",
            case_exact=True,
            mutability=READ_ONLY,
            returned=Returned.REQUEST,
            canonical_values=("off", "optional", "required"),
        ),
        _STATUS,
    ),
)
