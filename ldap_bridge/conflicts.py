"""Entries that want what somebody else has, and what was decided about each: the list, kept up to date."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

import msgspec

from idp.clock import Clock, to_text
from idp.errors import NotFound
from idp.query import EVERYTHING, Compare, Field, Op, Query
from idp.store.contract import Delete, Insert, Record, Replace, Store, Write
from ldap_bridge.links import Links
from ldap_bridge.plan import USER, Change, Kind, Plan

COLLECTION: Final = "ldap_conflicts"
_SOURCE: Final = Field(("source",))
_PAGE: Final = 500
_TOGETHER: Final = 250


class Choice(StrEnum):
    """What can be done about a conflict. UNDO takes a decision back."""

    LINK = "link"
    RENAME = "rename"
    SKIP = "skip"
    TAKE_OVER = "take-over"
    UNDO = "undo"


@dataclass(slots=True)
class Conflict:
    """One entry of a source that has no account (or not the login) because of another account, the `holder`.

    `about` is "login" or "mail", and `value` which. `choice` is "" until somebody has decided; `name` is the login that
    the person is to have by a choice of another one. `holder` is "" where two entries of one read have the same login.
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
    version: int = 0


Decisions = Mapping[str, Conflict]
"""By stable id, what was decided about people of one source."""


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
        """Return the conflict of an entry, if there is one."""
        record = await self._store.get(COLLECTION, id_of(source, stable))
        return _conflict(record) if record else None

    async def all(self, source: str = "") -> AsyncIterator[Conflict]:
        """Yield the conflicts of a source, or of all."""
        wanted = Compare(_SOURCE, Op.EQ, source) if source else EVERYTHING
        after: str | None = None
        while True:
            query = Query(wanted, limit=_PAGE, after=after, total=False)
            records = (await self._store.find(COLLECTION, query)).records
            for record in records:
                yield _conflict(record)
            if len(records) < _PAGE:
                return
            after = records[-1].id

    async def decisions(self, source: str) -> Decisions:
        """Return what was decided about people of a source."""
        return {one.stable: one async for one in self.all(source) if one.choice}

    def write(self, conflict: Conflict) -> Write:
        """Return the write that keeps a conflict."""
        document = asdict(conflict)
        version = document.pop("version")
        return Replace(COLLECTION, document, version) if version else Insert(COLLECTION, document)

    async def note(self, plan: Plan, *, carried_out: bool) -> None:
        """Bring the list in step with a plan; once a whole one was carried out, what has no cause any more goes."""
        found = {one.stable: one for change in plan.changes if (one := self._of(plan.source, change))}
        known = {one.stable: one async for one in self.all(plan.source)}
        writes = [self.write(one) for stable, new in found.items() if (one := _noted(known.get(stable), new))]
        if carried_out and plan.complete:
            left = [one for stable, one in known.items() if stable not in found]
            writes += [Delete(COLLECTION, one.id, one.version) for one in await self._settled(plan, left)]
        for start in range(0, len(writes), _TOGETHER):
            await self._store.commit(writes[start : start + _TOGETHER])

    def _of(self, source: str, change: Change) -> Conflict | None:
        if change.kind is not Kind.CONFLICT or change.found is None:
            return None
        stable, mails = change.found.stable, [one.new for one in change.fields]
        return Conflict(
            id=id_of(source, stable),
            source=source,
            stable=stable,
            login=change.name,
            dn=change.dn,
            about="mail" if mails else "login",
            value=mails[0] if mails else change.name,
            holder=change.resource,
            reason=change.reason,
            since=to_text(self._clock.now()),
        )

    async def _settled(self, plan: Plan, left: list[Conflict]) -> list[Conflict]:
        """Return those that are none any more: all but people who are skipped, or have another login than there."""
        renamed = [one.stable for one in left if one.choice == Choice.RENAME]
        kept = {link.stable for link in await Links(self._store, plan.source).of_stables(USER, renamed)}
        kept |= {found.stable for found in plan.skipped}
        return [one for one in left if one.stable not in kept]


def id_of(source: str, stable: str) -> str:
    """Return the id of the conflict of an entry, short enough to be typed."""
    return blake2b(f"{source}:{stable}".encode(), digest_size=6).hexdigest()


def _noted(known: Conflict | None, new: Conflict) -> Conflict | None:
    """Return the conflict to be written, or None when the list says it already. What was decided has not helped."""
    if known is None:
        return new
    now = replace(new, since=known.since, version=known.version)
    return None if now == known else now


def _conflict(record: Record) -> Conflict:
    document: dict[str, Any] = record.document
    return replace(msgspec.convert(document, Conflict), version=record.version)
