"""All resource types that a server serves, by name and by endpoint."""

from collections.abc import Iterable, Mapping

from idp.schema.group import GROUP, with_unique_names
from idp.schema.model import ResourceType, Schema
from idp.schema.user import USER


class Registry:
    """The resource types and their schemas; made once, at start."""

    def __init__(self, resource_types: Iterable[ResourceType]) -> None:
        self.resource_types: Mapping[str, ResourceType] = {kind.name: kind for kind in resource_types}

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """Every schema, by its URN as written."""
        return {schema.id: schema for kind in self.resource_types.values() for schema in kind.schemas.values()}


def default_registry(*, unique_group_names: bool = False) -> Registry:
    """Return the built-in resource types: User and Group."""
    return Registry((USER, with_unique_names(GROUP) if unique_group_names else GROUP))
