"""The Group schema (RFC 7643 sections 4.2 and 8.7.1)."""

from dataclasses import replace
from typing import Final

from idp.schema import urns
from idp.schema.attribute import Attribute, Mutability, Returned, Type, Uniqueness
from idp.schema.common import COMMON, READ_ONLY, ref
from idp.schema.model import ResourceType, Schema

_MEMBERS: Final = Attribute(
    "members",
    "The people and groups that belong to the group.",
    type=Type.COMPLEX,
    multi_valued=True,
    derived=True,
    max_values=1_000_000,
    sub_attributes=(
        Attribute("value", "The member's id.", required=True, case_exact=True, mutability=Mutability.IMMUTABLE),
        ref("The member's URI.", "User", "Group", mutability=Mutability.IMMUTABLE),
        Attribute(
            "type",
            "Whether the member is a person or a group.",
            mutability=Mutability.IMMUTABLE,
            canonical_values=("User", "Group"),
        ),
        # Only on request: in a large group the names cost more than all the rest.
        Attribute("display", "The member's name.", mutability=READ_ONLY, returned=Returned.REQUEST, derived=True),
    ),
)

GROUP_SCHEMA: Final = Schema(
    urns.GROUP,
    "Group",
    "A group of people and groups",
    (
        # Section 4.2 requires it, though the representation in 8.7.1 says otherwise.
        Attribute("displayName", "The group's name.", required=True, indexed=True),
        _MEMBERS,
    ),
)


def with_unique_names(kind: ResourceType) -> ResourceType:
    """Return the type of groups of which no two have the same name, in whatever case."""
    attributes = (
        replace(attribute, uniqueness=Uniqueness.SERVER) if attribute.name == "displayName" else attribute
        for attribute in kind.schema.attributes
    )
    return replace(kind, schema=replace(kind.schema, attributes=tuple(attributes)))


GROUP: Final = ResourceType("Group", "groups", "/Groups", "Groups of people", GROUP_SCHEMA, COMMON)
