"""Reads what is to be looked at and makes the plan: entries stream by, and what is new or different is looked up."""

from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import aclosing, closing
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from idp.access import ADMINISTRATIVE
from idp.clock import to_text
from idp.errors import InvalidValue
from idp.query import EVERYTHING, In, Query, fold
from idp.schema import GROUP as GROUP_TYPE
from idp.schema import USER as USER_TYPE
from idp.schema import ResourceType, validate
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Record, Store
from ldap_bridge.conflicts import Decisions
from ldap_bridge.contests import Contests
from ldap_bridge.decided import Decided
from ldap_bridge.entries import Entry, Reading
from ldap_bridge.errors import DirectoryError
from ldap_bridge.group_names import settle_names
from ldap_bridge.intake import Intake
from ldap_bridge.last_root import last_root, spared_conflict
from ldap_bridge.limits import Present, why_held
from ldap_bridge.links import Link
from ldap_bridge.logins import Claim, of_another_entry
from ldap_bridge.mapping import Found, Mapped, Mapper, Problem
from ldap_bridge.parts import batched, parts
from ldap_bridge.pile import Pile
from ldap_bridge.plan import GROUP, USER, Change, Kind, Plan, compare, disabled_beside, gone, purge
from ldap_bridge.planned_managers import plan_managers
from ldap_bridge.planned_members import plan_members
from ldap_bridge.planned_roles import missing_groups, plan_roles
from ldap_bridge.progress import Meter, Watcher, unwatched
from ldap_bridge.pump import pump
from ldap_bridge.rules import Table
from ldap_bridge.scope import Scope
from ldap_bridge.settings import Source
from ldap_bridge.shelf import Shelf

_ADMINISTRATORS: Final = In(USER_TYPE.resolve(f"{GATEHOUSE_USER}:role").field, ADMINISTRATIVE)
_LOGIN: Final = USER_TYPE.resolve("userName").field
_TOGETHER: Final = 500


