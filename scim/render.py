"""From a stored resource to its representation: location, version, references, and what is worked out on reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from idp.schema import ResourceType
from idp.schema.leftovers import served
from idp.schema.urns import ENTERPRISE_USER
from scim.etag import tag


@dataclass(frozen=True, slots=True)
class Derived:
    """What is worked out of one resource on reading: its groups or its members, and what is known of its manager.

    `manager` is what is shown beside the reference; None when that leads nowhere. `mark` stands for those of the
    values that change while the resource's own version does not.
    """

    elements: Sequence[Mapping[str, Any]] = ()
    manager: Mapping[str, str] | None = None
    mark: str = ""


NOTHING_DERIVED: Final = Derived()


class Renderer:
    """Renders the resources of one type; `base` is the SCIM base URL without a slash at its end."""

    def __init__(self, resource_type: ResourceType, base: str, derived: str) -> None:
        self._type = resource_type
        self._prefix = f"{base}{resource_type.endpoint}/"
        self._base = base
        self._derived: Final = derived
        self.opened: Final = frozenset(["meta", "schemas", *(urn for urn, _ in resource_type.names_inside)])
        """The attributes that are looked into for a representation, and to leave out what is declared no more."""

    def location(self, id: str) -> str:
        """Return the URI under which a resource is read."""
        return self._prefix + id

    def show(self, id: str, version: int, document: Mapping[str, Any], derived: Derived) -> dict[str, Any]:
        """Return the representation; the document stays as it is."""
        document = served(self._type, document)
        meta = {**document["meta"], "location": self._prefix + id, "version": tag(version, derived.mark)}
        shown = {**document, "meta": meta}
        if derived.elements:
            shown[self._derived] = [self._refer(entry) for entry in derived.elements]
        if derived.manager is not None:
            extension = document[ENTERPRISE_USER]
            reference = f"{self._base}/Users/{extension['manager']['value']}"
            manager = {**extension["manager"], "$ref": reference, **derived.manager}
            shown[ENTERPRISE_USER] = {**extension, "manager": manager}
        return shown

    def _refer(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Add the reference: a member's type says what it is, and what somebody is in is always a group."""
        place = "Users" if self._derived == "members" and entry.get("type") != "Group" else "Groups"
        return {**entry, "$ref": f"{self._base}/{place}/{entry['value']}"}
