"""What a change of members comes to: which edges come and go, and who is to exist for it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from idp.directory.edges import EDGES, Edges, edge_id, insert_edge
from idp.directory.model import Member, MemberChange
from idp.errors import InvalidValue
from idp.store.contract import Check, Delete, Store, Write

# An event names this many members; the counts are always exact.
NAMED: Final = 100
# Members looked up at once: only their ids are kept, but for a moment all of their documents are there.
_TOGETHER: Final = 250
_COLLECTIONS: Final = {"User": "users", "Group": "groups"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Memberships that really come or go."""

    added: tuple[Member, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    def writes(self, group: str, now: str) -> list[Write]:
        """Return the writes; each new member is checked to exist still when they are made."""
        found: list[Write] = [Delete(EDGES, edge_id(group, member)) for member in self.removed]
        for member in self.added:
            found.append(Check(_COLLECTIONS[member.type], member.value))
            found.append(insert_edge(group, member.value, member.type, now))
        return found

    def details(self) -> dict[str, int | list[str]]:
        """Return what an event says about it."""
        found: dict[str, int | list[str]] = {}
        for name, ids in (("added", [member.value for member in self.added]), ("removed", list(self.removed))):
            if ids:
                found[f"members_{name}"] = len(ids)
                found[name] = ids[:NAMED]
        return found


class Memberships:
    """Works out differences against the store."""

    def __init__(self, store: Store, edges: Edges) -> None:
        self._store = store
        self._edges = edges

    async def difference(
        self, group: str, change: MemberChange | None, *, new: bool = False, beside: Collection[str] = ()
    ) -> Difference:
        """Return what the change comes to for the group; a `new` one has no members yet.

        `beside` are the groups that the same commit makes. Raises InvalidValue when somebody does not exist, or the
        group would be its own member.
        """
        if change is None:
            return Difference()
        if change.replace is not None:
            wanted = _by_id((*change.replace, *change.add), change.remove)
            present = set() if new else {edge["member"] for edge in await self._edges.of_groups([group])}
            removed = tuple(sorted(present - wanted.keys()))
        else:
            wanted = _by_id(change.add, change.remove)
            present = set() if new else await self._edges.among(group, [*wanted, *dict.fromkeys(change.remove)])
            removed = tuple(member for member in dict.fromkeys(change.remove) if member in present)
        added = [member for member in wanted.values() if member.value not in present]
        return Difference(await self._resolve(group, added, beside), removed)

    async def _resolve(self, group: str, added: Sequence[Member], beside: Collection[str]) -> tuple[Member, ...]:
        if any(member.value == group for member in added):
            raise InvalidValue("members", "a group cannot be a member of itself")
        types = dict.fromkeys(beside, "Group")
        for hint in _COLLECTIONS:
            sought = [member.value for member in added if member.type == hint and member.value not in types]
            types |= await self._existing(hint, sought)
        for kind in _COLLECTIONS:
            types |= await self._existing(kind, [member.value for member in added if member.value not in types])
        for member in added:
            if member.value not in types:
                raise InvalidValue("members", f"{member.value[:200]!r} does not exist")
        return tuple(Member(member.value, types[member.value]) for member in added)

    async def _existing(self, kind: str, ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(ids), _TOGETHER):
            found |= dict.fromkeys(await self._store.get_many(_COLLECTIONS[kind], ids[start : start + _TOGETHER]), kind)
        return found


def _by_id(members: Iterable[Member], removed: Iterable[str]) -> dict[str, Member]:
    wanted = {member.value: member for member in members}
    for member in removed:
        wanted.pop(member, None)
    return wanted
