"""From a stored resource to its representation: location, version, references, and what is worked out on reading."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from idp.schema import ResourceType
from idp.schema.urns import ENTERPRISE_USER
from scim.etag import tag

Derived = Sequence[Mapping[str, Any]]


class Renderer:
    """Renders the resources of one type; `base` is the SCIM base URL without a slash at its end."""

    def __init__(self, resource_type: ResourceType, base: str, derived: str) -> None:
        self._prefix = f"{base}{resource_type.endpoint}/"
        self._base = base
        self._derived: Final = derived

    def location(self, id: str) -> str:
        """Return the URI under which a resource is read."""
        return self._prefix + id

    def show(self, id: str, version: int, document: Mapping[str, Any], derived: Derived) -> dict[str, Any]:
        """Return the representation; the document stays as it is. `derived` are its groups or its members."""
        meta = {**document["meta"], "location": self._prefix + id, "version": tag(version)}
        shown = {**document, "meta": meta}
        if derived:
            shown[self._derived] = [self._refer(entry) for entry in derived]
        manager = document.get(ENTERPRISE_USER, _NOTHING).get("manager")
        if manager is not None:
            referring = {**manager, "$ref": f"{self._base}/Users/{manager.get('value')}"}
            shown[ENTERPRISE_USER] = {**document[ENTERPRISE_USER], "manager": referring}
        return shown

    def _refer(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Add the reference: a member's type says what it is, and what somebody is in is always a group."""
        place = "Users" if self._derived == "members" and entry.get("type") != "Group" else "Groups"
        return {**entry, "$ref": f"{self._base}/{place}/{entry['value']}"}


_NOTHING: Final[Mapping[str, Any]] = {}
