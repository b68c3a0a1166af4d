"""The User schema (RFC 7643 sections 4.1 and 8.7.1)."""

from typing import Final

from idp.schema import urns
from idp.schema.attribute import Attribute, Mutability, Returned, Type, Uniqueness
from idp.schema.common import COMMON, READ_ONLY, plural, ref
from idp.schema.enterprise import ENTERPRISE_USER_SCHEMA
from idp.schema.gatehouse import GATEHOUSE_USER_SCHEMA
from idp.schema.model import Extension, ResourceType, Schema

_NAME: Final = Attribute(
    "name",
    "The parts of the person's name.",
    type=Type.COMPLEX,
    sub_attributes=(
        Attribute("formatted", "The full name as it is to be shown, with titles and suffixes."),
        Attribute("familyName", "The family name, or last name in most Western languages.", indexed=True),
        Attribute("givenName", "The given name, or first name in most Western languages.", indexed=True),
        Attribute("middleName", "Middle names."),
        Attribute("honorificPrefix", "What stands before the name, such as a title."),
        Attribute("honorificSuffix", "What stands after the name, such as III."),
    ),
)

_ADDRESSES: Final = Attribute(
    "addresses",
    "Postal addresses.",
    type=Type.COMPLEX,
    multi_valued=True,
    sub_attributes=(
        Attribute("formatted", "The whole address as it is to be shown, possibly of several lines."),
        Attribute("streetAddress", "Street, number, box or apartment; possibly of several lines."),
        Attribute("locality", "City or place."),
        Attribute("region", "State or region."),
        Attribute("postalCode", "Postal code."),
        Attribute("country", "Country, as an ISO 3166-1 alpha-2 code."),
        Attribute("type", "What the address is used for.", canonical_values=("work", "home", "other")),
        Attribute("primary", "Whether this is the preferred address; at most one is.", type=Type.BOOLEAN),
    ),
)

_GROUPS: Final = Attribute(
    "groups",
    "The groups the person belongs to, directly or through other groups; changed through the groups.",
    type=Type.COMPLEX,
    multi_valued=True,
    mutability=READ_ONLY,
    derived=True,
    sub_attributes=(
        Attribute("value", "The group's id.", case_exact=True, mutability=READ_ONLY, derived=True),
        ref("The group's URI.", "User", "Group"),
        Attribute("display", "The group's name.", mutability=READ_ONLY, derived=True),
        Attribute(
            "type",
            "Whether the person is a member itself or through another group.",
            mutability=READ_ONLY,
            canonical_values=("direct", "indirect"),
            derived=True,
        ),
    ),
)

_LISTS: Final = (
    plural(
        "emails",
        "E-mail addresses.",
        Attribute("value", "The address.", indexed=True),
        ("work", "home", "other"),
    ),
    plural(
        "phoneNumbers",
        "Telephone numbers, best in the form of RFC 3966.",
        Attribute("value", "The number."),
        ("work", "home", "mobile", "fax", "pager", "other"),
    ),
    plural(
        "ims",
        "Instant messaging addresses.",
        Attribute("value", "The address."),
        ("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
    ),
    plural(
        "photos",
        "Pictures of the person.",
        Attribute("value", "The picture's URL.", type=Type.REFERENCE, case_exact=True, reference_types=("external",)),
        ("photo", "thumbnail"),
    ),
    _ADDRESSES,
    _GROUPS,
    plural("entitlements", "Things the person has a right to.", Attribute("value", "The entitlement.")),
    plural("roles", "Roles the person has elsewhere; they grant nothing here.", Attribute("value", "The role.")),
    plural(
        "x509Certificates",
        "Certificates issued to the person.",
        Attribute("value", "The certificate, DER in base64.", type=Type.BINARY, case_exact=True),
    ),
)

USER_SCHEMA: Final = Schema(
    urns.USER,
    "User",
    "A person's account",
    (
        Attribute(
            "userName",
            "The name by which the person logs in; unique whatever its case.",
            required=True,
            uniqueness=Uniqueness.SERVER,
            indexed=True,
        ),
        _NAME,
        Attribute("displayName", "The name by which the person is shown.", indexed=True),
        Attribute("nickName", "What the person is called in daily life."),
        Attribute(
            "profileUrl",
            "A page about the person.",
            type=Type.REFERENCE,
            case_exact=True,
            reference_types=("external",),
        ),
        Attribute("title", "The person's title, such as Vice President."),
        Attribute("userType", "How the person relates to the organisation, such as Employee or Contractor."),
        Attribute("preferredLanguage", "The languages the person prefers, as in an Accept-Language header."),
        Attribute("locale", "Where the person is, for dates, numbers and money; a language tag."),
        Attribute("timezone", "The person's time zone, as a name of the IANA database."),
        Attribute("active", "Whether the person may log in.", type=Type.BOOLEAN, indexed=True, assured=True),
        Attribute(
            "password",
            "A new password; it is never shown.",
            mutability=Mutability.WRITE_ONLY,
            returned=Returned.NEVER,
        ),
        *_LISTS,
    ),
)

USER: Final = ResourceType(
    "User",
    "users",
    "/Users",
    "People's accounts",
    USER_SCHEMA,
    COMMON,
    (Extension(ENTERPRISE_USER_SCHEMA), Extension(GATEHOUSE_USER_SCHEMA)),
)
