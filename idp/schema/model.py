"""Schemas and resource types as data (RFC 7643 sections 6 and 7), and how a name finds its attribute."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from idp.errors import InvalidPath
from idp.query import Field
from idp.schema.attribute import Attribute, Mutability, Returned, Type
from idp.schema.rules import Slots, object_check


@dataclass(frozen=True)
class Schema:
    """A named set of attributes; `id` is its URN."""

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    @cached_property
    def by_name(self) -> dict[str, Attribute]:
        """Attributes by lower-cased name: names are case-insensitive (RFC 7643 section 2.1)."""
        return {attribute.name.lower(): attribute for attribute in self.attributes}

    @cached_property
    def whole(self) -> Attribute:
        """An extension as its resource has it: one complex attribute, named by the URN."""
        return Attribute(self.id, self.description, type=Type.COMPLEX, sub_attributes=self.attributes)


@dataclass(frozen=True)
class Extension:
    """A schema that a resource type adds to its core one."""

    schema: Schema
    required: bool = False


@dataclass(frozen=True)
class Target:
    """An attribute as found by a path: the chain from the document's top, and in which schema it is declared.

    `keys` are the document keys to follow: an extension's attributes stand under its URN.
    """

    schema: Schema
    keys: tuple[str, ...]
    chain: tuple[Attribute, ...]

    @property
    def attribute(self) -> Attribute:
        """The attribute the path ends at."""
        return self.chain[-1]

    @property
    def field(self) -> Field:
        """The target as a query field."""
        return Field(self.keys, self.attribute.kind, self.attribute.case_exact)


@dataclass(frozen=True)
class ResourceType:
    """What an endpoint serves: a core schema, the common attributes and extensions (RFC 7643 section 6).

    `collection` names the store's collection; `endpoint` is the path below the base, with its slash.
    """

    name: str
    collection: str
    endpoint: str
    description: str
    schema: Schema
    common: tuple[Attribute, ...]
    extensions: tuple[Extension, ...] = ()

    @cached_property
    def _top(self) -> dict[str, Attribute]:
        return {attribute.name.lower(): attribute for attribute in (*self.common, *self.schema.attributes)}

    @cached_property
    def schemas(self) -> dict[str, Schema]:
        """Core schema and extensions by lower-cased URN."""
        return {schema.id.lower(): schema for schema in (self.schema, *(e.schema for e in self.extensions))}

    @cached_property
    def names(self) -> frozenset[str]:
        """The keys that are declared at the top of a document."""
        return frozenset([attribute.name for attribute in self._top.values()] + [e.schema.id for e in self.extensions])

    @cached_property
    def names_inside(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """The extensions' URNs, and the keys that are declared inside of each."""
        return tuple((e.schema.id, frozenset(a.name for a in e.schema.attributes)) for e in self.extensions)

    @cached_property
    def rules(self) -> Slots:
        """The compiled checks of a whole document; `schemas` is worked out and so not among them."""
        slots = Slots((a for a in self._top.values() if a.name != "schemas"), top=True)
        for extension in self.extensions:
            slots.add(extension.schema.id, object_check(Slots(extension.schema.attributes)))
        return slots

    @cached_property
    def kept(self) -> tuple[tuple[str, ...], ...]:
        """Where readOnly values are stored that a caller's document never carries: they outlive its changes."""
        return tuple(
            target.keys
            for target in self.targets()
            if target.attribute.mutability is Mutability.READ_ONLY
            and not any(link.derived or link.multi_valued for link in target.chain)
            and not any(link.mutability is Mutability.READ_ONLY for link in target.chain[:-1])
        )

    @cached_property
    def secretive(self) -> frozenset[str]:
        """The top-level keys under which something is never returned."""
        return frozenset(t.keys[0] for t in self.targets() if t.attribute.returned is Returned.NEVER)

    @cached_property
    def immutable(self) -> tuple[Target, ...]:
        """What may be set once and then no more; list elements are told apart by their service."""
        return tuple(
            target
            for target in self.targets()
            if target.attribute.mutability is Mutability.IMMUTABLE
            and not any(link.multi_valued for link in target.chain[:-1])
        )

    def resolve(self, path: str) -> Target:
        """Find the attribute a plain path names: `userName`, `name.givenName`, `urn:…:User:manager.value`.

        Names and URNs are compared without case. An extension's bare URN resolves to the extension itself, as a
        complex attribute. Raises InvalidPath.
        """
        schema, rest = self._split_urn(path)
        if schema is not self.schema and not rest:
            return Target(schema, (schema.id,), (schema.whole,))
        head, _, tail = rest.partition(".")
        found = self._top.get(head.lower()) if schema is self.schema else schema.by_name.get(head.lower())
        if found is None:
            raise InvalidPath(path, f"{self.name} has no such attribute")
        prefix = () if schema is self.schema else (schema.id,)
        if not tail:
            return Target(schema, (*prefix, found.name), (found,))
        inner = found.sub(tail)
        if inner is None:
            raise InvalidPath(path, f"{found.name} has no such sub-attribute")
        return Target(schema, (*prefix, found.name, inner.name), (found, inner))

    def _split_urn(self, path: str) -> tuple[Schema, str]:
        lowered = path.lower()
        for urn, schema in self.schemas.items():
            if lowered == urn:
                return schema, ""
            if lowered.startswith(urn) and lowered[len(urn)] == ":":
                return schema, path[len(urn) + 1 :]
        return self.schema, path

    def top(self, name: str) -> Attribute | None:
        """Return the common or core attribute of that name, in any case, or None."""
        return self._top.get(name.lower())

    def targets(self) -> Iterator[Target]:
        """Yield every attribute and sub-attribute, common, core and of the extensions."""
        yield from _targets(self.schema, (), (*self.common, *self.schema.attributes))
        for extension in self.extensions:
            yield from _targets(extension.schema, (extension.schema.id,), extension.schema.attributes)


def _targets(schema: Schema, prefix: tuple[str, ...], attributes: tuple[Attribute, ...]) -> Iterator[Target]:
    for attribute in attributes:
        keys = (*prefix, attribute.name)
        yield Target(schema, keys, (attribute,))
        for inner in attribute.sub_attributes:
            yield Target(schema, (*keys, inner.name), (attribute, inner))
