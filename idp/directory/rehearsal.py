"""A dry run: what a change would come to, told by the very services that would make it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from idp.directory.documents import differing
from idp.directory.edges import EDGES, MEMBER
from idp.directory.groups import Groups
from idp.directory.resources import Resources
from idp.directory.users import Users
from idp.schema import GROUP, Registry
from idp.store.contract import Delete, DeleteWhere, Insert, Record, Replace, Write
from idp.store.rehearsal import RehearsalStore

CREDENTIALS: Final = "credentials"


@dataclass(slots=True)
class Difference:
    """What would happen to one resource: `attributes` with the values before and after, and who would come or go."""

    kind: str
    id: str
    operation: str
    attributes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The directory's services over a store that makes no commit; for one change, whose `differences` it tells."""

    store: RehearsalStore
    registry: Registry
    users: Users
    groups: Groups
    resources: Mapping[str, Resources]

    def differences(self) -> list[Difference]:
        """Return what the commit would change, resource by resource; a password is named and not told."""
        kinds = {kind.collection: kind.name for kind in self.registry.resource_types.values()}
        found: dict[str, Difference] = {}
        for write, before in self.store.made:
            if isinstance(write, Insert | Replace | Delete) and write.collection in kinds:
                one = _difference(kinds[write.collection], write, before)
                found[one.id] = one
        for write, before in self.store.made:
            _complete(found, write, before)
        return list(found.values())


def _difference(kind: str, write: Insert | Replace | Delete, before: Record | None) -> Difference:
    if isinstance(write, Delete):
        return Difference(kind, write.id, "delete")
    old = before.document if before else {}
    names = sorted(differing(old, write.document) - {"id"})
    attributes = {name: (old.get(name), write.document.get(name)) for name in names}
    return Difference(kind, str(write.document["id"]), "replace" if before else "create", attributes)


def _complete(found: Mapping[str, Difference], write: Write, before: Record | None) -> None:
    """Add what stands in other records: memberships and that there is a password."""
    if isinstance(write, Insert | Replace) and write.collection == CREDENTIALS:
        if (one := found.get(str(write.document["id"]))) is not None:
            one.attributes["password"] = (None, None)
    elif isinstance(write, Insert) and write.collection == EDGES:
        found[write.document["group"]].added.append(write.document["member"])
    elif isinstance(write, Delete) and write.collection == EDGES and before is not None:
        found[before.document["group"]].removed.append(before.document["member"])
    elif isinstance(write, DeleteWhere) and (write.collection, write.field) == (EDGES, MEMBER):
        for one in found.values():
            if one.kind == GROUP.name and one.id != write.value:
                one.removed.append(write.value)