class Planner:
    """Makes the plan of one run; used once."""

    def __init__(  # noqa: PLR0913 - what a plan is made from
        self,
        source: Source,
        scope: Scope,
        mapper: Mapper,
        store: Store,
        ids: Callable[[], str],
        now: datetime,
        decisions: Decisions,
        watcher: Watcher = unwatched,
    ) -> None:
        self._source = source
        self._scope = scope
        self._mapper = mapper
        self._store = store
        self._ids = ids
        self._now = now
        self._watcher = watcher
        self._claimed = Shelf(str)
        self._decided = Decided(source.key, decisions, store)
        self._contests = Contests(source.name, mapper.users.owned, store)
        self.plan = Plan(source.name)

    async def make(self) -> Plan:
        """Read everything and return the plan. Raises DirectoryError, LdifError, and what the store raises."""
        people, groups = await self._scope.load(self._watcher)
        await self._read_people(people)
        await self._contests.settle(self.plan, people, partial(self._grant, people))
        all_groups = await self._read_groups_if_possible(people, groups) if self._source.groups.enabled else ()
        self.plan.problems = [
            *(replace(problem, subject=USER) for problem in people.problems),
            *(replace(problem, subject=GROUP) for problem in groups.problems),
        ]
        if self.plan.complete:
            await self._plan_gone(people, groups)
            await self._plan_purges(people)
        else:
            self._contests.take_back(self.plan, people)
        await self._spare_last_root(people)
        self._decided.skip(self.plan)
        if self._source.users.manager:
            await self._scope.make_managers_known(people)
            await plan_managers(self.plan, self._store, people)
        by_people = bool(self._source.groups.member_of or self._source.groups.primary)
        said = await plan_members(
            self.plan, self._store, self._scope, people, groups, all_groups, told_by_people=by_people
        )
        if self._source.roles:
            await plan_roles(self.plan, self._store, self._source, said)
            if self.plan.complete:
                # Before the others, of which only the first are shown.
                self.plan.problems[:0] = missing_groups(self._source, groups.refs, self.plan.problems)
        self.plan.held = why_held(self.plan, self._source.limits, await self._present())
        return self.plan

    async def _present(self) -> Present:
        groups = await self._store.count(GROUP_TYPE.collection, EVERYTHING)
        admins = await self._store.count(USER_TYPE.collection, _ADMINISTRATORS) if self._source.roles else 0
        return Present(await self._scope.linked(), groups, admins)

    async def _spare_last_root(self, people: Intake) -> None:
        """Leave one active root, whatever the directory says: nobody could undo it. What it wants is a conflict."""
        spared = await last_root(self.plan, self._store)
        if spared is not None:
            self.plan.changes.revise_of(partial(_spare, spared), spared.kind, subject=USER)
            self._contests.refuse_takers(self.plan, people, spared.resource)

    # --- reading ---

    async def _read_people(self, people: Intake) -> None:
        meter = Meter(self._watcher, "reading people")
        reading = self._scope.people()
        async for mapped in _mapped(reading, partial(self._mapper.people_beside, people.links, self._now)):
            batch = people.sort(mapped)
            await self._plan_new_people(people, batch.new)
            await self._plan_changed(USER, people, batch.changed)
            await self._plan_closed(people, mapped.closed)
            self.plan.changes.put_away()
            meter.add(len(mapped.found) + len(mapped.problems))
        self._contests.withdraw(people.shared)
        self._withdraw_shared(USER, people)
        self.plan.people = people.count
        self._note_gaps("people", reading, people)

    async def _read_groups_if_possible(self, people: Intake, groups: Intake) -> Iterable[Found]:
        """Read the groups; when the people broke off already, a line that stays dead is no more news."""
        try:
            return await self._read_groups(people, groups)
        except DirectoryError as error:
            if self.plan.complete:
                raise
            self.plan.gaps.append(f"groups: {error.reason}")
            return ()

    async def _read_groups(self, people: Intake, groups: Intake) -> Iterable[Found]:
        """Plan the groups themselves; returns all of them, whose members are looked at when every id is known."""
        meter = Meter(self._watcher, "reading groups")
        everything = Pile(Found, weight=lambda found: 1 + len(found.members) // 100)
        reading = await self._scope.groups(self.plan, people, groups)
        async for mapped in _mapped(reading, self._mapper.group_entries):
            everything.extend(copy(self._decided.renamed(GROUP, found)) for found in mapped.found)
            everything.put_away()
            for found in mapped.found:
                found.members = ()  # those of all groups are too many to be in memory
            batch = groups.sort(mapped)
            for found in self._decided.admitted(GROUP, batch.new, self.plan):
                self._create(GROUP, groups, found)
            await self._plan_changed(GROUP, groups, batch.changed)
            meter.add(len(mapped.found) + len(mapped.problems))
        self._withdraw_shared(GROUP, groups)
        self.plan.groups = groups.count
        self._note_gaps("groups", reading, groups)
        await settle_names(self.plan, groups, self._mapper.kinds["Group"], self._store)
        self.plan.changes.put_away()
        if groups.shared:
            everything.revise(lambda found: None if found.stable in groups.shared else found)
        return everything

    def _withdraw_shared(self, subject: str, intake: Intake) -> None:
        """Leave as it is whatever several entries claim by one stable id."""
        if not intake.shared:
            return

        def kept(change: Change) -> Change | None:
            if change.found is None or change.found.stable not in intake.shared:
                return change
            intake.withdraw(change.found, change.resource)
            return None

        self.plan.changes.revise_of(kept, subject=subject)

    def _note_gaps(self, what: str, reading: Reading, intake: Intake) -> None:
        outcome = reading.outcome
        reasons = [*([] if outcome.complete else [outcome.reason]), *intake.gaps]
        self.plan.gaps += [f"{what}: {reason}" for reason in reasons]

    # --- comparing ---

    async def _plan_new_people(self, people: Intake, new: Sequence[Found]) -> None:
        for part in parts(new, _TOGETHER):
            some = self._decided.admitted(USER, part, self.plan)
            sharing, taken = await self._decided.sharing(some), await self._taken([found.name for found in some])
            for found in some:
                if conflict := sharing.get(found.stable):
                    self.plan.changes.append(conflict)
                elif self._may_have(Claim(found, taken.get(fold(found.name), ""))):
                    self._create(USER, people, found)

    def _create(self, subject: str, intake: Intake, found: Found, link: Link | None = None) -> Change | None:
        if why := self._mapper.why_no_person(found) if subject == USER else self._mapper.why_no_group(found):
            intake.problems.append(Problem(found.dn, why, found.stable))
            return None
        resource = self._ids()
        change = Change(Kind.CREATE, subject, found.name, found.dn, resource, found=found, link=link)
        change.active, change.reason = found.active, found.reason
        self.plan.changes.append(change)
        intake.register(found, resource)
        return change

    async def _plan_changed(self, subject: str, intake: Intake, changed: Sequence[tuple[Found, Link]]) -> None:
        kind, _ = self._of(subject)
        for part in parts(changed, _TOGETHER):
            some = [(self._decided.renamed(subject, found), link) for found, link in part]
            stored = await self._store.get_many(kind.collection, [link.resource for _, link in some])
            if subject == USER:
                some = await self._plan_changed_logins(intake, some, stored)
            for found, link in some:
                self._plan_one(subject, intake, found, link, stored.get(link.resource))

    async def _plan_closed(self, people: Intake, closed: Sequence[Found]) -> None:
        """Plan that people whose entries cannot be mapped are disabled here as they are there."""
        known = [(found, link) for found in closed if (link := people.links.get(found.stable))]
        stored = await self._store.get_many(USER_TYPE.collection, [link.resource for _, link in known]) if known else {}
        planned = (
            disabled_beside(found, link, stored[link.resource].document)
            for found, link in known
            if link.resource in stored
        )
        self.plan.changes.extend(filter(None, planned))

    async def _plan_changed_logins(
        self, people: Intake, some: Sequence[tuple[Found, Link]], stored: Mapping[str, Record]
    ) -> list[tuple[Found, Link]]:
        """Note what there is to say of logins and addresses; return those who can have theirs at once."""
        present = {found.stable: stored[link.resource].document for found, link in some if link.resource in stored}
        sharing = await self._decided.sharing([found for found, _ in some], present)
        taken = await self._taken([found.name for found, _ in some])
        free = []
        for found, link in some:
            record = stored.get(link.resource)
            if record is not None and (shared := sharing.get(found.stable)):
                self.plan.changes.extend(filter(None, (shared, disabled_beside(found, link, record.document))))
            elif self._may_have(Claim(found, taken.get(fold(found.name), ""), link, record)):
                free.append((found, link))
                continue
            if record is not None:
                # Without the login or address of today, she is still a member of the groups.
                people.register(found, link.resource)
        return free

    def _plan_one(self, subject: str, intake: Intake, found: Found, link: Link, record: Record | None) -> Change | None:
        if record is None:
            return self._create(subject, intake, found, link)
        intake.register(found, link.resource)
        kind, table = self._of(subject)
        try:
            wanted = validate(kind, found.document(), creating=False)
            if subject == USER and found.name != record.document["userName"]:
                self._mapper.check_name(found.name)
        except InvalidValue as error:
            intake.problems.append(Problem(found.dn, str(error), found.stable))
            if subject == USER and (disabled := disabled_beside(found, link, record.document)):
                self.plan.changes.append(disabled)
            return None
        change = self._decided.told(compare(subject, found, link, record.document, wanted, table))
        self.plan.changes.append(change)
        return change

    def _grant(self, people: Intake, claim: Claim) -> Change | None:
        if claim.link is None:
            return self._create(USER, people, claim.found)
        return self._plan_one(USER, people, claim.found, claim.link, claim.record)

    def _of(self, subject: str) -> tuple[ResourceType, Table]:
        kinds = self._mapper.kinds
        return (kinds["User"], self._mapper.users) if subject == USER else (kinds["Group"], self._mapper.groups)

    async def _taken(self, names: Sequence[str]) -> dict[str, str]:
        """Return who has which of these logins now."""
        query = Query(In(_LOGIN, tuple(names)), limit=len(names), total=False)
        page = await self._store.find(USER_TYPE.collection, query)
        return {fold(record.document["userName"]): record.id for record in page.records}

    def _may_have(self, claim: Claim) -> bool:
        """Tell whether an entry has its login, or can have it at once; what else there is to say of it is noted."""
        if (first := self._claimed_before(claim)) is not None:
            self.plan.changes.append(of_another_entry(claim.found, first))
        elif claim.holder and claim.holder != claim.own:
            self._contests.add(claim)
        else:
            return True
        return False

    def _claimed_before(self, claim: Claim) -> str | None:
        """Return the DN of the entry that had the login before in this read; if nobody has it, it is this one's now."""
        login = fold(claim.found.name)
        return self._claimed.get(login) if claim.holder else self._claimed.add(login, claim.found.dn)

    # --- what is not there any more ---

    async def _plan_gone(self, people: Intake, groups: Intake) -> None:
        for some in batched(people.unseen(), _TOGETHER):
            stored = await self._store.get_many(USER_TYPE.collection, [link.resource for link in some])
            for link in some:
                record = stored.get(link.resource)
                if record is None:
                    self.plan.stale.append(link)
                elif link.resource not in self._contests.retired and (
                    change := gone(link, record.document, self._source.name)
                ):
                    self.plan.changes.append(change)
            self.plan.changes.put_away()
        if self._source.groups.enabled:
            await self._plan_gone_groups(list(groups.unseen()))

    async def _plan_purges(self, people: Intake) -> None:
        if not self._source.purge_after:
            return
        until = to_text(self._now - timedelta(days=self._source.purge_after))
        # Only whom this very read has looked for and not found.
        due = (link for link in people.unseen() if link.gone and link.gone <= until)
        due = (link for link in due if link.resource not in self._contests.retired)
        for some in batched(due, _TOGETHER):
            stored = await self._store.get_many(USER_TYPE.collection, [link.resource for link in some])
            for link in some:
                record = stored.get(link.resource)
                if record is not None and (change := purge(link, record.document, self._source.name)):
                    self.plan.changes.append(change)
            self.plan.changes.put_away()

    async def _plan_gone_groups(self, links: Sequence[Link]) -> None:
        stored = await self._store.get_many(GROUP_TYPE.collection, [link.resource for link in links]) if links else {}
        for link in links:
            record = stored.get(link.resource)
            if record is None:
                self.plan.stale.append(link)
                continue
            name, reason = record.document["displayName"], f"gone from directory {self._source.name}"
            self.plan.changes.append(Change(Kind.REMOVE, GROUP, name, link.dn, link.resource, reason=reason, link=link))


def _spare(spared: Change, change: Change) -> Change:
    return spared_conflict(change) if change.resource == spared.resource else change


async def _mapped(reading: Reading, work: Callable[[Sequence[Entry]], Mapped]) -> AsyncIterator[Mapped]:
    """Yield the mapped batches of a reading; reading and mapping happen in threads."""

    def batches() -> Generator[Mapped, None, None]:
        with closing(reading.batches()) as entries:
            for batch in entries:
                yield work(batch)

    async with aclosing(pump(batches(), reading.interrupt)) as pumped:
        async for mapped in pumped:
            yield mapped
