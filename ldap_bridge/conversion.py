"""Hands people over: from a directory to this store, whose password they set then, or from here to a directory."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from idp.access import Actor, ActorKind, Area, Verb, demand
from idp.audit import Tag, event
from idp.auth import Passwords, passwords_ended
from idp.clock import Clock
from idp.directory import Resource, Users, UserUpdate, as_it_is
from idp.directory.ownership import source_of
from idp.errors import CallerError, NotFound, RemoteError
from idp.query import Compare, Op, fold
from idp.schema import USER as USER_TYPE
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Store, Write
from idp.store.pages import every
from ldap_bridge.directories import open_directory
from ldap_bridge.entries import Entry
from ldap_bridge.errors import DirectoryError
from ldap_bridge.following import MOST_RETRIED, ask_again
from ldap_bridge.last_root import INSTEAD, LAST_OWN_ROOT, is_last_own_root
from ldap_bridge.links import Link, Links
from ldap_bridge.mapping import Found, Mapper
from ldap_bridge.parts import parts
from ldap_bridge.plan import USER
from ldap_bridge.service import LdapService
from ldap_bridge.settings import INTERNAL, Source

LOCAL: Final = "local"
_SOURCE: Final = USER_TYPE.resolve(f"{GATEHOUSE_USER}:source").field
_TOGETHER: Final = 500


@dataclass(frozen=True, slots=True)
class Converted:
    """What becomes, or would become, of one person. With a problem nothing does; `mailed` says that a link is sent."""

    id: str
    user_name: str
    old: str
    new: str
    dn: str = ""
    mailed: bool = False
    problem: str = ""


Judge = Callable[[Resource], Converted]
"""Returns what becomes of somebody."""


@dataclass(frozen=True, slots=True)
class _Person:
    """An entry of a directory, for whoever is to be linked with it."""

    entry: Entry
    found: Found


class Conversion:
    """Converts people one by one: each with everything that belongs to it in one commit, and nobody stops another.

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

    async def preview(self, by: Actor, people: Sequence[str], to: str, *, force: bool = False) -> list[Converted]:
        """Return what would become of the people of these ids; change nothing."""
        return await self._all(by, people, to, carry_out=False, force=force)

    async def convert(self, by: Actor, people: Sequence[str], to: str, *, force: bool = False) -> list[Converted]:
        """Convert the people of these ids to "internal" or to the source of a name; returns what became of each.

        The last root who belongs to no directory is handed to one by `force` only.
        """
        return await self._all(by, people, to, carry_out=True, force=force)

    async def people_of(self, by: Actor, source: str) -> list[str]:
        """Return the ids of everybody from a source, or from "internal"."""
        demand(by, Verb.READ, Area.DIRECTORIES)
        wanted = Compare(_SOURCE, Op.EQ, LOCAL if source == INTERNAL else f"ldap:{source}")
        found = [person.id async for person in every(self._store, USER_TYPE.collection, wanted)]
        # Of a directory that is not configured any more there may still be people.
        if not found and source != INTERNAL:
            self._source(source)
        return found

    async def _all(self, by: Actor, people: Sequence[str], to: str, *, carry_out: bool, force: bool) -> list[Converted]:
        demand(by, Verb.UPDATE if carry_out else Verb.READ, Area.DIRECTORIES)
        if to == INTERNAL:
            return await self._to_internal(by, people, carry_out=carry_out)
        return await self._to_directory(by, people, self._source(to), carry_out=carry_out, force=force)

    async def _look(self, by: Actor, person: str, judge: Judge, new: str) -> tuple[Resource | None, Converted]:
        """Return a person as she is now, and what becomes of her; somebody may be gone who was named before."""
        try:
            user = await self._users.get(by, person)
        except NotFound as error:
            return None, Converted(person, "", "", new, problem=str(error))
        return user, judge(user)

    # --- to this store ---

    async def _to_internal(self, by: Actor, people: Sequence[str], *, carry_out: bool) -> list[Converted]:
        planned = [(await self._look(by, person, self._as_internal, LOCAL))[1] for person in people]
        if not carry_out:
            return planned
        sources = sorted({plan.old.removeprefix("ldap:") for plan in planned if not plan.problem})
        async with AsyncExitStack() as held:
            for source in sources:
                await held.enter_async_context(self._service.turn_of(source))
            done, left = [], defaultdict[str, list[str]](list)
            for plan in planned:
                became, link = (plan, None) if plan.problem else await self._internalised(by, plan)
                done.append(became)
                if link is not None and not became.problem:
                    left[became.old.removeprefix("ldap:")].append(link.stable)
            for source, stables in left.items():
                # Whose entry is still there has a conflict now, of which no feed tells; of very many full compares do.
                await ask_again(self._store, source, USER, stables[:MOST_RETRIED])
            return done

    def _as_internal(self, user: Resource) -> Converted:
        done = Converted(user.id, str(user.document["userName"]), source_of(user.document), LOCAL)
        if not done.old.startswith("ldap:"):
            return replace(done, problem="comes from no directory")
        if user.document["active"] and not self._passwords.moved_link(user):
            return replace(done, problem="has no address to send a link to")
        return replace(done, mailed=bool(user.document["active"]))

    async def _internalised(self, by: Actor, plan: Converted) -> tuple[Converted, Link | None]:
        """Convert one person; with what became of her, the link that she had."""
        user, done = await self._look(by, plan.id, self._as_internal, LOCAL)
        if user is None or done.problem:
            return done, None
        if done.old != plan.old:
            return replace(done, mailed=False, problem=f"comes from {done.old} by now"), None
        links = Links(self._store, done.old.removeprefix("ldap:"))
        link = await links.of_resource(user.id)
        letter = self._passwords.moved_link(user) if done.mailed else ()
        return await self._written(by, user, done, [*([links.removal(link)] if link else []), *letter]), link

    # --- to a directory ---

    async def _to_directory(
        self, by: Actor, people: Sequence[str], source: Source, *, carry_out: bool, force: bool
    ) -> list[Converted]:
        there = await asyncio.to_thread(self._people_there, source, await self._logins(people))
        taken = await self._taken(source, [person.found.stable for person in there.values()])
        judge = partial(_to_source, source=source, there=there, taken=taken)

        async def look(person: str) -> tuple[Resource | None, Converted]:
            user, plan = await self._look(by, person, judge, source.key)
            return user, plan if force or user is None else await self._spared(user, plan)

        if not carry_out:
            return [(await look(person))[1] for person in people]
        done, come = [], dict[str, Entry]()
        async with self._service.turn_of(source.name):
            for id_ in people:
                user, plan = await look(id_)
                if user is not None and not plan.problem:
                    person = there[fold(plan.user_name)]
                    plan = await self._linked(by, user, plan, person.found, source)
                    come |= {} if plan.problem else {person.found.stable: person.entry}
                done.append(plan)
        if come and source.server is not None:
            actor = Actor(ActorKind.SYSTEM, source.key, f"{source.key} conversion")
            # They are converted; what this cannot bring in step the next full compare does, as for files.
            with suppress(RemoteError):
                await self._service.bring_in(actor, source.name, come)
        return done

    async def _spared(self, user: Resource, plan: Converted) -> Converted:
        """Return what becomes of somebody, which is nothing for the last root whom no directory can switch off."""
        if plan.problem or not await is_last_own_root(self._store, user.document):
            return plan
        return replace(plan, problem=f"is {LAST_OWN_ROOT} whom this one could switch off; {INSTEAD}")

    async def _linked(self, by: Actor, user: Resource, plan: Converted, found: Found, source: Source) -> Converted:
        # Without a digest the entry counts as changed, so that what is mapped is brought in step.
        link = Link(0, USER, found.stable, user.id, found.dn, "", found.active)
        return await self._written(by, user, plan, [Links(self._store, source.name).write(link)])

    async def _logins(self, people: Sequence[str]) -> set[str]:
        """Return the logins of those who are there, as they compare."""
        logins: set[str] = set()
        for some in parts(people, _TOGETHER):
            found = await self._store.get_many(USER_TYPE.collection, some)
            logins |= {fold(str(record.document["userName"])) for record in found.values()}
        return logins

    def _people_there(self, source: Source, wanted: Set[str]) -> dict[str, _Person]:
        """Blocking: read who of these logins is there; a login of several is nobody's."""
        mapper, found = Mapper(source), dict[str, list[_Person]]()
        reading = open_directory(source).read(mapper.people_selection)
        with closing(reading.batches()) as batches:
            for batch in batches:
                for entry in batch:
                    for person in mapper.people(self._clock.now(), [entry]).found:
                        if (login := fold(person.name)) in wanted:
                            found.setdefault(login, []).append(_Person(entry, person))
        if not reading.outcome.complete:
            raise DirectoryError(source.name, reading.outcome.reason)
        return {login: people[0] for login, people in found.items() if len(people) == 1}

    async def _taken(self, source: Source, stables: Sequence[str]) -> dict[str, str]:
        return {link.stable: link.resource for link in await Links(self._store, source.name).of_stables(USER, stables)}

    # --- both ---

    async def _written(self, by: Actor, user: Resource, done: Converted, extra: Sequence[Write]) -> Converted:
        details = {"userName": done.user_name, "from": done.old, "to": done.new}
        told = event(Tag.DIRECTORY_USER_CONVERTED, by, user.id, self._clock, details)
        writes = [*passwords_ended(user.id), *extra, told]
        update = UserUpdate(
            user.id, as_it_is, expected_version=user.version, extra=writes, shares=True, source=done.new
        )
        (outcome,) = await self._users.write_many(by, [update])
        return replace(done, problem=str(outcome), mailed=False) if isinstance(outcome, CallerError) else done

    def _source(self, name: str) -> Source:
        if name not in self._service.sources:
            raise NotFound("directory", name)
        return self._service.sources[name]


def _to_source(user: Resource, source: Source, there: Mapping[str, _Person], taken: Mapping[str, str]) -> Converted:
    """Return what becomes of one person: linked with the entry of the same login, if that is nobody else's."""
    name, old = str(user.document["userName"]), source_of(user.document)
    done = Converted(user.id, name, old, source.key)
    if old.startswith("ldap:"):
        problem = f"comes from {old}; convert to {INTERNAL} first" if old != source.key else f"comes from {old} already"
        return replace(done, problem=problem)
    person = there.get(fold(name))
    if person is None:
        return replace(done, problem=f"no single person of {source.name} is called that")
    done = replace(done, dn=person.found.dn)
    if taken.get(person.found.stable, user.id) != user.id:
        return replace(done, problem="the entry belongs to another account")
    return done
