"""RFC 7643 as data: attribute characteristics, schemas and resource types, and documents checked against them."""

from idp.schema.attribute import Attribute, Mutability, Returned, Type, Uniqueness, element_of
from idp.schema.coerce import coerce, coerce_single, coerce_value
from idp.schema.declared import read_declarations, with_declared
from idp.schema.group import GROUP
from idp.schema.lenience import EXACT, LENIENT, Lenience
from idp.schema.model import Extension, ResourceType, Schema, Target
from idp.schema.registry import Registry, default_registry
from idp.schema.user import USER
from idp.schema.validate import validate, validate_value

__all__ = [
    "EXACT",
    "GROUP",
    "LENIENT",
    "USER",
    "Attribute",
    "Extension",
    "Lenience",
    "Mutability",
    "Registry",
    "ResourceType",
    "Returned",
    "Schema",
    "Target",
    "Type",
    "Uniqueness",
    "coerce",
    "coerce_single",
    "coerce_value",
    "default_registry",
    "element_of",
    "read_declarations",
    "validate",
    "validate_value",
    "with_declared",
]
