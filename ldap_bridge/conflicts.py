"""Entries that want what somebody else has, and what was decided about each: the list, kept up to date."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

import msgspec

from idp.access import Actor
from idp.audit import Tag, event
from idp.clock import Clock, to_text
from idp.errors import NotFound
from idp.query import EVERYTHING, Compare, Field, Op
from idp.store.contract import Delete, Insert, Record, Replace, Store, Write
from idp.store.pages import every
from ldap_bridge.links import Links
from ldap_bridge.parts import parts
from ldap_bridge.plan import GROUP, USER, Change, Kind, Plan

COLLECTION: Final = "ldap_conflicts"
_SOURCE: Final = Field(("source",))
_TOGETHER: Final = 250


Commit = Callable[[Sequence[Write]], Awaitable[None]]


class Choice(StrEnum):
    """What can be done about a conflict. UNDO takes a decision back."""

    LINK = "link"
    RENAME = "rename"
    SKIP = "skip"
    TAKE_OVER = "take-over"
    UNDO = "undo"


@dataclass(slots=True)
class Conflict:
    """One entry of a source, a person or group by `kind`, that cannot be had because of another one, the `holder`.

    `about` is what both want ("login", "mail", or "name" of a group), and `value` which; or "root" where the directory
    would disable the last who can do everything. `login` is what the entry is called. `choice` is "" until somebody
    has decided; `name` is what the entry is to be called by a choice of another name. `holder` is "" where two entries
    of one read are called the same.
    """

    id: str
    source: str
    stable: str
    login: str
    dn: str
    about: str
    value: str
    holder: str
    reason: str
    since: str = ""
    choice: str = ""
    name: str = ""
    decided: str = ""
    decided_by: str = ""
    kind: str = USER
    version: int = 0


Decisions = Mapping[tuple[str, str], Conflict]
"""By kind and stable id, what was decided about people and groups of one source."""


class Conflicts:
    """Keeps the conflicts of all sources. Written by whoever holds the lease of the source."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def get(self, conflict: str) -> Conflict:
        """Return one of them. Raises NotFound."""
        record = await self._store.get(COLLECTION, conflict)
        if record is None:
            raise NotFound("conflict", conflict)
        return _conflict(record)

    async def of_entry(self, source: str, stable: str) -> Conflict | None:
        """Return the conflict of a person's entry, if there is one."""
        record = await self._store.get(COLLECTION, id_of(source, stable))
        return _conflict(record) if record else None

    async def all(self, source: str = "") -> AsyncIterator[Conflict]:
        """Yield the conflicts of a source, or of all."""
        wanted = Compare(_SOURCE, Op.EQ, source) if source else EVERYTHING
        async for record in every(self._store, COLLECTION, wanted):
            yield _conflict(record)

    async def decisions(self, source: str) -> Decisions:
        """Return what was decided about people and groups of a source."""
        return {(one.kind, one.stable): one async for one in self.all(source) if one.choice}

    def write(self, conflict: Conflict) -> Write:
        """Return the write that keeps a conflict."""
        document = asdict(conflict)
        version = document.pop("version")
        return Replace(COLLECTION, document, version) if version else Insert(COLLECTION, document)

    def decided(self, actor: Actor, conflict: Conflict, choice: Choice, name: str = "") -> list[Write]:
        """Return the writes that remember a decision and tell of it."""
        undone = choice is Choice.UNDO
        kept = replace(
            conflict,
            choice="" if undone else choice.value,
            name=name,
            decided="" if undone else to_text(self._clock.now()),
            decided_by="" if undone else actor.name,
        )
        details = {"conflict": conflict.id, "choice": choice.value, "login": conflict.login, "dn": conflict.dn}
        details |= {"name": name} if name else {}
        target = conflict.holder or f"ldap:{conflict.source}"
        return [self.write(kept), event(Tag.LDAP_CONFLICT_RESOLVED, actor, target, self._clock, details)]

    async def note(self, plan: Plan, commit: Commit, *, carried_out: bool) -> None:
        """Bring the list in step with a plan; once a whole one was carried out, what has no cause any more goes."""
        now = [self._of(plan.source, change) for change in plan.changes.of(Kind.CONFLICT)]
        found = {(one.kind, one.stable): one for one in now}
        known = {(one.kind, one.stable): one async for one in self.all(plan.source)}
        writes = [self.write(one) for entry, new in found.items() if (one := _noted(known.get(entry), new))]
        if carried_out and plan.complete:
            left = [one for entry, one in known.items() if entry not in found]
            writes += [Delete(COLLECTION, one.id, one.version) for one in await self._settled(plan, left)]
        for some in parts(writes, _TOGETHER):
            await commit(some)

    def _of(self, source: str, change: Change) -> Conflict:
        return Conflict(
            id=id_of(source, change.stable, change.subject),
            source=source,
            stable=change.stable,
            kind=change.subject,
            login=change.name,
            dn=change.dn,
            about=change.about,
            value=change.fields[0].new if change.fields else change.name,
            holder=change.resource,
            reason=change.reason,
            since=to_text(self._clock.now()),
        )

    async def _settled(self, plan: Plan, left: list[Conflict]) -> list[Conflict]:
        """Return those that are none any more: all but what is skipped, or has another name than there."""
        links, kept = Links(self._store, plan.source), {*plan.skipped}
        for kind in (USER, GROUP):
            renamed = [one.stable for one in left if one.choice == Choice.RENAME and one.kind == kind]
            kept |= {(kind, link.stable) for link in await links.of_stables(kind, renamed)}
        return [one for one in left if (one.kind, one.stable) not in kept]


def id_of(source: str, stable: str, kind: str = USER) -> str:
    """Return the id of the conflict of an entry, short enough to be typed."""
    entry = stable if kind == USER else f"{kind}:{stable}"
    return blake2b(f"{source}:{entry}".encode(), digest_size=6).hexdigest()


def _noted(known: Conflict | None, new: Conflict) -> Conflict | None:
    """Return the conflict to be written, or None when the list says it already. What was decided has not helped."""
    if known is None:
        return new
    now = replace(new, since=known.since, version=known.version)
    return None if now == known else now


def _conflict(record: Record) -> Conflict:
    document: dict[str, Any] = record.document
    return replace(msgspec.convert(document, Conflict), version=record.version)
