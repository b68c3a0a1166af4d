"""A directory over a real store, and the actors who use it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from idp.access import SYSTEM_ACTOR, Actor, ActorKind
from idp.directory import Groups, KeyedLocks, Ownership, PeopleRules, Resource, Users
from idp.directory.model import Document
from idp.errors import InvalidValue
from idp.query import Field, Query
from idp.schema import Registry, default_registry
from idp.store import DeleteWhere, Insert, Record, Store, Write
from tests.support.clock import FakeClock

SYSTEM = SYSTEM_ACTOR("test")
PROVISIONER = Actor(
    ActorKind.CLIENT,
    "client-1",
    "hr",
    scopes=frozenset({"users:read", "users:write", "groups:read", "groups:write"}),
)


def person(id: str, role: str = "user") -> Actor:
    """Somebody with a session."""
    return Actor(ActorKind.USER, id, id, role=role)


class StoredCredentials:
    """Credentials of the simplest kind: a password is a record, so that what is committed can be seen."""

    async def prepare(self, user_id: str, password: str, document: Document) -> Sequence[Write]:
        if len(password) < 4:
            raise InvalidValue("password", "too short")
        return [Insert("credentials", {"id": user_id, "length": len(password)})]

    def removed(self, user_id: str) -> Sequence[Write]:
        return [*self.deactivated(user_id), DeleteWhere("factors", Field(("user",)), user_id)]

    def deactivated(self, user_id: str) -> Sequence[Write]:
        return [DeleteWhere("sessions", Field(("user",)), user_id)]


@dataclass
class Directory:
    """Both services over one store, and short ways to set a scene."""

    store: Store
    clock: FakeClock
    users: Users
    groups: Groups
    serial: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    async def user(self, name: str = "", **more: Any) -> Resource:
        """Add a user; everything but the name has a default."""
        return await self.users.create(SYSTEM, {"userName": name or f"user{self.serial()}", **more})

    async def group(self, name: str = "group", *members: Resource) -> Resource:
        """Add a group with members."""
        values = [{"value": member.id} for member in members]
        return await self.groups.create(SYSTEM, {"displayName": name, "members": values})

    async def members(self, group: Resource) -> list[str]:
        """Return the ids of a group's direct members."""
        return [member["value"] for member in (await self.groups.members_of([group.id]))[group.id]]

    async def events(self, target: str | None = None) -> list[dict[str, Any]]:
        """Return what happened, the oldest first."""
        records = await everything(self.store, "audit")
        return [event for event in records if target in (None, event["target"])]


def directory_over(
    store: Store,
    clock: FakeClock,
    *,
    rules: PeopleRules | None = None,
    prefix: str = "id-",
    ownership: Ownership | None = None,
    registry: Registry | None = None,
) -> Directory:
    """Wire both services over a store; each new id is the prefix and a number."""
    numbers = count(1)
    locks = KeyedLocks()

    def ids() -> str:
        return f"{prefix}{next(numbers):04d}"

    kinds = (registry or default_registry()).resource_types
    users = Users(store, kinds["User"], clock, ids, StoredCredentials(), rules=rules, locks=locks, ownership=ownership)
    return Directory(store, clock, users, Groups(store, kinds["Group"], clock, ids, locks=locks))


async def everything(store: Store, collection: str) -> list[dict[str, Any]]:
    """Return all documents of a collection, by id."""
    return [record.document for record in (await store.find(collection, Query(limit=100_000))).records]


async def record_of(store: Store, collection: str, id: str) -> Record:
    """Return a record that must be there."""
    found = await store.get(collection, id)
    assert found is not None
    return found
