"""One resource type as one profile reads it: documents, PATCH messages, filters."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from idp.access import Actor
from idp.errors import InvalidSyntax
from idp.query import Filter
from idp.schema import Attribute, ResourceType, Type, coerce
from scim.filter import resource_filters
from scim.filter.shown import ShownFilters
from scim.messages import demand_schema, patch_op
from scim.operation import Operation
from scim.path import PathReader
from scim.profiles import PROFILES, Profile, profile_named


class Dialect:
    """Reads what clients of a profile send about a resource type, which is shown with what `shown` knows of."""

    def __init__(self, resource_type: ResourceType, profile: Profile, shown: ShownFilters) -> None:
        self.profile: Final = profile
        self._type = resource_type
        self._shown = shown
        self._filters = resource_filters(resource_type, dotted=profile.dotted_extensions)
        self._paths = PathReader(resource_type, shown, dotted=profile.dotted_extensions)

    def filter(self, text: str) -> Filter:
        """Return a filter over resources as one on what is stored of them. Raises InvalidFilter."""
        return self._shown.stored(text, self._filters.read(text))

    def document(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a resource as validation asks for it. Raises InvalidSyntax."""
        if not self.profile.missing_schemas:
            demand_schema(body, self._type.schema.id, required=True)
        if not self.profile.unknown_attributes:
            demand_known(self._type, body, joined=self.profile.documents.joined_keys)
        return coerce(self._type, body, self.profile.documents)

    def operations(self, body: Mapping[str, Any]) -> tuple[Operation, ...]:
        """Return the operations of a PATCH. Raises what `patch_op.read` raises."""
        return patch_op.read(body, self._paths, self.profile)


class Dialects:
    """The dialects of one resource type; `base` is the SCIM base URL without a slash at its end."""

    def __init__(self, resource_type: ResourceType, base: str) -> None:
        shown = ShownFilters(base, resource_type)
        self._dialects = {name: Dialect(resource_type, profile, shown) for name, profile in PROFILES.items()}

    def of(self, actor: Actor) -> Dialect:
        """Return the dialect that the actor speaks."""
        return self._dialects[profile_named(actor.profile).name]


def demand_known(resource_type: ResourceType, body: Mapping[str, Any], *, joined: bool = False) -> None:
    """Refuse a resource with attributes that its type does not have. Raises InvalidSyntax."""
    for key, value in body.items():
        attribute = resource_type.top(key) or _extension(resource_type, key)
        if attribute is None and not (joined and (":" in key or "." in key)):
            raise InvalidSyntax(f"{key[:200]}: {resource_type.name} has no such attribute")
        if attribute is not None and attribute.type is Type.COMPLEX:
            _demand_known_parts(attribute, value, attribute.name)


def _extension(resource_type: ResourceType, key: str) -> Attribute | None:
    schema = resource_type.schemas.get(key.lower())
    return None if schema is None or schema is resource_type.schema else schema.whole


def _demand_known_parts(attribute: Attribute, value: Any, path: str) -> None:
    parts: Sequence[Any] = value if isinstance(value, list) else [value]
    for part in parts:
        for key, inner in part.items() if isinstance(part, dict) else ():
            sub = attribute.sub(key)
            if sub is None:
                raise InvalidSyntax(f"{path}: no such sub-attribute: {key[:200]}")
            if sub.type is Type.COMPLEX:
                _demand_known_parts(sub, inner, f"{path}.{sub.name}")
