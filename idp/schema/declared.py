"""Schemas and resource types as an administrator declares them: in RFC 7643's own JSON, as `/Schemas` shows it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from idp.errors import ConfigError
from idp.schema.attribute import Attribute, Mutability, Returned, Type, Uniqueness
from idp.schema.common import COMMON
from idp.schema.model import Extension, ResourceType, Schema

_NAME: Final = r"^(\$ref|[A-Za-z][A-Za-z0-9_-]*)$"
_URN: Final = r"^urn:[A-Za-z0-9][A-Za-z0-9-]{1,31}:[A-Za-z0-9()+,.:=@;$_!*'-]+$"
_ENDPOINT: Final = r"^/[A-Za-z][A-Za-z0-9-]*$"
_TAKEN: Final = frozenset({"/me", "/bulk", "/schemas", "/resourcetypes", "/serviceproviderconfig"})
# Where a version of the protocol may stand (RFC 7644 section 3.13).
_VERSION: Final = re.compile(r"/v[0-9]+")
# What can be looked up as one value: only of these can the service see to it that no two are the same.
_COMPARABLE: Final = frozenset({Type.STRING, Type.REFERENCE, Type.INTEGER, Type.DECIMAL, Type.DATETIME})

Urn = Annotated[str, Meta(pattern=_URN)]


class _Declared(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An object of such a file: a name that means nothing is a mistake, and is told."""


class AttributeDeclaration(_Declared, frozen=True):
    """An attribute (RFC 7643 section 7). `indexed` is ours: filters and sorts on it stay fast."""

    name: Annotated[str, Meta(pattern=_NAME)]
    type: Type = Type.STRING
    description: str = ""
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = Mutability.READ_WRITE
    returned: Returned | UnsetType = UNSET
    uniqueness: Uniqueness = Uniqueness.NONE
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple["AttributeDeclaration", ...] = ()
    indexed: bool = False


class SchemaDeclaration(_Declared, frozen=True):
    """A schema (RFC 7643 section 7)."""

    id: Urn
    attributes: Annotated[tuple[AttributeDeclaration, ...], Meta(min_length=1)]
    name: str = ""
    description: str = ""
    schemas: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)


class ExtensionDeclaration(_Declared, frozen=True):
    """A schema that a resource type has beside its own."""

    schema: Urn
    required: bool = False


class ResourceTypeDeclaration(_Declared, frozen=True):
    """A resource type (RFC 7643 section 6)."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9]*$", max_length=60)]
    endpoint: Annotated[str, Meta(pattern=_ENDPOINT, max_length=60)]
    schema: Urn
    description: str = ""
    schema_extensions: tuple[ExtensionDeclaration, ...] = ()
    id: str = ""
    schemas: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)


class BuiltInExtension(ExtensionDeclaration, frozen=True, kw_only=True):
    """A schema that people or groups are to have beside those that come with the service."""

    resource_type: Literal["User", "Group"]


class Declarations(_Declared, frozen=True):
    """What a file declares."""

    schemas: tuple[SchemaDeclaration, ...] = ()
    resource_types: tuple[ResourceTypeDeclaration, ...] = ()
    extensions: tuple[BuiltInExtension, ...] = ()


def read_declarations(text: bytes, where: str) -> Declarations:
    """Read a file's text. Raises ConfigError, which names the place in it."""
    try:
        return msgspec.json.decode(text, type=Declarations)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError("scim.schemas", f"{where}: {error}") from None


def with_declared(kinds: Sequence[ResourceType], files: Mapping[str, Declarations]) -> list[ResourceType]:
    """Return the resource types with what the files add to them and beside them. Raises ConfigError."""
    known = {schema.id.lower(): schema for kind in kinds for schema in kind.schemas.values()}
    for where, declared in files.items():
        for declaration in declared.schemas:
            if declaration.id.lower() in known:
                raise ConfigError("scim.schemas", f"{where}: {declaration.id} is declared already")
            known[declaration.id.lower()] = _schema(declaration, where)
    found = {kind.name: kind for kind in kinds}
    for where, declared in files.items():
        reader = _Kinds(known, where)
        for extension in declared.extensions:
            found[extension.resource_type] = reader.extended(found[extension.resource_type], [extension])
        for kind in declared.resource_types:
            new = reader.made(kind, found.values())
            found[new.name] = new
    return list(found.values())


