"""The service for resources of types that were declared in the settings: the only way to read and write them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from idp.access import Actor, Area, Target, Verb, demand
from idp.audit import Tag, event
from idp.clock import Clock, to_text
from idp.directory.documents import changed, created, differing, named_in, private_copy, stamped
from idp.directory.locks import KeyedLocks, read_current, retrying
from idp.directory.model import Change, Document, Resource
from idp.query import Query
from idp.schema import ResourceType
from idp.store.contract import Delete, Insert, Page, Replace, Store, Write


class Resources:
    """Resources of one type, with access decision, optimistic versions and audit on every change.

    Nothing is worked out beside what is stored. Every method may raise what the store raises, and raises
    PermissionDenied first.
    """

    def __init__(self, store: Store, resource_type: ResourceType, clock: Clock, ids: Callable[[], str]) -> None:
        self._store = store
        self._kind = resource_type
        self._clock = clock
        self._ids = ids
        self._locks = KeyedLocks()
        self.stamp: Final = partial(store.stamp, (resource_type.collection,))
        """Returns the stamp of everything that the resources are shown with."""

    async def create(self, actor: Actor, document: Document) -> Resource:
        """Add a resource. Raises InvalidValue, InvalidSyntax, NotUnique."""
        [made] = await self.create_together(actor, [(document, self._ids())])
        return made

    async def create_together(self, actor: Actor, documents: Sequence[tuple[Document, str]]) -> list[Resource]:
        """Add resources with the ids that are given, all in one commit or none; they may refer to each other.

        Raises as `create`.
        """
        self._demand(actor, Verb.CREATE)
        now = to_text(self._clock.now())
        new = [created(self._kind, document, key, now) for document, key in documents]
        writes: list[Write] = [Insert(self._kind.collection, document) for document in new]
        details = {"type": self._kind.name}
        writes += [event(Tag.DIRECTORY_RESOURCE_CREATED, actor, one["id"], self._clock, details) for one in new]
        await self._store.commit(writes)
        return [Resource(document["id"], 1, document, named_in(document)) for document in new]

    async def get(self, actor: Actor, id: str) -> Resource:
        """Return the resource. Raises NotFound."""
        self._demand(actor, Verb.READ)
        return Resource.of(await read_current(self._store, self._kind, id))

    async def find(self, actor: Actor, query: Query) -> Page:
        """Return the resources that match."""
        self._demand(actor, Verb.READ)
        return await self._store.find(self._kind.collection, query)

    async def update(self, actor: Actor, id: str, change: Change, *, expected_version: int | None = None) -> Resource:
        """Change a resource by a pure function over a copy of its own; it may run more than once.

        When the result is the same nothing is written. Without an expected version a lost race is run again.
        Raises NotFound, VersionMismatch, InvalidValue, MutabilityViolated, NotUnique.
        """
        self._demand(actor, Verb.UPDATE)

        async def attempt() -> Resource:
            before = await read_current(self._store, self._kind, id, expected_version)
            after = changed(self._kind, before.document, change(private_copy(before.document)))
            fields = differing(before.document, after)
            if not fields:
                return Resource.of(before)
            after = stamped(after, to_text(self._clock.now()))
            details = {"type": self._kind.name, "fields": sorted(fields)}
            told = event(Tag.DIRECTORY_RESOURCE_UPDATED, actor, id, self._clock, details)
            await self._store.commit([Replace(self._kind.collection, after, before.version), told])
            return Resource(id, before.version + 1, after, sorted(differing(before.document, after)))

        async with self._locks.hold(id):
            return await retrying(attempt)

    async def delete(self, actor: Actor, id: str, *, expected_version: int | None = None) -> None:
        """Remove a resource. Raises NotFound, VersionMismatch."""
        self._demand(actor, Verb.DELETE)

        async def attempt() -> None:
            record = await read_current(self._store, self._kind, id, expected_version)
            told = event(Tag.DIRECTORY_RESOURCE_DELETED, actor, id, self._clock, {"type": self._kind.name})
            await self._store.commit([Delete(self._kind.collection, id, record.version), told])

        async with self._locks.hold(id):
            await retrying(attempt)

    def _demand(self, actor: Actor, verb: Verb) -> None:
        demand(actor, verb, Area.RESOURCES, Target("", endpoint=self._kind.endpoint))
