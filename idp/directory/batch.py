"""Many users at once: commits of a few hundred, in which one bad item does not stop the others."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import aclosing, suppress
from typing import Any, Final

from idp.access import Actor
from idp.directory.ahead import ahead
from idp.directory.locks import retrying
from idp.directory.model import Resource, UserCreate, UserUpdate
from idp.directory.user_plans import Plan, UserPlans
from idp.directory.user_writes import UserWrites, stored
from idp.errors import CallerError, NotFound, NotUnique, VersionMismatch
from idp.store.contract import Record, Store, Write

# Large enough that the disk's share of a commit is small, small enough that nobody waits long behind one.
BATCH: Final = 250
# While the disk has some commits the next ones are planned; more would only wait.
AT_ONCE: Final = 4

UserChange = UserCreate | UserUpdate
Outcome = Resource | CallerError
Single = Callable[[Actor, UserChange], Awaitable[Resource]]
Planned = tuple[Plan, list[Write], list[Write]] | CallerError
"""A plan with its writes, and the checks that come after the writes of all; or what was wrong with the change."""


class UserBatches:
    """Writes many changes; each has its own outcome, in the order given."""

    def __init__(
        self,
        store: Store,
        collection: str,
        ids: Callable[[], str],
        plans: UserPlans,
        writes: UserWrites,
        single: Single,
    ) -> None:
        self._store = store
        self._collection = collection
        self._ids = ids
        self._plans = plans
        self._writes = writes
        self._single = single

    async def write(self, actor: Actor, changes: Sequence[UserChange], tolerated: int | None = None) -> list[Outcome]:
        """Carry the changes out. Raises RemoteError when the store fails; earlier commits stay then.

        After as many errors as are `tolerated` it ends, and the outcomes are fewer than the changes.
        """
        if tolerated is None:
            return await self._overlapping(actor, changes)
        outcomes: list[Outcome] = []
        for start in range(0, len(changes), BATCH):
            left = tolerated - errors_in(outcomes)
            if left <= 0:
                break
            outcomes += await self._commit(actor, changes[start : start + BATCH], left)
        return outcomes

    async def write_together(self, actor: Actor, changes: Sequence[UserChange]) -> list[Outcome]:
        """Carry the changes out in one commit, all or none. Raises what is wrong with the first that cannot be made."""
        return await retrying(lambda: self._together(actor, changes, None, whole=True))

    async def _overlapping(self, actor: Actor, changes: Sequence[UserChange]) -> list[Outcome]:
        under_way: deque[asyncio.Event] = deque(maxlen=AT_ONCE)

        def parts() -> Iterator[Coroutine[Any, Any, list[Outcome]]]:
            for start in range(0, len(changes), BATCH):
                earlier, done = tuple(under_way), asyncio.Event()
                under_way.append(done)
                yield self._in_turn(actor, changes[start : start + BATCH], earlier, done)

        outcomes: list[Outcome] = []
        async with aclosing(ahead(parts(), AT_ONCE)) as written:
            async for some in written:
                outcomes += some
        return outcomes

    async def _in_turn(
        self, actor: Actor, changes: Sequence[UserChange], earlier: Sequence[asyncio.Event], done: asyncio.Event
    ) -> list[Outcome]:
        """Commit a part; when something is in the way, again as soon as the parts before it are through."""
        try:
            with suppress(NotUnique, VersionMismatch):
                return await self._together(actor, changes, None)
            for part in earlier:
                await part.wait()
            return await self._commit(actor, changes, None)
        finally:
            done.set()

    async def _commit(self, actor: Actor, changes: Sequence[UserChange], tolerated: int | None) -> list[Outcome]:
        try:
            return await self._together(actor, changes, tolerated)
        except (NotUnique, VersionMismatch):
            # The store says that something is in the way, not for whom: halve until it stands alone.
            return await self._apart(actor, changes, tolerated)

    async def _together(
        self, actor: Actor, changes: Sequence[UserChange], tolerated: int | None, *, whole: bool = False
    ) -> list[Outcome]:
        """Make one commit of it all. Raises NotUnique or VersionMismatch when one of the changes cannot be made.

        Is the `whole` of it wanted or nothing, everything else that is wrong with one of them is raised too.
        """
        planned = _up_to(await self._plan(actor, changes), tolerated)
        for entry in planned:
            if whole and isinstance(entry, CallerError):
                raise entry
        made = [entry for entry in planned if isinstance(entry, tuple)]
        writes = [write for entry in made for write in entry[1]] + [check for entry in made for check in entry[2]]
        if writes:
            await self._store.commit(writes)
        return [stored(entry[0]) if isinstance(entry, tuple) else entry for entry in planned]

    async def _apart(self, actor: Actor, changes: Sequence[UserChange], tolerated: int | None) -> list[Outcome]:
        if len(changes) == 1:
            return [await self._alone(actor, changes[0])]
        middle = len(changes) // 2
        first = await self._commit(actor, changes[:middle], tolerated)
        left = None if tolerated is None else tolerated - errors_in(first)
        if left is not None and left <= 0:
            return first
        return [*first, *await self._commit(actor, changes[middle:], left)]

    async def _plan(self, actor: Actor, changes: Sequence[UserChange]) -> list[Planned]:
        ids = [change.id for change in changes if isinstance(change, UserUpdate)]
        records = await self._store.get_many(self._collection, ids) if ids else {}
        plans = [self._plan_or_error(actor, change, records) for change in changes]
        beside = {change.id for change in changes if isinstance(change, UserCreate) and change.id}
        beside |= await self._writes.known_managers(actor, (plan for plan in plans if isinstance(plan, Plan)))
        return [await self._planned(actor, *each, beside) for each in zip(changes, plans, strict=True)]

    async def _planned(
        self, actor: Actor, change: UserChange, plan: Plan | CallerError, beside: Collection[str]
    ) -> Planned:
        if isinstance(plan, CallerError):
            return plan
        try:
            checks = await self._writes.checks(actor, plan, beside)
            return plan, [*await self._writes.of(actor, plan), *change.extra], checks
        except CallerError as error:
            return error

    def _plan_or_error(self, actor: Actor, change: UserChange, records: dict[str, Record]) -> Plan | CallerError:
        try:
            return self._plan_one(actor, change, records)
        except CallerError as error:
            return error

    def _plan_one(self, actor: Actor, change: UserChange, records: dict[str, Record]) -> Plan:
        if isinstance(change, UserCreate):
            return self._plans.create(actor, change, change.id or self._ids())
        record = records.get(change.id)
        if record is None:
            raise NotFound("User", change.id)
        if change.expected_version not in (None, record.version):
            raise VersionMismatch(self._collection, change.id)
        return self._plans.update(actor, record, change)

    async def _alone(self, actor: Actor, change: UserChange) -> Outcome:
        try:
            return await self._single(actor, change)
        except CallerError as error:
            return error


def errors_in(outcomes: Sequence[object]) -> int:
    """Return how many of the outcomes are errors."""
    return sum(isinstance(outcome, CallerError) for outcome in outcomes)


def _up_to(planned: Sequence[Planned], tolerated: int | None) -> Sequence[Planned]:
    """Return the plans up to the error with which it is enough."""
    if tolerated is None:
        return planned
    errors = [place for place, entry in enumerate(planned) if isinstance(entry, CallerError)]
    return planned if len(errors) < tolerated else planned[: errors[tolerated - 1] + 1]
