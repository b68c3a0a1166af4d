"""What can be done about conflicts of people with accounts that are here."""

from collections.abc import Callable
from typing import Final

from idp.access import Actor
from idp.auth import passwords_ended
from idp.directory import Resource, Users, UserUpdate, as_it_is
from idp.directory.ownership import source_of
from idp.errors import CallerError, InvalidValue, NotFound
from idp.query import fold
from idp.schema import USER as USER_TYPE
from idp.store.contract import Store
from ldap_bridge.conflicts import Choice, Conflict, Conflicts
from ldap_bridge.last_root import INSTEAD, LAST_OWN_ROOT, is_last_own_root
from ldap_bridge.links import Link, Links
from ldap_bridge.plan import USER
from ldap_bridge.rules import Document
from ldap_bridge.settings import Source

_MOST_NAMES: Final = 100


class PeopleWays:
    """The `Ways` of people."""

    def __init__(self, store: Store, users: Users, conflicts: Conflicts, source: Callable[[str], Source]) -> None:
        self._store = store
        self._users = users
        self._conflicts = conflicts
        self._source = source

    async def link(self, actor: Actor, conflict: Conflict, *, force: bool) -> None:
        """Let the account be the person's: it keeps its id, rights and second factors; the password kept here goes."""
        holder, links = await self._holder(conflict), Links(self._store, conflict.source)
        if await links.of_stables(USER, [conflict.stable]):
            raise InvalidValue("choice", f"{conflict.login!r} has an account already, which cannot become another one")
        before = await links.of_resource(holder.id)
        source = source_of(holder.document)
        if source.startswith("ldap:") and (before is None or not before.gone):
            raise InvalidValue("choice", f"{_name(holder)!r} belongs to {source}, where the person is still there")
        await self._spare(holder, "would belong to the directory, which could switch it off", force=force)
        # Without a digest the next run compares everything.
        link = Link(0, USER, conflict.stable, holder.id, conflict.dn, digest="")
        if before is not None:
            link.gone, link.restore = before.gone, before.restore
        extra = [links.write(link), *([links.removal(before)] if before else [])]
        extra += [*passwords_ended(holder.id), *self._conflicts.decided(actor, conflict, Choice.LINK)]
        key = self._source(conflict.source).key
        (outcome,) = await self._users.write_many(actor, [UserUpdate(holder.id, as_it_is, extra=extra, source=key)])
        if isinstance(outcome, CallerError):
            raise outcome

    async def take_over(self, actor: Actor, conflict: Conflict, name: str, *, force: bool) -> None:
        """Take login or address from the account."""
        holder = await self._holder(conflict)
        source = source_of(holder.document)
        if source.startswith("ldap:"):
            raise InvalidValue("choice", f"{_name(holder)!r} belongs to {source}, whose next change would undo it")
        if conflict.about == "mail":
            change = _without_address(conflict.value)
        else:
            await self._spare(holder, "would have another login", force=force)
            change = _called(name or await self._free_name(conflict.login, source))
        extra = self._conflicts.decided(actor, conflict, Choice.TAKE_OVER)
        await self._users.update(actor, holder.id, change, reason=f"for {conflict.source}", extra=extra)

    async def check_name(self, name: str) -> None:
        """Refuse a login that is none, or that somebody has."""
        try:
            self._users.check_name(name)
        except InvalidValue as error:
            raise InvalidValue("name", error.reason) from error
        if await self._is_taken(name) or await self._store.get(USER_TYPE.collection, name):
            raise InvalidValue("name", f"{name!r} is taken")

    async def holders(self, ids: list[str]) -> dict[str, tuple[str, str]]:
        """Return login and source of these accounts."""
        records = await self._store.get_many(USER_TYPE.collection, ids) if ids else {}
        return {one.id: (str(one.document["userName"]), source_of(one.document)) for one in records.values()}

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

    async def _spare(self, holder: Resource, what: str, *, force: bool) -> None:
        """Refuse, unless forced, to touch the last root whom no directory can switch off."""
        if not force and await is_last_own_root(self._store, holder.document):
            raise InvalidValue("choice", f"{_name(holder)!r} is {LAST_OWN_ROOT} and {what}; {INSTEAD}")

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


def _called(name: str) -> Callable[[Document], Document]:
    return lambda document: {**document, "userName": name}


def _without_address(address: str) -> Callable[[Document], Document]:
    def change(document: Document) -> Document:
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
