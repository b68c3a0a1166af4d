"""Hands people over: from a directory to this store, whose password they set then, or to a directory."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import replace
from functools import partial
from typing import Final

from idp.access import Actor, ActorKind, Area, Verb, demand
from idp.audit import Tag, event
from idp.auth import Passwords, passwords_ended
from idp.clock import Clock
from idp.directory import Resource, Users, UserUpdate, as_it_is, manager_of
from idp.directory.ownership import source_of
from idp.errors import CallerError, NotFound, RemoteError
from idp.query import Compare, Op, fold
from idp.schema import USER as USER_TYPE
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Store, Write
from idp.store.pages import every
from ldap_bridge.directories import open_directory
from ldap_bridge.errors import DirectoryError
from ldap_bridge.following import ask_again
from ldap_bridge.handing_over import Converted, Judge, Look, Person, roots_apart, sources_left, still, to_source
from ldap_bridge.last_root import INSTEAD, LAST_OWN_ROOT, is_last_own_root
from ldap_bridge.links import Link, Links
from ldap_bridge.mapping import Mapper
from ldap_bridge.parts import parts
from ldap_bridge.plan import USER
from ldap_bridge.progress import Meter, Watcher, unwatched
from ldap_bridge.service import LdapService
from ldap_bridge.settings import INTERNAL, Source

LOCAL: Final = "local"
_SOURCE: Final = USER_TYPE.resolve(f"{GATEHOUSE_USER}:source").field
# Each person comes with half a dozen writes: enough that the disk's share of a commit is small.
_TOGETHER: Final = 100


class Conversion:
    """Converts people, some in a commit: each with everything that belongs to it, and nobody stops another.

    Id, rights, groups and second factors stay. Methods raise NotFound for a source that is not configured,
    PermissionDenied, DirectoryError, and Overloaded during a run.
    """

    def __init__(
        self,
        store: Store,
        users: Users,
        passwords: Passwords,
        service: LdapService,
        clock: Clock,
    ) -> None:
        self._store = store
        self._users = users
        self._passwords = passwords
        self._service = service
        self._clock = clock

    async def preview(
        self, by: Actor, people: Sequence[str], to: str, progress: Watcher = unwatched, *, force: bool = False
    ) -> list[Converted]:
        """Return what would become of the people of these ids; change nothing."""
        return await self._all(by, people, to, progress, carry_out=False, force=force)

    async def convert(
        self, by: Actor, people: Sequence[str], to: str, progress: Watcher = unwatched, *, force: bool = False
    ) -> list[Converted]:
        """Convert the people of these ids to "internal" or to the source of a name; returns what became of each.

        The last root who belongs to no directory is handed to one by `force` only.
        """
        return await self._all(by, people, to, progress, carry_out=True, force=force)

    async def people_of(self, by: Actor, source: str) -> list[str]:
        """Return the ids of everybody from a source, or from "internal"."""
        demand(by, Verb.READ, Area.DIRECTORIES)
        wanted = Compare(_SOURCE, Op.EQ, LOCAL if source == INTERNAL else f"ldap:{source}")
        found = [person.id async for person in every(self._store, USER_TYPE.collection, wanted)]
        # Of a directory that is not configured any more there may still be people.
        if not found and source != INTERNAL:
            self._source(source)
        return found

    async def _all(
        self, by: Actor, people: Sequence[str], to: str, progress: Watcher, *, carry_out: bool, force: bool
    ) -> list[Converted]:
        demand(by, Verb.UPDATE if carry_out else Verb.READ, Area.DIRECTORIES)
        people = [*dict.fromkeys(people)]
        if to == INTERNAL:
            return await self._to_internal(by, people, progress, carry_out=carry_out)
        return await self._to_directory(by, people, self._source(to), progress, carry_out=carry_out, force=force)

    async def _looks(
        self, by: Actor, people: Sequence[str], judge: Judge, new: str, meter: Meter
    ) -> AsyncIterator[list[Look]]:
        """Yield people as they are now, some at a time, each with what becomes of her; somebody may be gone by now."""
        demand(by, Verb.READ, Area.USERS)
        for some in parts(people, _TOGETHER):
            records = await self._store.get_many(USER_TYPE.collection, some)
            found = {id_: Resource.of(record) for id_, record in records.items()}
            looks = list[Look]()
            for id_ in some:
                user = found.get(id_)
                nobody = Converted(id_, "", "", new, problem=str(NotFound("User", id_)))
                looks.append((user, judge(user) if user else nobody))
            yield looks
            meter.add(len(some))

    # --- to this store ---

    async def _to_internal(
        self, by: Actor, people: Sequence[str], progress: Watcher, *, carry_out: bool
    ) -> list[Converted]:
        first = await self._first(by, people, self._as_internal, LOCAL, progress)
        if not carry_out:
            return [*first.values()]
        done = list[Converted]()
        async with self._turns(sources_left(first.values())):
            meter = Meter(progress, "converting people", len(people))
            async for looks in self._looks(by, people, self._as_internal, LOCAL, meter):
                done += await self._internalised(by, [(user, still(first[plan.id], plan)) for user, plan in looks])
        return done

    def _as_internal(self, user: Resource) -> Converted:
        done = Converted(user.id, str(user.document["userName"]), source_of(user.document), LOCAL)
        if not done.old.startswith("ldap:"):
            return replace(done, problem="comes from no directory")
        if user.document["active"] and not self._passwords.moved_link(user):
            return replace(done, problem="has no address to send a link to")
        return replace(done, mailed=bool(user.document["active"]))

    async def _internalised(self, by: Actor, looks: Sequence[Look]) -> list[Converted]:
        """Convert people, each whole or not at all."""
        extra = await self._unlinked([plan for _, plan in looks])
        for user, plan in looks:
            if user is not None and plan.mailed and not plan.problem:
                extra[user.id] += self._passwords.moved_link(user)
        return await self._written(by, looks, extra)

    # --- to a directory ---

    async def _to_directory(
        self, by: Actor, people: Sequence[str], source: Source, progress: Watcher, *, carry_out: bool, force: bool
    ) -> list[Converted]:
        reading = Meter(progress, "reading people")
        there = await asyncio.to_thread(self._people_there, source, await self._logins(people), reading)
        taken = await self._taken(source, [person.found.stable for person in there.values()])
        judge = partial(to_source, source=source, there=there, taken=taken)
        first, done = await self._first(by, people, judge, source.key, progress), dict[str, Converted]()
        sources = sources_left(first.values()) | {source.name} if carry_out else ()
        meter = Meter(progress, "converting people" if carry_out else "checking people", len(people))
        async with self._turns(sources):
            async for looks in self._looks(by, people, judge, source.key, meter):
                for some in roots_apart([(user, still(first[plan.id], plan)) for user, plan in looks]):
                    due = some if force else [(user, await self._spared(user, plan)) for user, plan in some]
                    became = await self._linked(by, due, there, source) if carry_out else [plan for _, plan in due]
                    done |= {plan.id: plan for plan in became}
        if carry_out and source.server is not None:
            await self._bring_in_step(source, [plan for plan in done.values() if not plan.problem], there)
        return [done[id_] for id_ in people]

    async def _bring_in_step(self, source: Source, done: Sequence[Converted], there: Mapping[str, Person]) -> None:
        if done:
            persons = [there[fold(plan.user_name)] for plan in done]
            come = {person.found.stable: person.entry for person in persons}
            actor = Actor(ActorKind.SYSTEM, source.key, f"{source.key} conversion")
            # They are converted; the next run looks at them again, as at all whom the one before could not bring in.
            with suppress(RemoteError):
                await self._service.bring_in(actor, source.name, come)

    async def _spared(self, user: Resource | None, plan: Converted) -> Converted:
        """Return what becomes of somebody, which is nothing for the last root whom no directory can switch off."""
        if user is None or plan.problem or not await is_last_own_root(self._store, user.document):
            return plan
        return replace(plan, problem=f"is {LAST_OWN_ROOT} whom this one could switch off; {INSTEAD}")

    async def _linked(
        self, by: Actor, looks: Sequence[Look], there: Mapping[str, Person], source: Source
    ) -> list[Converted]:
        links, extra = Links(self._store, source.name), await self._unlinked([plan for _, plan in looks])
        for user, plan in looks:
            if user is not None and not plan.problem:
                found, manager = there[fold(plan.user_name)].found, manager_of(user.document) or ""
                # Without a digest the entry counts as changed, so that what is mapped is brought in step.
                link = Link(0, USER, found.stable, user.id, found.dn, "", found.active, manager=manager)
                extra[user.id].append(links.write(link))
        return await self._written(by, looks, extra)

    async def _logins(self, people: Sequence[str]) -> set[str]:
        """Return the logins of those who are there, as they compare."""
        logins: set[str] = set()
        for some in parts(people, _TOGETHER):
            found = await self._store.get_many(USER_TYPE.collection, some)
            logins |= {fold(str(record.document["userName"])) for record in found.values()}
        return logins

    def _people_there(self, source: Source, wanted: Set[str], meter: Meter) -> dict[str, Person]:
        """Blocking: read who of these logins is there; a login of several is nobody's."""
        mapper, found = Mapper(source), dict[str, list[Person]]()
        reading = open_directory(source).read(mapper.people_selection)
        with closing(reading.batches()) as batches:
            for batch in batches:
                for entry in batch:
                    for person in mapper.people(self._clock.now(), [entry]).found:
                        if (login := fold(person.name)) in wanted:
                            found.setdefault(login, []).append(Person(entry, person))
                meter.add(len(batch))
        if not reading.outcome.complete:
            raise DirectoryError(source.name, reading.outcome.reason)
        return {login: people[0] for login, people in found.items() if len(people) == 1}

    async def _taken(self, source: Source, stables: Sequence[str]) -> dict[str, str]:
        return {link.stable: link.resource for link in await Links(self._store, source.name).of_stables(USER, stables)}

    # --- both ---

    async def _first(
        self, by: Actor, people: Sequence[str], judge: Judge, new: str, progress: Watcher
    ) -> dict[str, Converted]:
        """Return what would become of people before anybody's turn, by their ids."""
        meter = Meter(progress, "looking at people", len(people))
        return {plan.id: plan async for looks in self._looks(by, people, judge, new, meter) for _, plan in looks}

    @asynccontextmanager
    async def _turns(self, sources: Iterable[str]) -> AsyncIterator[None]:
        """Keep runs of several sources from beginning for the body."""
        async with AsyncExitStack() as held:
            for source in sorted(sources):
                await held.enter_async_context(self._service.turn_of(source))
            yield

    async def _unlinked(self, plans: Sequence[Converted]) -> defaultdict[str, list[Write]]:
        """Return the writes that take people's links with the directories they leave away, by their ids."""
        extra = defaultdict[str, list[Write]](list)
        for source in sources_left(plans):
            links = Links(self._store, source)
            ours = [plan.id for plan in plans if plan.old == f"ldap:{source}" and not plan.problem]
            theirs = await links.of_resources(ours)
            # Whose entry is still there has a conflict now, of which no feed tells.
            await ask_again(self._store, source, USER, [link.stable for link in theirs])
            for link in theirs:
                extra[link.resource].append(links.removal(link))
        return extra

    async def _written(
        self,
        by: Actor,
        looks: Sequence[Look],
        extra: Mapping[str, Sequence[Write]],
    ) -> list[Converted]:
        """Write what becomes of people, each with what else belongs to it; return what has become of all of them."""
        updates = [
            self._update(by, user, plan, extra.get(user.id, ()))
            for user, plan in looks
            if user is not None and not plan.problem
        ]
        outcomes = await self._users.write_many(by, updates)
        wrong = {
            update.id: str(outcome)
            for update, outcome in zip(updates, outcomes, strict=True)
            if isinstance(outcome, CallerError)
        }
        return [replace(plan, problem=wrong[plan.id], mailed=False) if plan.id in wrong else plan for _, plan in looks]

    def _update(self, by: Actor, user: Resource, done: Converted, extra: Sequence[Write]) -> UserUpdate:
        details = {"userName": done.user_name, "from": done.old, "to": done.new}
        told = event(Tag.DIRECTORY_USER_CONVERTED, by, user.id, self._clock, details)
        writes = [*passwords_ended(user.id), *extra, told]
        return UserUpdate(user.id, as_it_is, expected_version=user.version, extra=writes, shares=True, source=done.new)

    def _source(self, name: str) -> Source:
        if name not in self._service.sources:
            raise NotFound("directory", name)
        return self._service.sources[name]
