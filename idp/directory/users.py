"""The service for users: the only way to read and write them, whoever asks."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from idp.access import Actor, Area, Target, Verb, demand
from idp.audit import Tag
from idp.clock import Clock
from idp.directory.batch import Outcome, UserBatches, UserChange
from idp.directory.belonging import SHOWN, Belonging
from idp.directory.edges import Edges
from idp.directory.filters import DerivedFilters
from idp.directory.locks import KeyedLocks, read_current, retrying
from idp.directory.managers import Managers
from idp.directory.model import Change, Credentials, Document, PeopleRules, Resource, UserCreate, UserUpdate
from idp.directory.names import MAX_NAME, check_name
from idp.directory.ownership import Ownership
from idp.directory.user_plans import Plan, UserPlans, mfa_policy, role_name, role_of
from idp.directory.user_writes import UserWrites, stored
from idp.memory import Moment
from idp.query import Compare, Op, Query
from idp.schema import ResourceType
from idp.store.contract import Page, Record, Store, Write


class Users:
    """Users, with access decision, optimistic versions and audit on every change.

    Every method may raise what the store raises. A method that takes an actor raises PermissionDenied first.
    `locks` are shared with the groups, whose versions move when a member is deleted. `ownership` knows what the
    directories decide.
    """

    def __init__(  # noqa: PLR0913 - what the service is wired from
        self,
        store: Store,
        resource_type: ResourceType,
        clock: Clock,
        ids: Callable[[], str],
        credentials: Credentials,
        *,
        locks: KeyedLocks | None = None,
        ownership: Ownership | None = None,
        rules: PeopleRules | None = None,
    ) -> None:
        self._store = store
        self._ownership = ownership or Ownership()
        self.stamp: Final = partial(store.stamp, SHOWN)
        """Returns the stamp of everything that users are shown with."""
        self._kind = resource_type
        self._ids = ids
        self._locks = locks or KeyedLocks()
        self._edges = Edges(store)
        self._belonging = Belonging(store, self._edges)
        self.names_of: Final = partial(self._belonging.names, "User")
        """Returns how those of these people who are there are shown, by id; in one read for a page of them."""
        self._filters = DerivedFilters(store, self._edges)
        rules = rules or PeopleRules()
        self.check_name: Final = partial(check_name, strict=rules.strict_names)
        """Refuses a login name that nobody may bring from elsewhere, whoever has it. Raises InvalidValue."""
        self._plans = UserPlans(resource_type, clock, self._ownership, strict_names=rules.strict_names)
        managers = Managers(store, resource_type, clock, refuse_unknown=rules.refuse_unknown_managers)
        self._writes = UserWrites(store, resource_type.collection, clock, credentials, managers)
        self._batches = UserBatches(store, resource_type.collection, ids, self._plans, self._writes, self._single)

    async def create(
        self,
        actor: Actor,
        document: Document,
        *,
        extra: Sequence[Write] = (),
        source: str | None = None,
        id: str | None = None,
        role: str = "user",
        mfa: str | None = None,
    ) -> Resource:
        """Add a user; a `password` in the document becomes its credential. `extra` goes into the same commit.

        Raises InvalidValue, InvalidSyntax, NotUnique.
        """
        return await self._create(actor, UserCreate(document, source, id, role, mfa, extra))

    async def get(self, actor: Actor, id: str) -> Resource:
        """Return the user. Raises NotFound."""
        demand(actor, Verb.READ, Area.USERS, Target(id))
        return Resource.of(await read_current(self._store, self._kind, id))

    async def find(self, actor: Actor, query: Query) -> Page:
        """Return the users that match; conditions on `groups` are answered through the memberships."""
        demand(actor, Verb.READ, Area.USERS)
        return await self._filters.find_users(query)

    async def by_login(self, login: str) -> Resource | None:
        """Return whom a login name means: the user of that userName, else the only one with that address, or None.

        A userName goes before everybody's addresses; an address that several accounts have means none of them. For
        the login service, which asks before there is an actor.
        """
        if not 0 < len(login) <= MAX_NAME:
            return None
        for path in ("userName", "emails.value"):
            query = Query(Compare(self._kind.resolve(path).field, Op.EQ, login), limit=2, total=False)
            found = (await self._store.find(self._kind.collection, query)).records
            if found:
                return Resource.of(found[0]) if len(found) == 1 else None
        return None

    async def update(
        self,
        actor: Actor,
        id: str,
        change: Change,
        *,
        expected_version: int | None = None,
        extra: Sequence[Write] = (),
        reason: str = "",
        shares: bool = False,
    ) -> Resource:
        """Change a user by a pure function over a copy of its own; it may run more than once.

        One that `shares` gets the stored document itself and must leave it as it is.

        When the result is the same nothing is written but `extra`. Without an expected version a lost race is run
        again. Raises NotFound, VersionMismatch, InvalidValue, MutabilityViolated, NotUnique, LastRoot.
        """
        return await self._update(actor, UserUpdate(id, change, reason, expected_version, extra, shares))

    async def replace(
        self, actor: Actor, id: str, document: Document, *, expected_version: int | None = None
    ) -> Resource:
        """Put a whole document in place of the present one: what it does not mention is cleared.

        Kept are readOnly and immutable values, the password and `active`. Raises as `update`.
        """
        return await self._update(actor, UserUpdate(id, lambda _: document, "", expected_version, shares=True))

    async def delete(
        self, actor: Actor, id: str, *, expected_version: int | None = None, extra: Sequence[Write] = ()
    ) -> None:
        """Remove a user with all memberships and credentials; `extra` goes into the same commit.

        Raises NotFound, VersionMismatch, LastRoot.
        """
        demand(actor, Verb.DELETE, Area.USERS, Target(id))

        async def attempt() -> None:
            record = await read_current(self._store, self._kind, id, expected_version)
            demand(actor, Verb.DELETE, Area.USERS, Target(id, role=role_of(record.document)))
            self._ownership.check_deletion(actor, record.document)
            await self._store.commit([*await self._writes.removal(actor, record), *extra])

        async with self._locks.hold(id, *await self._edges.groups_with(id)):
            await retrying(attempt)

    async def assign_role(self, actor: Actor, id: str, role: str) -> Resource:
        """Give a user a role. Raises NotFound, InvalidValue, LastRoot."""
        demand(actor, Verb.ASSIGN, Area.ROLES, Target(id, assigned=role_name(role)))

        def plan(record: Record) -> Plan:
            demand(actor, Verb.ASSIGN, Area.ROLES, Target(id, role=role_of(record.document), assigned=role))
            return self._plans.set_own(record, "role", role, Tag.DIRECTORY_USER_ROLE_ASSIGNED)

        return await self._modify(actor, id, plan)

    async def set_mfa_policy(self, actor: Actor, id: str, policy: str | None) -> Resource:
        """Say whether a second factor is asked of the user; None leaves it to the general setting.

        Raises NotFound, InvalidValue.
        """
        demand(actor, Verb.RESET_MFA, Area.USERS, Target("", role=None))
        wanted = None if policy is None else mfa_policy(policy)

        def plan(record: Record) -> Plan:
            # Without an id: nobody decides this about the own account by owning it.
            demand(actor, Verb.RESET_MFA, Area.USERS, Target("", role=role_of(record.document)))
            return self._plans.set_own(record, "mfa", wanted, Tag.DIRECTORY_USER_MFA_POLICY_SET)

        return await self._modify(actor, id, plan)

    async def set_active(self, actor: Actor, id: str, active: bool, reason: str) -> Resource:
        """Switch a user on or off; off ends sessions and tokens. Raises NotFound, LastRoot."""
        # Asked also where nothing would change: whether it is allowed does not depend on that.
        demand(actor, Verb.UPDATE, Area.USERS, Target(id, fields=frozenset({"active"})))
        return await self._update(actor, UserUpdate(id, lambda document: {**document, "active": active}, reason))

    async def groups_of(self, ids: Sequence[str], moment: Moment | None = None) -> dict[str, list[dict[str, Any]]]:
        """Return the groups of each of these users, direct ones first, as `value`, `display` and `type`.

        As of the moment or later, of now where there is none.
        The number of reads is one for users in no group, and depends on how deep groups are nested otherwise;
        never on how many users are asked for.
        """
        return await self._belonging.groups_of(ids, moment)

    async def write_many(
        self, actor: Actor, changes: Sequence[UserChange], *, tolerated: int | None = None, together: bool = False
    ) -> list[Outcome]:
        """Carry out many changes in commits of up to 250; each outcome is the user or what was wrong, in order.

        Changes of the same user must not be in the same call. After as many errors as are `tolerated` nothing more is
        done, and the outcomes end there. Raises what the store raises; earlier commits stay. What is to be done
        `together` is one commit, and what is wrong with one of the changes is raised.
        """
        if together:
            return await self._batches.write_together(actor, changes)
        return await self._batches.write(actor, changes, tolerated)

    async def _single(self, actor: Actor, change: UserChange) -> Resource:
        return await (self._create(actor, change) if isinstance(change, UserCreate) else self._update(actor, change))

    async def _create(self, actor: Actor, new: UserCreate) -> Resource:
        plan = self._plans.create(actor, new, new.id or self._ids())

        async def attempt() -> Resource:
            checks = await self._writes.checks(actor, plan)
            await self._store.commit([*await self._writes.of(actor, plan), *new.extra, *checks])
            return stored(plan)

        return await retrying(attempt)

    async def _update(self, actor: Actor, update: UserUpdate) -> Resource:
        demand(actor, Verb.UPDATE, Area.USERS, Target(update.id))
        return await self._modify(
            actor,
            update.id,
            lambda record: self._plans.update(actor, record, update),
            expected_version=update.expected_version,
            extra=update.extra,
        )

    async def _modify(
        self,
        actor: Actor,
        id: str,
        plan: Callable[[Record], Plan],
        *,
        expected_version: int | None = None,
        extra: Sequence[Write] = (),
    ) -> Resource:
        async def attempt() -> Resource:
            planned = plan(await read_current(self._store, self._kind, id, expected_version))
            writes = [*await self._writes.of(actor, planned), *extra, *await self._writes.checks(actor, planned)]
            if writes:
                await self._store.commit(writes)
            return stored(planned)

        async with self._locks.hold(id):
            return await retrying(attempt)
