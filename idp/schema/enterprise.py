"""The enterprise extension of User (RFC 7643 sections 4.3 and 8.7.1)."""

from typing import Final

from idp.schema import urns
from idp.schema.attribute import Attribute, Mutability, Returned, Type
from idp.schema.common import READ_ONLY, ref
from idp.schema.model import Schema

_MANAGER: Final = Attribute(
    "manager",
    "The person's manager.",
    type=Type.COMPLEX,
    sub_attributes=(
        Attribute("value", "The id of the manager's account.", case_exact=True, indexed=True),
        ref("The URI of the manager's account.", "User", mutability=Mutability.READ_WRITE),
        Attribute("displayName", "The manager's name.", mutability=READ_ONLY, returned=Returned.REQUEST, derived=True),
    ),
)

ENTERPRISE_USER_SCHEMA: Final = Schema(
    urns.ENTERPRISE_USER,
    "EnterpriseUser",
    "Where a person stands in an organisation",
    (
        Attribute("employeeNumber", "The number the organisation gave the person.", indexed=True),
        Attribute("costCenter", "The cost centre."),
        Attribute("organization", "The organisation."),
        Attribute("division", "The division."),
        Attribute("department", "The department.", indexed=True),
        _MANAGER,
    ),
)