class _Kinds:
    """Makes resource types of the schemas that are known."""

    def __init__(self, schemas: Mapping[str, Schema], where: str) -> None:
        self._schemas = schemas
        self._where = where

    def made(self, declared: ResourceTypeDeclaration, others: Iterable[ResourceType]) -> ResourceType:
        """Return a resource type beside the others."""
        for other in others:
            if declared.name.lower() == other.name.lower() or declared.endpoint.lower() == other.endpoint.lower():
                raise self._wrong(f"{declared.name} at {declared.endpoint} is taken by {other.name}")
        if declared.endpoint.lower() in _TAKEN or _VERSION.fullmatch(declared.endpoint.lower()):
            raise self._wrong(f"{declared.endpoint} is an endpoint of the protocol's own")
        schema = self._schema(declared.schema)
        common = {attribute.name.lower() for attribute in COMMON}
        for attribute in schema.attributes:
            if attribute.name.lower() in common:
                raise self._wrong(f"{schema.id}: {attribute.name} is an attribute that every resource has anyway")
        kind = ResourceType(
            declared.name, f"resource_{declared.name}", declared.endpoint, declared.description, schema, COMMON
        )
        return self.extended(kind, declared.schema_extensions)

    def extended(self, kind: ResourceType, added: Iterable[ExtensionDeclaration]) -> ResourceType:
        """Return the resource type with these schemas added to its own."""
        extensions = list(kind.extensions)
        for declared in added:
            if declared.schema.lower() in kind.schemas:
                raise self._wrong(f"{kind.name} has the schema {declared.schema} already")
            extensions.append(Extension(self._schema(declared.schema), declared.required))
        return ResourceType(
            kind.name, kind.collection, kind.endpoint, kind.description, kind.schema, kind.common, tuple(extensions)
        )

    def _schema(self, urn: str) -> Schema:
        schema = self._schemas.get(urn.lower())
        if schema is None:
            raise self._wrong(f"no schema {urn} is declared")
        return schema

    def _wrong(self, reason: str) -> ConfigError:
        return ConfigError("scim.schemas", f"{self._where}: {reason}")


def _schema(declared: SchemaDeclaration, where: str) -> Schema:
    wrong = next(_contradictions(declared.attributes, declared.id), None)
    if wrong:
        raise ConfigError("scim.schemas", f"{where}: {wrong}")
    name = declared.name or declared.id.rpartition(":")[2]
    return Schema(declared.id, name, declared.description, tuple(map(_attribute, declared.attributes)))


def _attribute(declared: AttributeDeclaration) -> Attribute:
    # What can only be written is never shown (RFC 7643 section 7).
    usual = Returned.NEVER if declared.mutability is Mutability.WRITE_ONLY else Returned.DEFAULT
    unique = declared.uniqueness is not Uniqueness.NONE
    return Attribute(
        name=declared.name,
        description=declared.description,
        type=declared.type,
        multi_valued=declared.multi_valued,
        required=declared.required,
        case_exact=declared.case_exact,
        mutability=declared.mutability,
        returned=usual if declared.returned is UNSET else declared.returned,
        uniqueness=declared.uniqueness,
        canonical_values=declared.canonical_values,
        reference_types=declared.reference_types,
        sub_attributes=tuple(map(_attribute, declared.sub_attributes)),
        indexed=declared.indexed or unique,
    )


def _contradictions(attributes: Sequence[AttributeDeclaration], path: str) -> Iterator[str]:
    """Yield what each value by itself allows and the whole does not."""
    names = [attribute.name.lower() for attribute in attributes]
    for attribute in attributes:
        here = f"{path}: {attribute.name}"
        if names.count(attribute.name.lower()) > 1:
            yield f"{here} is declared more than once"
        yield from _own_contradictions(attribute, here)
        for sub in attribute.sub_attributes:
            if sub.type is Type.COMPLEX:
                yield f"{here}.{sub.name}: a sub-attribute cannot be complex itself"
            if sub.multi_valued:
                yield f"{here}.{sub.name}: a sub-attribute has one value"
        yield from _contradictions(attribute.sub_attributes, here)


def _own_contradictions(attribute: AttributeDeclaration, here: str) -> Iterator[str]:
    if (attribute.type is Type.COMPLEX) != bool(attribute.sub_attributes):
        yield f"{here}: sub-attributes are what a complex attribute has, and no other"
    searched = attribute.indexed or attribute.uniqueness is not Uniqueness.NONE
    if attribute.type not in (*_COMPARABLE, Type.BOOLEAN) and searched:
        yield f"{here}: values of type {attribute.type.value} can be neither indexed nor unique"
    if attribute.type is Type.BOOLEAN and attribute.uniqueness is not Uniqueness.NONE:
        yield f"{here}: there are only two booleans"
    if attribute.mutability is Mutability.WRITE_ONLY and attribute.returned not in (UNSET, Returned.NEVER):
        yield f"{here}: what can only be written is never returned"
    if attribute.required and attribute.mutability is Mutability.READ_ONLY:
        yield f"{here}: a value that nobody can give cannot be required"
