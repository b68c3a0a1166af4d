"""Sessions on the server: the cookie holds a secret, the store its hash."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from idp.audit import Tag
from idp.auth.context import Context
from idp.auth.people import actor_of, is_active
from idp.auth.secret_text import Random, csrf_of, digest, new_secret
from idp.clock import from_text, to_text
from idp.directory.model import Resource
from idp.errors import NotAuthenticated, RemoteError, VersionMismatch
from idp.query import Compare, Field, Op, Query
from idp.store.contract import Check, Delete, DeleteWhere, Insert, Record, Replace, Write

SESSIONS: Final = "sessions"

_USER: Final = Field(("user",))
# Nobody looks through more; signing out everywhere else ends all of them.
_SHOWN: Final = 100

# What proves possession of something; a mailed code proves no more than the mailbox does.
_STRONG: Final = frozenset({"totp", "recovery"})
# `seen` is worth a write only so often, or every read would be one.
_SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in. `amr` are the methods proven, `proven` when each was, `aal` what they amount to."""

    id: str = field(repr=False)
    user_id: str
    user: Resource = field(repr=False)
    amr: tuple[str, ...]
    aal: int
    proven: Mapping[str, str]
    started: str
    csrf: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A session about to start: the write that starts it, and the secret for the cookie."""

    session: Session
    secret: str = field(repr=False)
    write: Insert = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person is signed in, as told to that person. `seen` is right to the minute."""

    id: str = field(repr=False)
    agent: str
    address: str
    started: str
    seen: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session lasts without use, and at most."""

    idle: timedelta = timedelta(hours=8)
    longest: timedelta = timedelta(days=7)


class Sessions:
    """Starts, resumes and ends sessions."""

    def __init__(self, context: Context, random: Random, lifetimes: Lifetimes) -> None:
        self._context = context
        self._store = context.store
        self._clock = context.clock
        self._random = random
        self._lifetimes = lifetimes

    def open(self, user: Resource, proven: Mapping[str, str], address: str, agent: str) -> Opened:
        """Prepare a session of a person who has proven these methods; always with an id of its own."""
        secret = new_secret(self._random)
        now = self._clock.now()
        document = {
            "id": digest(secret),
            "user": user.id,
            "amr": list(proven),
            "aal": 2 if _STRONG.intersection(proven) else 1,
            "proven": dict(proven),
            "started": to_text(now),
            "seen": to_text(now),
            "expires": to_text(self._expiry(now, now)),
            "address": address,
            "agent": agent[:300],
        }
        return Opened(_session(document, user, secret), secret, Insert(SESSIONS, document))

    async def resume(self, secret: str, address: str) -> Session | None:
        """Return the session of that cookie, None when it is over or its person no longer active."""
        record = await self._store.get(SESSIONS, digest(secret))
        if record is None:
            return None
        user = await self._context.user(record.document["user"])
        if user is None or not is_active(user):
            return None
        await self._note_seen(record, address)
        return _session(record.document, user, secret)

    async def end(self, session: Session, address: str) -> None:
        """Log out: this session is over; one that has ended already is no error."""
        ended = self._context.event(Tag.AUTH_SESSION_ENDED, actor_of(session.user, address), session.user_id)
        with suppress(VersionMismatch):
            await self._store.commit([Delete(SESSIONS, session.id), ended])

    async def places(self, session: Session) -> list[Place]:
        """Return where the person is signed in, this session first and then the others, the last used first."""
        mine = Query(Compare(_USER, Op.EQ, session.user_id), limit=_SHOWN, total=False)
        records = (await self._store.find(SESSIONS, mine)).records
        places = [_place(record.document, session) for record in records]
        return sorted(sorted(places, key=lambda place: place.seen, reverse=True), key=lambda place: not place.is_here)

    async def end_one(self, session: Session, id: str, address: str) -> None:
        """End one session of the same person, of those that `places` shows; one that is over is no error."""
        record = await self._store.get(SESSIONS, id)
        if record is None or record.document["user"] != session.user_id:
            return
        ended = self._context.event(Tag.AUTH_SESSION_ENDED, actor_of(session.user, address), session.user_id)
        with suppress(VersionMismatch):
            await self._store.commit([Delete(SESSIONS, id), ended])

    async def end_others(self, session: Session, address: str) -> None:
        """End every other session of the same person. Raises NotAuthenticated when this one is over."""
        ended = self._context.event(Tag.AUTH_SESSIONS_ENDED, actor_of(session.user, address), session.user_id)
        await self._store.commit([*await self.others_ended(session), ended])

    async def others_ended(self, session: Session) -> Sequence[Write]:
        """Return the writes that leave a person this session alone. Raises NotAuthenticated when it is over."""
        record = await self._store.get(SESSIONS, session.id)
        if record is None:
            raise NotAuthenticated("the session has ended")
        mine = record.document
        return [Check(SESSIONS, record.id, record.version), self.ended(session.user_id), Insert(SESSIONS, mine)]

    def ended(self, user_id: str) -> Write:
        """Return the write that ends every session of a person."""
        return DeleteWhere(SESSIONS, _USER, user_id)

    async def _note_seen(self, record: Record, address: str) -> None:
        now = self._clock.now()
        document = record.document
        if now - from_text(document["seen"]) < _SEEN_EVERY:
            return
        expires = self._expiry(from_text(document["started"]), now)
        seen = {**document, "seen": to_text(now), "expires": to_text(expires), "address": address}
        # Bookkeeping: that it cannot be written now is no reason to refuse the page.
        with suppress(VersionMismatch, RemoteError):
            await self._store.commit([Replace(SESSIONS, seen, record.version)])

    def _expiry(self, started: datetime, seen: datetime) -> datetime:
        return min(started + self._lifetimes.longest, seen + self._lifetimes.idle)


def _place(document: Mapping[str, Any], session: Session) -> Place:
    return Place(
        id=document["id"],
        agent=document["agent"],
        address=document["address"],
        started=document["started"],
        seen=document["seen"],
        is_here=document["id"] == session.id,
    )


def _session(document: Mapping[str, Any], user: Resource, secret: str) -> Session:
    return Session(
        id=document["id"],
        user_id=user.id,
        user=user,
        amr=tuple(document["amr"]),
        aal=document["aal"],
        proven=document["proven"],
        started=document["started"],
        csrf=csrf_of(secret),
    )
