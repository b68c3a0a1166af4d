"""The manager of a person: a reference to an account, whose name is shown and never stored (RFC 7643 section 4.3)."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from idp.access import Actor, ActorKind
from idp.audit import Tag, event
from idp.clock import Clock, to_text
from idp.directory.documents import stamped, with_schemas
from idp.directory.model import Document
from idp.errors import InvalidValue
from idp.query import Compare, Op
from idp.schema import USER, ResourceType
from idp.schema.urns import ENTERPRISE_USER
from idp.store.contract import Check, Record, Replace, Store, Write
from idp.store.pages import every

MANAGER: Final = f"{ENTERPRISE_USER}:manager"
REFERENCE: Final = USER.resolve(f"{MANAGER}.value").field
# Reports read at once; a commit holds all of them anyway.
_NOTHING: Final[Mapping[str, Any]] = {}


def manager_of(document: Mapping[str, Any]) -> str | None:
    """Return the id by which a person's document names the manager."""
    manager: str | None = document.get(ENTERPRISE_USER, _NOTHING).get("manager", _NOTHING).get("value")
    return manager


class Managers:
    """Sees to it that references to managers lead somewhere.

    Clients send people and their managers in any order, and some send names in place of ids: an unknown manager is kept
    as it was sent, unless `refuse_unknown` says otherwise. What the system itself writes, such as the run of a
    directory, is kept always: it makes the managers later.
    """

    def __init__(self, store: Store, kind: ResourceType, clock: Clock, *, refuse_unknown: bool) -> None:
        self._store = store
        self._kind = kind
        self._clock = clock
        self._refuses = refuse_unknown

    async def known(self, actor: Actor, changes: Iterable[tuple[Record | None, Document | None]]) -> set[str]:
        """Return which of the new managers in documents before and after are there, in one read."""
        new = {manager for before, after in changes if (manager := self._to_check(actor, before, after))}
        return set(await self._store.get_many(USER.collection, sorted(new))) if new else set()

    async def checks(
        self, actor: Actor, before: Record | None, after: Document | None, beside: Collection[str]
    ) -> list[Write]:
        """Return the checks, to be made last in the commit, that a new manager is there.

        Of the people `beside` it is known, or the same commit makes them. Raises InvalidValue for a manager who is
        nobody.
        """
        manager = self._to_check(actor, before, after)
        if manager is None:
            return []
        if manager not in beside and await self._store.get(USER.collection, manager) is None:
            raise InvalidValue(MANAGER, f"nobody has the id {manager[:200]!r}")
        return [Check(USER.collection, manager)]

    async def released(self, actor: Actor, manager: str) -> list[Write]:
        """Return the writes by which everybody who reports to the manager no longer does."""
        now, writes = to_text(self._clock.now()), list[Write]()
        async for record in every(self._store, USER.collection, Compare(REFERENCE, Op.EQ, manager)):
            if record.id == manager:
                continue
            details = {"userName": record.document["userName"], "fields": [ENTERPRISE_USER], "manager": "deleted"}
            writes.append(Replace(USER.collection, stamped(self._without(record.document), now), record.version))
            writes.append(event(Tag.DIRECTORY_USER_UPDATED, actor, record.id, self._clock, details))
        return writes

    def _to_check(self, actor: Actor, before: Record | None, after: Document | None) -> str | None:
        """Return the manager in a document if it is a new one who has to be there."""
        manager = manager_of(after) if after else None
        if manager is None or not self._refuses or actor.kind is ActorKind.SYSTEM:
            return None
        is_old = before is not None and manager in (before.id, manager_of(before.document))
        return None if is_old else manager

    def _without(self, document: Document) -> Document:
        """Return the document without a manager; an extension that held nothing else goes with it."""
        rest = {key: value for key, value in document[ENTERPRISE_USER].items() if key != "manager"}
        others = {key: value for key, value in document.items() if key != ENTERPRISE_USER}
        return with_schemas(self._kind, {**others, ENTERPRISE_USER: rest} if rest else others)
