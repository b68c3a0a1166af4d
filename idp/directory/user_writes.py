"""From a plan to the writes of one commit: the document, and everything that goes with it."""

from collections.abc import Collection, Iterable, Sequence

from idp.access import Actor
from idp.audit import Tag, event
from idp.clock import Clock, to_text
from idp.directory.documents import stamped
from idp.directory.edges import Edges, forget_member
from idp.directory.guard import another_root, is_active_root
from idp.directory.managers import Managers
from idp.directory.model import Credentials, Resource
from idp.directory.namesakes import Namesakes
from idp.directory.user_plans import Plan
from idp.store.contract import Delete, Insert, Record, Replace, Store, Write


class UserWrites:
    """Turns plans into writes; reads what that needs, writes nothing itself."""

    def __init__(
        self, store: Store, collection: str, clock: Clock, credentials: Credentials, managers: Managers
    ) -> None:
        self._store = store
        self._collection = collection
        self._clock = clock
        self._managers = managers
        self._credentials = credentials
        self._edges = Edges(store)
        self._namesakes = Namesakes(store)

    async def of(self, actor: Actor, plan: Plan) -> list[Write]:
        """Return the writes that carry the plan out; none when it changes nothing.

        Raises InvalidValue, NotUnique, LastRoot.
        """
        if plan.document is None:
            return []
        await self._namesakes.refuse(actor, plan)
        writes: list[Write] = []
        if plan.before is None:
            writes.append(Insert(self._collection, plan.document))
        else:
            writes.append(Replace(self._collection, plan.document, plan.before.version))
            if is_active_root(plan.before.document) and not is_active_root(plan.document):
                writes.append(await another_root(self._store, plan.before))
            if plan.before.document["active"] and not plan.document["active"]:
                writes += self._credentials.deactivated(plan.id)
        if plan.password is not None:
            writes += await self._credentials.prepare(plan.id, plan.password, plan.document)
        writes.append(event(plan.tag, actor, plan.id, self._clock, plan.details))
        return writes

    async def known_managers(self, actor: Actor, plans: Iterable[Plan]) -> set[str]:
        """Return which of the managers that the plans name anew are there, in one read."""
        return await self._managers.known(actor, ((plan.before, plan.document) for plan in plans))

    async def checks(self, actor: Actor, plan: Plan, beside: Collection[str] = ()) -> list[Write]:
        """Return what must hold once all writes of the commit are made.

        Of the people `beside` it is known that they are there, or the commit makes them. Raises InvalidValue.
        """
        return await self._managers.checks(actor, plan.before, plan.document, beside)

    async def removal(self, actor: Actor, record: Record) -> list[Write]:
        """Return the writes that remove the user with all memberships and credentials. Raises LastRoot."""
        writes: list[Write] = [Delete(self._collection, record.id, record.version)]
        if is_active_root(record.document):
            writes.append(await another_root(self._store, record))
        writes.append(forget_member(record.id))
        writes += await touched_groups(self._store, self._clock, await self._edges.groups_with(record.id))
        writes += await self._managers.released(actor, record.id)
        writes += self._credentials.removed(record.id)
        details = {"userName": record.document["userName"]}
        writes.append(event(Tag.DIRECTORY_USER_DELETED, actor, record.id, self._clock, details))
        return writes


async def touched_groups(store: Store, clock: Clock, groups: Sequence[str]) -> list[Write]:
    """Return the writes that move the version and lastModified of groups whose members change with somebody else."""
    if not groups:
        return []
    now = to_text(clock.now())
    records = await store.get_many("groups", groups)
    return [Replace("groups", stamped(record.document, now), record.version) for record in records.values()]


def stored(plan: Plan) -> Resource:
    """Return the resource as it is once the plan's writes are made."""
    version = 1 if plan.before is None else plan.before.version + (plan.document is not None)
    document = plan.document if plan.document is not None or plan.before is None else plan.before.document
    return Resource(plan.id, version, document or {}, plan.changed)
