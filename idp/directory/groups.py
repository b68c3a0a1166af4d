"""The service for groups and their members: the only way to read and write them, whoever asks."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from idp.access import Actor, Area, Verb, demand
from idp.audit import Detail, Tag, event
from idp.clock import Clock, to_text
from idp.directory.belonging import SHOWN, Belonging
from idp.directory.documents import changed, created, differing, named_in, private_copy, stamped
from idp.directory.edges import Edges, forget_group, forget_member
from idp.directory.filters import DerivedFilters
from idp.directory.locks import KeyedLocks, read_current, retrying
from idp.directory.memberships import Difference, Memberships
from idp.directory.model import Change, Document, GroupCreate, GroupUpdate, Member, MemberChange, MemberWork, Resource
from idp.directory.user_writes import touched_groups
from idp.errors import CallerError
from idp.query import Query
from idp.schema import ResourceType, validate
from idp.store.contract import Delete, Insert, Page, Record, Replace, Store, Write

GroupChange = GroupCreate | GroupUpdate
# As many commits at once share a flush to the disk.
AT_ONCE: Final = 16


class Groups:
    """Groups and memberships, with access decision, optimistic versions and audit on every change.

    Stored groups carry no members: those are edges, so that a change costs the same however large the group is.
    Every method may raise what the store raises. A method that takes an actor raises PermissionDenied first.
    """

    def __init__(
        self,
        store: Store,
        resource_type: ResourceType,
        clock: Clock,
        ids: Callable[[], str],
        *,
        locks: KeyedLocks | None = None,
    ) -> None:
        self._store = store
        self.stamp: Final = partial(store.stamp, SHOWN)
        """Returns the stamp of everything that groups are shown with."""
        self._kind = resource_type
        self._clock = clock
        self._ids = ids
        self._locks = locks or KeyedLocks()
        self._edges = Edges(store)
        self._belonging = Belonging(store, self._edges)
        self._memberships = Memberships(store, self._edges)
        self._filters = DerivedFilters(store, self._edges)

    async def create(
        self, actor: Actor, document: Document, *, extra: Sequence[Write] = (), id: str | None = None
    ) -> Resource:
        """Add a group with the `members` that its document names. Raises InvalidValue, InvalidSyntax, NotUnique."""
        [made] = await self.create_together(actor, [GroupCreate(document, id, extra)])
        return made

    async def create_together(self, actor: Actor, creates: Sequence[GroupCreate]) -> list[Resource]:
        """Add groups, all in one commit or none; those whose ids are given may be members of each other.

        Raises as `create`.
        """
        demand(actor, Verb.CREATE, Area.GROUPS)
        now = to_text(self._clock.now())
        new = [created(self._kind, create.document, create.id or self._ids(), now) for create in creates]
        members = [MemberChange(replace=_members(document.pop("members", []))) for document in new]
        beside = [document["id"] for document in new]

        async def attempt() -> list[Resource]:
            # Members are checked to exist, so all groups come before any membership.
            writes: list[Write] = [Insert(self._kind.collection, document) for document in new]
            for document, change in zip(new, members, strict=True):
                difference = await self._memberships.difference(document["id"], change, new=True, beside=beside)
                details = {"displayName": document["displayName"], **difference.details()}
                told = event(Tag.DIRECTORY_GROUP_CREATED, actor, document["id"], self._clock, details)
                writes += [*difference.writes(document["id"], now), told]
            await self._store.commit([*writes, *(write for create in creates for write in create.extra)])
            return [Resource(document["id"], 1, document, named_in(document)) for document in new]

        return await retrying(attempt)

    async def get(self, actor: Actor, id: str) -> Resource:
        """Return the group. Raises NotFound."""
        demand(actor, Verb.READ, Area.GROUPS)
        return Resource.of(await read_current(self._store, self._kind, id))

    async def find(self, actor: Actor, query: Query) -> Page:
        """Return the groups that match; conditions on `members` are answered through the memberships."""
        demand(actor, Verb.READ, Area.GROUPS)
        return await self._filters.find_groups(query)

    async def update(
        self,
        actor: Actor,
        id: str,
        change: Change,
        *,
        members: MemberChange | MemberWork | None = None,
        expected_version: int | None = None,
        extra: Sequence[Write] = (),
    ) -> Resource:
        """Change a group by a pure function over its stored document, and its members, if need be by one over these.

        When neither comes out different nothing is written but `extra`. Without an expected version a lost race is
        run again. Raises NotFound, VersionMismatch, InvalidValue, MutabilityViolated, NotUnique.
        """
        return await self._update(actor, GroupUpdate(id, change, members, expected_version, extra))

    async def update_together(self, actor: Actor, updates: Sequence[GroupUpdate]) -> list[Resource]:
        """Change several groups, all in one commit or none, so that they may swap names. Raises as `update`."""
        demand(actor, Verb.UPDATE, Area.GROUPS)

        async def attempt() -> list[Resource]:
            planned = [await self._planned(actor, update) for update in updates]
            if writes := [write for _, some in planned for write in some]:
                await self._store.commit(writes)
            return [group for group, _ in planned]

        async with self._locks.hold(*(update.id for update in updates)):
            return await retrying(attempt)

    async def replace(
        self, actor: Actor, id: str, document: Document, *, expected_version: int | None = None
    ) -> Resource:
        """Put a whole document in place of the present one; without `members` the group is emptied.

        Raises as `update`.
        """
        demand(actor, Verb.UPDATE, Area.GROUPS)
        # Validated here too, for the members; the update validates the rest against what is stored.
        members = MemberChange(replace=_members(validate(self._kind, document, creating=False).get("members", [])))
        return await self._update(actor, GroupUpdate(id, lambda _: document, members, expected_version))

    async def delete(
        self, actor: Actor, id: str, *, expected_version: int | None = None, extra: Sequence[Write] = ()
    ) -> None:
        """Remove a group and all memberships of and in it; `extra` goes into the same commit.

        Raises NotFound, VersionMismatch.
        """
        demand(actor, Verb.DELETE, Area.GROUPS)

        async def attempt() -> None:
            record = await read_current(self._store, self._kind, id, expected_version)
            above = await self._edges.groups_with(id)
            told = event(
                Tag.DIRECTORY_GROUP_DELETED, actor, id, self._clock, {"displayName": record.document["displayName"]}
            )
            touched = await touched_groups(self._store, self._clock, above)
            gone: list[Write] = [Delete(self._kind.collection, id, record.version), forget_group(id), forget_member(id)]
            await self._store.commit([*gone, *touched, told, *extra])

        async with self._locks.hold(id, *await self._edges.groups_with(id)):
            await retrying(attempt)

    async def members_of(self, groups: Sequence[str], *, named: bool = True) -> dict[str, list[dict[str, Any]]]:
        """Return the direct members of each of these groups as `value`, `type` and (`named`) `display`, by id."""
        return await self._belonging.members_of(groups, named=named)

    async def members_page(self, group: str, after: str | None, limit: int) -> list[dict[str, Any]]:
        """Return up to `limit` direct members of the group whose id comes after the given one, by id."""
        return await self._belonging.members_page(group, after, limit)

    async def write_many(self, actor: Actor, changes: Sequence[GroupChange]) -> list[Resource | CallerError]:
        """Carry out many changes, a commit for each; each outcome is the group or what was wrong, in order."""
        outcomes: list[Resource | CallerError] = []
        for start in range(0, len(changes), AT_ONCE):
            batch = changes[start : start + AT_ONCE]
            outcomes += await asyncio.gather(*(self._outcome(actor, change) for change in batch))
        return outcomes

    async def _outcome(self, actor: Actor, change: GroupChange) -> Resource | CallerError:
        try:
            if isinstance(change, GroupCreate):
                return await self.create(actor, change.document, extra=change.extra, id=change.id)
            return await self._update(actor, change)
        except CallerError as error:
            return error

    async def _update(self, actor: Actor, update: GroupUpdate) -> Resource:
        [updated] = await self.update_together(actor, [update])
        return updated

    async def _planned(self, actor: Actor, update: GroupUpdate) -> tuple[Resource, list[Write]]:
        """Return a group as it is to be, and the writes that make it so."""
        record = await read_current(self._store, self._kind, update.id, update.expected_version)
        after = changed(self._kind, record.document, update.change(private_copy(record.document)))
        after.pop("members", None)
        difference = await self._memberships.difference(update.id, await self._member_change(update))
        fields = differing(record.document, after)
        if not fields and not difference:
            return Resource.of(record), [*update.extra]
        after = stamped(after, to_text(self._clock.now()))
        told = (*sorted(fields), *(("members",) if difference else ()))
        writes = self._writes(actor, record, after, fields, difference)
        return Resource(record.id, record.version + 1, after, told), [*writes, *update.extra]

    async def _member_change(self, update: GroupUpdate) -> MemberChange | None:
        # Read after the group, whose version moves with its members: what is seen too late fails the commit.
        if not isinstance(update.members, MemberWork):
            return update.members
        return update.members.change(await self._belonging.members_among(update.id, update.members.among))

    def _writes(
        self, actor: Actor, before: Record, after: Document, fields: frozenset[str], difference: Difference
    ) -> list[Write]:
        details: dict[str, Detail] = {"displayName": after["displayName"], "fields": sorted(fields)}
        told = event(Tag.DIRECTORY_GROUP_UPDATED, actor, before.id, self._clock, {**details, **difference.details()})
        replaced = Replace(self._kind.collection, after, before.version)
        return [replaced, *difference.writes(before.id, after["meta"]["lastModified"]), told]


def _members(values: Sequence[Mapping[str, Any]]) -> tuple[Member, ...]:
    return tuple(Member(value["value"], value.get("type", "User")) for value in values)
