"""Carries a plan out through the directory's services: people first, then groups, then who is in which."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from itertools import chain
from typing import Final, TypeVar

from msgspec.structs import replace

from idp.access import Actor
from idp.clock import Clock, to_text
from idp.directory import (
    GroupChange,
    GroupCreate,
    Groups,
    GroupUpdate,
    Member,
    MemberChange,
    Outcome,
    UserChange,
    UserCreate,
    Users,
    UserUpdate,
    as_it_is,
)
from idp.directory.ahead import ahead
from idp.directory.batch import AT_ONCE
from idp.errors import CallerError, VersionMismatch
from idp.schema import GROUP as GROUP_TYPE
from idp.schema import USER as USER_TYPE
from idp.store.contract import Store
from ldap_bridge.group_names import in_turns
from ldap_bridge.lines import Logged
from ldap_bridge.links import Link, Links
from ldap_bridge.logins import chains, in_commits
from ldap_bridge.mapping import Mapper
from ldap_bridge.parts import batched, parts, weighed
from ldap_bridge.plan import GROUP, USER, Change, Kind, MembershipChange, Plan, apply_to
from ldap_bridge.progress import Meter, Watcher
from ldap_bridge.report import logged_change, logged_membership
from ldap_bridge.rules import MANAGER, Document, put_at

USERS: Final = USER_TYPE.collection
GROUPS: Final = GROUP_TYPE.collection
Item = TypeVar("Item")
_TOGETHER: Final = 250
_NO_ROLES: Final = tuple(kind for kind in Kind if kind is not Kind.ROLE)
# Members that come or go in one commit, and in all commits that are made side by side: each is looked up before it.
_MEMBERS: Final = 1000
Log = Callable[[Sequence[Logged]], Awaitable[None]]


class Applier:
    """Applies one plan; what a commit has done stays done when a later one fails, and the next run goes on there."""

    def __init__(
        self, key: str, mapper: Mapper, store: Store, users: Users, groups: Groups, clock: Clock, actor: Actor
    ) -> None:
        self._key = key
        self._mapper = mapper
        self._store = store
        self._users = users
        self._groups = groups
        self._clock = clock
        self._actor = actor
        self._links = Links(store, key.removeprefix("ldap:"))
        self._written: dict[str, Link] = {}
        self.failed: set[str] = set()
        """The ids of people and groups that could not be brought in step."""
        self.errors = 0

    async def apply(self, plan: Plan, log: Log, watcher: Watcher) -> None:
        """Make every change and log it by name. Raises what the store raises."""
        changes, roles = plan.changes, plan.changes.number_of(Kind.ROLE)
        meter = Meter(watcher, "writing people", changes.number_of(subject=USER) - roles)
        people, groups = partial(changes.of, *_NO_ROLES, subject=USER), partial(changes.of, subject=GROUP)
        givers = changes.givers()
        await _written(in_commits(people, givers, _TOGETHER), self._write_people, log, meter)
        meter = Meter(watcher, "writing groups", changes.number_of(subject=GROUP))
        await _written(in_commits(groups, givers, _TOGETHER), self._write_groups, log, meter)
        meter = Meter(watcher, "writing memberships", len(plan.memberships))
        await _written(weighed(plan.memberships, _weight, _MEMBERS), self._write_memberships, log, meter)
        if roles:
            meter = Meter(watcher, "writing roles", roles)
            await _written(batched(changes.of(Kind.ROLE), _TOGETHER), self._write_roles, log, meter)
        if plan.stale:
            await self._store.commit([self._links.removal(link) for link in plan.stale])

    # --- people ---

    async def _write_people(self, changes: Sequence[Change]) -> list[Logged]:
        doable = [change for change in changes if change.kind not in (Kind.CONFLICT, Kind.PURGE)]
        if any(change.takes_from for change in doable):
            linked = [*chains(doable)]
            doable = [*chain.from_iterable(linked)]
            outcomes = await self._hand_on(linked)
        else:
            outcomes = await self._users.write_many(self._actor, self._user_changes(doable))
        purged = [change for change in changes if change.kind is Kind.PURGE]
        gone = [await self._purge(change) for change in purged]
        return [*self._logged(doable, outcomes), *self._logged(purged, gone), *_conflicts(changes)]

    async def _hand_on(self, linked: Sequence[Sequence[Change]]) -> list[Outcome]:
        """Write people who hand logins on, in one commit; chain by chain when one of them cannot be written.

        Whoever shares a commit with them must not keep two from a swap, of which neither half can be made alone.
        """
        updates = [self._user_changes(some) for some in linked]
        with suppress(CallerError):
            return await self._users.write_many(self._actor, [*chain.from_iterable(updates)], together=True)
        return [outcome for some in updates for outcome in await self._write_chain(some)]

    async def _write_chain(self, updates: Sequence[UserChange]) -> list[Outcome]:
        """Write a chain in one commit, or as far as it goes: givers come first."""
        with suppress(CallerError):
            return await self._users.write_many(self._actor, updates, together=True)
        return await self._users.write_many(self._actor, updates)

    def _user_changes(self, changes: Iterable[Change]) -> list[UserChange]:
        return [self._user_change(change) for change in changes]

    def _user_change(self, change: Change) -> UserChange:
        extra = [self._links.write(self._new_link(change))]
        if change.kind is Kind.CREATE and change.found is not None:
            return UserCreate(
                _document(change), source=self._key, id=change.resource, reason=change.reason, extra=extra
            )
        work = partial(apply_to, change=change, table=self._mapper.users)
        return UserUpdate(change.resource, work, reason=change.reason, extra=extra)

    def _new_link(self, change: Change) -> Link:
        """Return the link as it is to be after the change."""
        found, link = change.found, change.link
        if change.beside:
            assert link is not None  # noqa: S101 (only who is linked has a conflict that something is done beside)
            # Without a digest the entry is compared again, even if it becomes what it was before.
            return replace(link, active=False, digest="", raw="")
        if found is None:
            assert link is not None  # noqa: S101 (a change has an entry, a link or both)
            if change.manager is not None:
                return replace(link, manager=change.manager)
            if link.gone:
                return link
            was_active = any(field.path == "active" for field in change.fields)
            return replace(link, gone=to_text(self._clock.now()), restore=was_active, due="")
        had = link.manager if link and change.kind is not Kind.CREATE else ""
        return Link(
            version=link.version if link else 0,
            kind=change.subject,
            stable=found.stable,
            resource=change.resource,
            dn=found.dn,
            digest=found.digest,
            active=found.active,
            members=link.members if link and change.kind is not Kind.CREATE else "",
            raw=found.raw,
            due=found.due,
            boss=found.boss,
            manager=had if change.manager is None else change.manager,
        )

    async def _purge(self, change: Change) -> CallerError | None:
        """Delete an account for good, if it still is what the plan was made of; with it, in one commit, its link."""
        assert change.link is not None  # noqa: S101 (nobody is purged who was not linked)
        unlinked = self._links.removal(change.link)
        record = await self._store.get(USERS, change.resource)
        try:
            if record is None:
                await self._store.commit([unlinked])
            elif _own(record.document) != _own(change.before or {}):
                return VersionMismatch(USERS, change.name)
            else:
                await self._users.delete(self._actor, record.id, expected_version=record.version, extra=[unlinked])
        except CallerError as error:
            return error
        return None

    async def _write_roles(self, changes: Sequence[Change]) -> list[Logged]:
        """Give people their roles one by one, since each is judged by itself."""
        outcomes: list[CallerError | None] = []
        for change in changes:
            try:
                await self._users.assign_role(self._actor, change.resource, str(change.fields[0].new))
                outcomes.append(None)
            except CallerError as error:
                outcomes.append(error)
        return self._logged(changes, outcomes)

    # --- groups ---

    async def _write_groups(self, changes: Sequence[Change]) -> list[Logged]:
        # What goes or is called otherwise first makes room for what takes its name.
        removed = [change for change in changes if change.kind is Kind.REMOVE]
        gone = [await self._remove(change) for change in removed]
        wanted = [change for change in changes if change.kind not in (Kind.REMOVE, Kind.CONFLICT)]
        kept = [change for change in wanted if not change.takes_from]
        outcomes = await self._groups.write_many(self._actor, [self._group_change(change) for change in kept])
        for turn in in_turns([change for change in wanted if change.takes_from]):
            kept += turn
            outcomes += await self._write_turn(turn)
        for change, outcome in zip(kept, outcomes, strict=True):
            if not isinstance(outcome, CallerError):
                link = self._new_link(change)
                self._written[change.resource] = replace(link, version=link.version + 1)
        return [*self._logged(removed, gone), *self._logged(kept, outcomes), *_conflicts(changes)]

    async def _write_turn(self, turn: Sequence[Change]) -> Sequence[Outcome]:
        """Write a group that takes a name, or several that hand theirs round: in one commit, or not at all."""
        if len(turn) == 1:
            return await self._groups.write_many(self._actor, [self._group_change(change) for change in turn])
        try:
            return await self._groups.update_together(self._actor, [self._group_update(change) for change in turn])
        except CallerError as error:
            return [error] * len(turn)

    def _group_change(self, change: Change) -> GroupChange:
        if change.kind is Kind.CREATE:
            extra = [self._links.write(self._new_link(change))]
            return GroupCreate(_document(change), id=change.resource, extra=extra)
        return self._group_update(change)

    def _group_update(self, change: Change) -> GroupUpdate:
        work = partial(apply_to, change=change, table=self._mapper.groups)
        return GroupUpdate(change.resource, work, extra=[self._links.write(self._new_link(change))])

    async def _remove(self, change: Change) -> CallerError | None:
        """Delete a group with its link, in one commit; of one that is gone already, the link."""
        assert change.link is not None  # noqa: S101 (no group is removed that was not linked)
        unlinked = self._links.removal(change.link)
        try:
            if await self._store.get(GROUPS, change.resource) is None:
                await self._store.commit([unlinked])
            else:
                await self._groups.delete(self._actor, change.resource, extra=[unlinked])
        except CallerError as error:
            return error
        return None

    # --- memberships ---

    async def _write_memberships(self, changes: Sequence[MembershipChange]) -> list[Logged]:
        """Write large changes in pieces; the digest that says all is done goes with the last one."""
        errors: dict[str, CallerError] = {}
        todo = [(change, self._pieces(change)) for change in changes if change.group not in self.failed]
        while todo:
            updates = [self._membership(change, pieces.pop(0), last=not pieces) for change, pieces in todo]
            outcomes = await self._groups.write_many(self._actor, updates)
            for (change, pieces), outcome in zip(todo, outcomes, strict=True):
                if isinstance(outcome, CallerError):
                    errors[change.group] = outcome
                    self.failed.add(change.group)
                    pieces.clear()
            todo = [(change, pieces) for change, pieces in todo if pieces]
        self.errors += len(errors)
        return [
            logged_membership(change, str(errors.get(change.group, "")))
            for change in changes
            if not change.is_idle or change.group in errors
        ]

    def _pieces(self, change: MembershipChange) -> list[MemberChange]:
        added = [member for member in change.added if member not in self.failed]
        pieces = [
            MemberChange(add=tuple(Member(m, "Group" if m in change.groups else "User") for m in some))
            for some in parts(added, _MEMBERS)
        ]
        pieces += [MemberChange(remove=tuple(some)) for some in parts(change.removed, _MEMBERS)]
        return pieces or [MemberChange()]

    def _membership(self, change: MembershipChange, piece: MemberChange, *, last: bool) -> GroupUpdate:
        link = self._written.get(change.group) or change.link
        extra = []
        if last and link is not None:
            # Whoever could not be made is still to come: without a digest the next run looks again.
            whole = not self.failed.intersection(change.added)
            extra = [self._links.write(replace(link, members=change.digest if whole else ""))]
        return GroupUpdate(change.group, as_it_is, members=piece, extra=extra)

    def _logged(self, changes: Sequence[Change], outcomes: Sequence[Outcome | None]) -> list[Logged]:
        logged = []
        for change, outcome in zip(changes, outcomes, strict=True):
            error = str(outcome) if isinstance(outcome, CallerError) else ""
            if error:
                self.errors += 1
                self.failed.add(change.resource)
            if error or change.kind is not Kind.SAME:
                logged.append(logged_change(change, error))
        return logged


def _weight(change: MembershipChange) -> int:
    """Return how many members one round of commits takes of a change."""
    return min(1 + len(change.added) + len(change.removed), _MEMBERS)


def _conflicts(changes: Sequence[Change]) -> list[Logged]:
    return [logged_change(change) for change in changes if change.kind is Kind.CONFLICT]


async def _written(
    cut: Iterable[Sequence[Item]],
    write: Callable[[Sequence[Item]], Awaitable[list[Logged]]],
    log: Log,
    meter: Meter,
) -> None:
    """Write changes some hundred at a time, the next ones while the disk still has the ones before."""

    async def one(some: Sequence[Item]) -> tuple[int, list[Logged]]:
        return len(some), await write(some)

    async with aclosing(ahead(map(one, cut), AT_ONCE)) as written:
        async for count, logged in written:
            await log(logged)
            meter.add(count)


def _document(change: Change) -> Document:
    document = change.found.document() if change.found else {}
    if change.active is not None:
        document["active"] = change.active
    if change.manager:
        put_at(document, MANAGER, {"value": change.manager})
    return document


def _own(document: Document) -> Document:
    """Return what an account is by itself: when its manager goes in the same run, it loses that reference."""
    kept = {name: value for name, value in document.items() if name not in ("meta", "schemas")}
    put_at(kept, MANAGER, None)
    return kept
