"""What differs between the resource types: which service answers, and what PATCH means for members."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from idp.access import Actor
from idp.directory import Groups, Resource, Resources, Users
from idp.errors import VersionMismatch
from idp.memory import Stamp
from idp.query import Query
from scim import patch
from scim.members import member_change, needs_members
from scim.operation import Operation
from scim.render import Derived

# A group whose members change all the time cannot be patched by what its members are called.
_ATTEMPTS: Final = 5


class Found(Protocol):
    """A page of what a service found."""

    @property
    def records(self) -> Sequence[Any]:
        """The resources, in the query's order."""
        ...

    @property
    def total(self) -> int | None:
        """How many match in all."""
        ...


class Provider(Protocol):
    """The service of one resource type, as the endpoints use it. Methods raise what the service's methods raise."""

    derived: str
    """The attribute that is worked out on reading."""
    at_once: int
    """For how many resources it is worked out at once: few where it can be long."""
    begins_empty: bool
    """Whether there is none of it as long as a resource is new."""
    returns_patched: bool
    """Whether a PATCH is answered with the resource even if nobody asks for its attributes."""

    async def create(self, actor: Actor, document: dict[str, Any]) -> Resource:
        """Add a resource."""
        ...

    async def get(self, actor: Actor, id: str) -> Resource:
        """Return a resource."""
        ...

    def stamp(self) -> Stamp | None:
        """Return the stamp of everything the resources are shown with."""
        ...

    async def find(self, actor: Actor, query: Query) -> Found:
        """Return a page of resources."""
        ...

    async def replace(self, actor: Actor, id: str, document: dict[str, Any], version: int | None) -> Resource:
        """Put a whole document in place of the present one, at this version if one is given."""
        ...

    async def patch(self, actor: Actor, id: str, operations: Sequence[Operation], version: int | None) -> Resource:
        """Carry out the operations, all or none, at this version if one is given."""
        ...

    async def delete(self, actor: Actor, id: str, version: int | None) -> None:
        """Remove a resource, at this version if one is given."""
        ...

    async def derive(self, ids: Sequence[str], *, named: bool) -> dict[str, list[dict[str, Any]]]:
        """Return the derived attribute of each of these; in a big group, who is `named` costs more than the rest."""
        ...


class UserProvider:
    """People's accounts."""

    derived = "groups"
    at_once = 1_000
    begins_empty = True
    returns_patched = True

    def __init__(self, users: Users) -> None:
        self._users = users
        self.stamp = users.stamp
        self.create = users.create
        self.get = users.get
        self.find = users.find

    async def replace(self, actor: Actor, id: str, document: dict[str, Any], version: int | None) -> Resource:
        """Put a whole document in place of the present one."""
        return await self._users.replace(actor, id, document, expected_version=version)

    async def patch(self, actor: Actor, id: str, operations: Sequence[Operation], version: int | None) -> Resource:
        """Carry out the operations on the user."""
        return await self._users.update(
            actor, id, lambda document: patch.apply(document, operations), expected_version=version
        )

    async def delete(self, actor: Actor, id: str, version: int | None) -> None:
        """Remove the user."""
        await self._users.delete(actor, id, expected_version=version)

    async def derive(self, ids: Sequence[str], *, named: bool) -> dict[str, list[dict[str, Any]]]:
        """Return the groups of each user, whose names come with them anyway."""
        return await self._users.groups_of(ids)


class ResourceProvider:
    """Resources of a declared type, of which nothing is worked out."""

    derived = ""
    at_once = 1_000
    begins_empty = True
    returns_patched = True

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self.stamp = resources.stamp
        self.create = resources.create
        self.get = resources.get
        self.find = resources.find

    async def replace(self, actor: Actor, id: str, document: dict[str, Any], version: int | None) -> Resource:
        """Put a whole document in place of the present one."""
        return await self._resources.update(actor, id, lambda _: document, expected_version=version)

    async def patch(self, actor: Actor, id: str, operations: Sequence[Operation], version: int | None) -> Resource:
        """Carry out the operations on the resource."""
        return await self._resources.update(
            actor, id, lambda document: patch.apply(document, operations), expected_version=version
        )

    async def delete(self, actor: Actor, id: str, version: int | None) -> None:
        """Remove the resource."""
        await self._resources.delete(actor, id, expected_version=version)

    async def derive(self, ids: Sequence[str], *, named: bool) -> dict[str, list[dict[str, Any]]]:
        """Return nothing for each of them."""
        return {one: [] for one in ids}


class GroupProvider:
    """Groups. Their PATCH is answered with 204, as Microsoft's and Okta's clients expect, and big groups like it."""

    derived = "members"
    at_once = 8
    begins_empty = False
    returns_patched = False

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self.stamp = groups.stamp
        self.create = groups.create
        self.get = groups.get
        self.find = groups.find
        self.derive = groups.members_of

    async def replace(self, actor: Actor, id: str, document: dict[str, Any], version: int | None) -> Resource:
        """Put a whole document in place of the present one, members included."""
        return await self._groups.replace(actor, id, document, expected_version=version)

    async def patch(self, actor: Actor, id: str, operations: Sequence[Operation], version: int | None) -> Resource:
        """Carry out the operations on the group and its members."""
        on_members = [o for o in operations if o.path.attribute.name == self.derived]
        others = [o for o in operations if o.path.attribute.name != self.derived]
        if not needs_members(on_members):
            return await self._patch(actor, id, others, on_members, (), version)
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._patch_seen(actor, id, others, on_members, version)
            except VersionMismatch:
                if version is not None:
                    raise
        return await self._patch_seen(actor, id, others, on_members, version)

    async def delete(self, actor: Actor, id: str, version: int | None) -> None:
        """Remove the group."""
        await self._groups.delete(actor, id, expected_version=version)

    async def _patch_seen(
        self,
        actor: Actor,
        id: str,
        others: Sequence[Operation],
        on_members: Sequence[Operation],
        version: int | None,
    ) -> Resource:
        """Carry the operations out at the version at which the members were looked at."""
        group = await self._groups.get(actor, id)
        present = (await self._groups.members_of([id])).get(id, ())
        return await self._patch(actor, id, others, on_members, present, version or group.version)

    async def _patch(
        self,
        actor: Actor,
        id: str,
        others: Sequence[Operation],
        on_members: Sequence[Operation],
        present: Derived,
        version: int | None,
    ) -> Resource:
        return await self._groups.update(
            actor,
            id,
            lambda document: patch.apply(document, others),
            members=member_change(on_members, present),
            expected_version=version,
        )
