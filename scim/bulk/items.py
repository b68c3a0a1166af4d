"""The operations of one request before they are tried: whom each is about, what it refers to, what must come first."""

import re
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from idp.errors import CallerError, InvalidValue, NotFound
from idp.schema import ResourceType
from scim.bulk.references import named, named_in_path, writable
from scim.bulk.steps import Steps
from scim.etag import Condition
from scim.messages.bulk_request import BulkOperation

# What can stand for an id: neither a further segment nor a query.
_SEGMENT: Final = re.compile(r"[^/?#]*")


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type as bulk operations know it; `place` is the URI of its endpoint."""

    resource_type: ResourceType
    steps: Steps
    place: str


@dataclass(frozen=True, slots=True)
class Item:
    """An operation that is understood. `id` is whom it is about, which may be a reference like those in its data."""

    operation: BulkOperation
    kind: Kind
    id: str | None
    data: dict[str, Any]
    references: frozenset[str]

    @property
    def version(self) -> int | None:
        """The version that the resource must have, if the client says so."""
        if self.operation.version is None:
            return None
        wanted = Condition(self.operation.version)
        return wanted.version


Read = Item | CallerError


def read_items(operations: Sequence[BulkOperation], kinds: Mapping[str, Kind]) -> list[Read]:
    """Return the operations with their resource types, by lower-cased endpoint; or what is wrong with them."""
    made = {one.bulk_id for one in operations if one.method == "POST" and one.error is None}
    return [one.error or _read(one, kinds, made) for one in operations]


def needs_of(items: Sequence[Read]) -> list[Collection[int]]:
    """Return for each operation those before it: the makers of what it refers to, and the last about the same."""
    makers = {
        item.operation.bulk_id: place
        for place, item in enumerate(items)
        if isinstance(item, Item) and item.operation.method == "POST"
    }
    latest: dict[tuple[str, str], int] = {}
    needs: list[Collection[int]] = []
    for place, item in enumerate(items):
        if isinstance(item, CallerError):
            needs.append(())
            continue
        needed = {makers[name] for name in item.references if name in makers}
        if item.id is not None:
            key = (item.kind.place, item.id)
            needed |= {latest[key]} if key in latest else set()
            latest[key] = place
        needs.append(needed)
    return needs


def _read(operation: BulkOperation, kinds: Mapping[str, Kind], made: AbstractSet[str | None]) -> Read:
    path, where = operation.path or "", f"{operation.where}.path"
    endpoint, _, target = path.strip("/").partition("/")
    kind = kinds.get(f"/{endpoint.lower()}")
    if kind is None:
        return NotFound(f"{where}: endpoint", path[:200])
    form = kind.resource_type.endpoint if operation.method == "POST" else f"{kind.resource_type.endpoint}/ID"
    if (operation.method == "POST") == bool(target) or not _SEGMENT.fullmatch(target):
        return InvalidValue(where, f"{operation.method} needs {form}, not {path[:200]!r}")
    data = operation.data if isinstance(operation.data, dict) else {}
    if operation.method in ("POST", "PUT"):
        data = writable(kind.resource_type, data)
    in_path, in_data = frozenset(filter(None, [named_in_path(target)])), frozenset(named(data))
    for place, names in ((where, in_path), (f"{operation.where}.data", in_data)):
        for name in sorted(names - made):
            return InvalidValue(place, f"no operation has the bulkId {name[:100]!r}")
    return Item(operation, kind, target or None, data, in_path | in_data)
