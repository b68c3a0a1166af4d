"""What differs between the resource types: which service answers, and what PATCH means for members."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from idp.access import Actor
from idp.directory import Groups, Resource, Resources, Users, manager_of
from idp.memory import Moment, Stamps
from idp.query import Query
from idp.schema.urns import ENTERPRISE_USER
from scim import patch
from scim.etag import mark_of
from scim.members import member_work
from scim.operation import Operation
from scim.render import NOTHING_DERIVED, Derived

Wants = Callable[..., bool]
"""Tells of the keys that lead to an attribute whether any of it can be in the answer."""


class Row(Protocol):
    """A resource as a service returns it."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def document(self) -> Mapping[str, Any]:
        """What is stored of it."""
        ...


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
    """The list that is worked out on reading."""
    at_once: int
    """For how many resources it is worked out at once: few where it can be long."""
    returns_patched: bool
    """Whether a PATCH is answered with the resource even if nobody asks for its attributes."""

    async def create(self, actor: Actor, document: dict[str, Any]) -> Resource:
        """Add a resource."""
        ...

    async def get(self, actor: Actor, id: str) -> Resource:
        """Return a resource."""
        ...

    @property
    def stamp(self) -> Stamps:
        """Returns the stamp of everything the resources are shown with."""
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

    async def derive(
        self, rows: Sequence[Row], wants: Wants, *, new: bool = False, moment: Moment | None = None
    ) -> Mapping[str, Derived]:
        """Return by id what is derived of each of these, as far as anybody wants to see it; `new` ones were just made.

        In as many reads for a page as for one resource; as of the moment or later, of now where there is none.
        """
        ...


class UserProvider:
    """People's accounts."""

    derived = "groups"
    at_once = 1_000
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
            actor, id, lambda document: patch.apply(document, operations), expected_version=version, shares=True
        )

    async def delete(self, actor: Actor, id: str, version: int | None) -> None:
        """Remove the user."""
        await self._users.delete(actor, id, expected_version=version)

    async def derive(
        self, rows: Sequence[Row], wants: Wants, *, new: bool = False, moment: Moment | None = None
    ) -> Mapping[str, Derived]:
        """Return the groups of each user, and what the manager is called: neither moves the user's own version."""
        wanted = not new and wants(self.derived)
        groups = await self._users.groups_of([row.id for row in rows], moment) if wanted else {}
        named, referred = (wants(*_MANAGER, name) for name in ("displayName", "$ref"))
        is_asked = named or referred
        managers = {row.id: manager for row in rows if (manager := manager_of(row.document))} if is_asked else {}
        names = await self._users.names_of(set(managers.values())) if managers else {}
        if not names and not any(groups.values()):
            return {row.id: NOTHING_DERIVED for row in rows}
        found = ((row.id, groups.get(row.id, ()), names.get(managers.get(row.id, ""))) for row in rows)
        return {key: _derived(elements, manager, named=named) for key, elements, manager in found}


_MANAGER: Final = (ENTERPRISE_USER, "manager")
_UNNAMED: Final[Mapping[str, str]] = {}


def _derived(groups: Sequence[Mapping[str, Any]], manager: str | None, *, named: bool) -> Derived:
    if not groups and manager is None:
        return NOTHING_DERIVED
    # A reference that leads somewhere is shown, also without the name.
    shown = None if manager is None else {"displayName": manager} if named else _UNNAMED
    return Derived(groups, shown, mark_of(groups, manager if named else manager is not None))


class ResourceProvider:
    """Resources of a declared type, of which nothing is worked out."""

    derived = ""
    at_once = 1_000
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

    async def derive(
        self, rows: Sequence[Row], wants: Wants, *, new: bool = False, moment: Moment | None = None
    ) -> Mapping[str, Derived]:
        """Return nothing for each of them."""
        return {row.id: NOTHING_DERIVED for row in rows}


class GroupProvider:
    """Groups. Their PATCH is answered with 204, as Microsoft's and Okta's clients expect, and big groups like it."""

    derived = "members"
    at_once = 8
    returns_patched = False

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self.stamp = groups.stamp
        self.create = groups.create
        self.get = groups.get
        self.find = groups.find

    async def replace(self, actor: Actor, id: str, document: dict[str, Any], version: int | None) -> Resource:
        """Put a whole document in place of the present one, members included."""
        return await self._groups.replace(actor, id, document, expected_version=version)

    async def patch(self, actor: Actor, id: str, operations: Sequence[Operation], version: int | None) -> Resource:
        """Carry out the operations on the group and its members."""
        on_members = [o for o in operations if o.path.attribute.name == self.derived]
        others = [o for o in operations if o.path.attribute.name != self.derived]
        return await self._groups.update(
            actor,
            id,
            lambda document: patch.apply(document, others),
            members=member_work(on_members),
            expected_version=version,
        )

    async def delete(self, actor: Actor, id: str, version: int | None) -> None:
        """Remove the group."""
        await self._groups.delete(actor, id, expected_version=version)

    async def derive(
        self, rows: Sequence[Row], wants: Wants, *, new: bool = False, moment: Moment | None = None
    ) -> Mapping[str, Derived]:
        """Return the members of each group, whose own version moves with them; not so with what they are called."""
        if not wants(self.derived):
            return {row.id: NOTHING_DERIVED for row in rows}
        # In a big group, what the members are called costs more than all the rest.
        named = wants(self.derived, "display")
        found = await self._groups.members_of([row.id for row in rows], named=named)
        return {key: Derived(members, mark=mark_of(members) if named else "") for key, members in found.items()}
