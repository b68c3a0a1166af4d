"""Deciding about conflicts: an entry wants what another account has, and somebody says what is to become of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from idp.access import Actor, Area, Verb, demand
from idp.audit import Tag, event
from idp.auth import passwords_ended
from idp.clock import Clock, to_text
from idp.directory import Resource, Users, UserUpdate
from idp.directory.ownership import source_of
from idp.errors import CallerError, InvalidValue, NotFound
from idp.query import fold
from idp.schema import USER as USER_TYPE
from idp.store.contract import Store, Write
from ldap_bridge.conflicts import Choice, Conflict, Conflicts
from ldap_bridge.following import ask_again
from ldap_bridge.links import Link, Links
from ldap_bridge.plan import USER
from ldap_bridge.running import Running

_MOST_NAMES: Final = 100
_NAMED: Final = (Choice.RENAME, Choice.TAKE_OVER)


@dataclass(frozen=True, slots=True)
class Dispute:
    """A conflict as it is shown: with what the account that is in the way is called now, and where it comes from."""

    conflict: Conflict
    holder_name: str
    holder_source: str


class Resolving:
    """The list of conflicts, and decisions about them. Every method raises PermissionDenied first."""

    def __init__(self, store: Store, users: Users, clock: Clock, running: Running) -> None:
        self._store = store
        self._users = users
        self._clock = clock
        self._running = running
        self._conflicts = Conflicts(store, clock)
        self._ways: Mapping[Choice, Callable[[Actor, Conflict, str], Awaitable[None]]] = {
            Choice.LINK: self._link,
            Choice.RENAME: self._rename,
            Choice.SKIP: self._skip,
            Choice.TAKE_OVER: self._take_over,
            Choice.UNDO: self._undo,
        }

    async def conflicts(self, actor: Actor, source: str = "") -> list[Dispute]:
        """Return the conflicts of a source, or of all, with those that were decided upon and still hold.

        Raises NotFound for a source that is not configured.
        """
        demand(actor, Verb.READ, Area.DIRECTORIES)
        if source:
            self._running.source(source)
        found = [one async for one in self._conflicts.all(source)]
        return [
            dispute for some in range(0, len(found), 500) for dispute in await self._shown(found[some : some + 500])
        ]

    async def resolve(self, actor: Actor, conflict: str, choice: Choice, name: str = "") -> Conflict:
        """Decide about a conflict; the next run carries out what has not happened with the decision itself.

        - `link`: the account is the person's: it keeps its id, rights and second factors, and is the directory's now
        - `rename`: the person gets an account of her own under the login `name` (may be left out for a shared address)
        - `skip`: the person gets no account
        - `take-over`: the other account gives up the login, for `name` or a name made of it, or the address
        - `undo`: as if nothing had been decided

        Raises NotFound, InvalidValue for a choice that does not fit the conflict, Overloaded while a run is under way,
        and what changing the other account raises.
        """
        demand(actor, Verb.UPDATE, Area.DIRECTORIES)
        found = await self._conflicts.get(conflict)
        async with self._running.alone(self._running.new(found.source, actor)):
            found = await self._conflicts.get(conflict)
            if name and choice not in _NAMED:
                raise InvalidValue("name", f"says nothing with {choice}")
            await self._ways[choice](actor, found, name)
            await ask_again(self._store, found.source, USER, found.stable)
        return await self._conflicts.get(conflict)

    # --- one way each ---

    async def _link(self, actor: Actor, conflict: Conflict, name: str) -> None:
        holder, links = await self._holder(conflict), Links(self._store, conflict.source)
        if await links.of_stables(USER, [conflict.stable]):
            raise InvalidValue("choice", f"{conflict.login!r} has an account already, which cannot become another one")
        before = await links.of_resource(holder.id)
        source = source_of(holder.document)
        if source.startswith("ldap:") and (before is None or not before.gone):
            raise InvalidValue("choice", f"{_name(holder)!r} belongs to {source}, where the person is still there")
        # Without a digest the next run compares everything.
        link = Link(0, USER, conflict.stable, holder.id, conflict.dn, digest="")
        if before is not None:
            link.gone, link.restore = before.gone, before.restore
        extra = [links.write(link), *([links.removal(before)] if before else [])]
        extra += [*passwords_ended(holder.id), *self._decided(actor, conflict, Choice.LINK)]
        key = self._running.source(conflict.source).key
        (outcome,) = await self._users.write_many(actor, [UserUpdate(holder.id, _as_it_is, extra=extra, source=key)])
        if isinstance(outcome, CallerError):
            raise outcome

    async def _rename(self, actor: Actor, conflict: Conflict, name: str) -> None:
        if not name and conflict.about == "login":
            raise InvalidValue("name", "is missing: the login that the person is to have here")
        if name:
            await self._check_new(conflict, name)
        await self._store.commit(self._decided(actor, conflict, Choice.RENAME, name))

    async def _skip(self, actor: Actor, conflict: Conflict, name: str) -> None:
        await self._store.commit(self._decided(actor, conflict, Choice.SKIP))

    async def _take_over(self, actor: Actor, conflict: Conflict, name: str) -> None:
        holder = await self._holder(conflict)
        source = source_of(holder.document)
        if source.startswith("ldap:"):
            raise InvalidValue("choice", f"{_name(holder)!r} belongs to {source}, whose next change would undo it")
        if conflict.about == "mail":
            change = _without_address(conflict.value)
        else:
            change = _called(name or await self._free_name(conflict.login, source))
        extra = self._decided(actor, conflict, Choice.TAKE_OVER)
        await self._users.update(actor, holder.id, change, reason=f"for {conflict.source}", extra=extra)

    async def _undo(self, actor: Actor, conflict: Conflict, name: str) -> None:
        if conflict.choice not in (Choice.RENAME, Choice.SKIP):
            raise InvalidValue("choice", "only rename and skip can be taken back")
        links = Links(self._store, conflict.source)
        # Without a digest the next run looks at the entry again.
        looked_at = [links.write(replace(link, digest="")) for link in await links.of_stables(USER, [conflict.stable])]
        await self._store.commit([*looked_at, *self._decided(actor, conflict, Choice.UNDO)])

    # --- what they share ---

    def _decided(self, actor: Actor, conflict: Conflict, choice: Choice, name: str = "") -> list[Write]:
        """Return the writes that remember a decision and tell of it."""
        now = to_text(self._clock.now())
        undone = choice is Choice.UNDO
        kept = replace(
            conflict,
            choice="" if undone else choice.value,
            name=name,
            decided="" if undone else now,
            decided_by="" if undone else actor.name,
        )
        details = {"conflict": conflict.id, "choice": choice.value, "login": conflict.login, "dn": conflict.dn}
        details |= {"name": name} if name else {}
        target = conflict.holder or f"ldap:{conflict.source}"
        return [
            self._conflicts.write(kept),
            event(Tag.LDAP_CONFLICT_RESOLVED, actor, target, self._clock, details),
        ]

    async def _holder(self, conflict: Conflict) -> Resource:
        if not conflict.holder:
            raise InvalidValue("choice", "there is no other account yet: two entries have the same login")
        record = await self._store.get(USER_TYPE.collection, conflict.holder)
        if record is None:
            raise NotFound("User", conflict.holder)
        holder = Resource.of(record)
        if not _is_in_the_way(conflict, holder):
            raise InvalidValue("choice", f"{_name(holder)!r} is not in the way any more, which the next run will find")
        return holder

    async def _check_new(self, conflict: Conflict, name: str) -> None:
        """Refuse a login that is none, or that somebody has, or is to have by another decision."""
        try:
            self._users.check_name(name)
        except InvalidValue as error:
            raise InvalidValue("name", error.reason) from error
        decided = (await self._conflicts.decisions(conflict.source)).values()
        promised = any(fold(one.name) == fold(name) for one in decided if one.id != conflict.id)
        if promised or await self._is_taken(name) or await self._store.get(USER_TYPE.collection, name):
            raise InvalidValue("name", f"{name!r} is taken")

    async def _is_taken(self, name: str) -> bool:
        found = await self._users.by_login(name)
        return found is not None and fold(str(found.document["userName"])) == fold(name)

    async def _free_name(self, login: str, source: str) -> str:
        word = source.partition(":")[0] or "old"
        for number in range(1, _MOST_NAMES):
            name = f"{login}.{word}{number if number > 1 else ''}"
            if not await self._is_taken(name):
                return name
        raise InvalidValue("name", "is missing: every name that would do is taken")

    async def _shown(self, found: list[Conflict]) -> list[Dispute]:
        holders = {one.holder for one in found if one.holder}
        records = await self._store.get_many(USER_TYPE.collection, sorted(holders))
        shown = []
        for one in found:
            record = records.get(one.holder)
            name, source = (record.document["userName"], source_of(record.document)) if record else ("", "")
            shown.append(Dispute(one, str(name), source))
        return shown


def _as_it_is(document: dict[str, Any]) -> dict[str, Any]:
    return document


def _called(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: {**document, "userName": name}


def _without_address(address: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(document: dict[str, Any]) -> dict[str, Any]:
        kept = [mail for mail in document.get("emails", ()) if fold(str(mail.get("value", ""))) != fold(address)]
        return {**document, "emails": kept}

    return change


def _is_in_the_way(conflict: Conflict, holder: Resource) -> bool:
    """Tell whether an account still has what the entry wants; much may have happened since the run."""
    mails = [str(mail.get("value", "")) for mail in holder.document.get("emails", ())]
    values = mails if conflict.about == "mail" else [_name(holder)]
    return fold(conflict.value) in map(fold, values)


def _name(user: Resource) -> str:
    return str(user.document["userName"])
