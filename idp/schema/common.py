"""The attributes that every resource has (RFC 7643 section 3.1), and the sub-attributes that lists share (2.4)."""

from typing import Final

from idp.schema.attribute import Attribute, Mutability, Returned, Type, Uniqueness

READ_ONLY: Final = Mutability.READ_ONLY

SCHEMAS: Final = Attribute(
    "schemas",
    "The URNs of the schemas whose attributes the resource carries.",
    type=Type.REFERENCE,
    multi_valued=True,
    required=True,
    case_exact=True,
    returned=Returned.ALWAYS,
    reference_types=("uri",),
)

ID: Final = Attribute(
    "id",
    "The identifier given by this service; it never changes and is never used again.",
    required=True,
    case_exact=True,
    mutability=READ_ONLY,
    returned=Returned.ALWAYS,
    uniqueness=Uniqueness.SERVER,
)

EXTERNAL_ID: Final = Attribute(
    "externalId",
    "The identifier under which the provisioning client knows the resource.",
    case_exact=True,
    indexed=True,
)

META: Final = Attribute(
    "meta",
    "What the service knows about the resource itself.",
    type=Type.COMPLEX,
    mutability=READ_ONLY,
    sub_attributes=(
        Attribute("resourceType", "The name of the resource's type.", case_exact=True, mutability=READ_ONLY),
        Attribute("created", "When it was added.", type=Type.DATETIME, mutability=READ_ONLY, indexed=True),
        Attribute("lastModified", "When it last changed.", type=Type.DATETIME, mutability=READ_ONLY, indexed=True),
        Attribute(
            "location",
            "The URI under which it is read.",
            type=Type.REFERENCE,
            case_exact=True,
            mutability=READ_ONLY,
            reference_types=("uri",),
            derived=True,
        ),
        Attribute(
            "version",
            "The entity tag of its present state.",
            case_exact=True,
            mutability=READ_ONLY,
            derived=True,
        ),
    ),
)

COMMON: Final = (SCHEMAS, ID, EXTERNAL_ID, META)


def plural(name: str, description: str, value: Attribute, types: tuple[str, ...] = ()) -> Attribute:
    """Declare a multi-valued attribute with the sub-attributes that RFC 7643 section 2.4 gives all of them."""
    return Attribute(
        name,
        description,
        type=Type.COMPLEX,
        multi_valued=True,
        sub_attributes=(
            value,
            Attribute("display", "A form of the value meant for people to read."),
            Attribute("type", "What the value is used for.", canonical_values=types),
            Attribute("primary", "Whether this is the preferred value; at most one is.", type=Type.BOOLEAN),
        ),
    )


def ref(description: str, *types: str, mutability: Mutability = READ_ONLY) -> Attribute:
    """Declare a `$ref`: worked out from `value` when a resource is shown, so never stored.

    Where a client may write it, it stands for the `value` at its end.
    """
    return Attribute(
        "$ref",
        description,
        type=Type.REFERENCE,
        case_exact=True,
        mutability=mutability,
        reference_types=types,
        derived=True,
    )
