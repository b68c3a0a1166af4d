"""Provisioning clients and their bearer tokens."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from idp.access import Actor, ActorKind, Area, Verb, demand
from idp.audit import Tag, event
from idp.auth.secret_text import Random, digest, new_secret
from idp.clock import Clock, from_text, to_text
from idp.directory.locks import retrying
from idp.errors import InvalidValue, NotAuthenticated, NotFound, NotUnique, RemoteError, VersionMismatch
from idp.memory import Memory
from idp.query import Compare, Field, Op, Query, Sort
from idp.store.contract import Check, Delete, DeleteWhere, Insert, Record, Replace, Store, Write

CLIENTS: Final = "clients"
CLIENT_TOKENS: Final = "client_tokens"

SCOPES: Final = ("users:read", "users:write", "groups:read", "groups:write")
# So that people and secret scanners recognise one.
PREFIX: Final = "ghs_"
_LENGTH: Final = len(PREFIX) + 43
_MAX_NAME: Final = 100
_NAME: Final = Field(("name",), case_exact=False)
_NOTED_EVERY: Final = timedelta(minutes=1)
# Tokens are made and revoked; forgetting all of them costs each at most one write more.
_NOTED_AT_MOST: Final = 10_000
_KNOWN_AT_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Client:
    """A system that may provision people, known by its name."""

    id: str
    name: str
    created: str


@dataclass(frozen=True, slots=True)
class Issued:
    """To which client a token was issued, and what it may do with it."""

    id: str
    name: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClientToken:
    """What may be known of a token afterwards. `used` is right to the minute."""

    id: str = field(repr=False)
    client: str
    scopes: tuple[str, ...]
    created: str
    expires: str | None
    used: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class _Known:
    """A token as last read, and whom it speaks for."""

    record: Record
    actor: Actor
    expires: datetime | None
    used: datetime | None

    def is_over(self, now: datetime) -> bool:
        return self.expires is not None and self.expires <= now


class Clients:
    """Makes clients and tokens, and tells which client a token belongs to."""

    def __init__(self, store: Store, clock: Clock, ids: Callable[[], str], random: Random) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._random = random
        self._noted: dict[str, datetime] = {}
        self._known = Memory[_Known](lambda: store.stamp((CLIENT_TOKENS,)), _KNOWN_AT_MOST)

    async def create(
        self, actor: Actor, name: str, scopes: Iterable[str] = SCOPES, lifetime: timedelta | None = None
    ) -> tuple[Issued, str]:
        """Issue a token to the client of that name, which is made if it is new. Raises InvalidValue.

        The token is returned this once.
        """
        demand(actor, Verb.CREATE, Area.CLIENTS)
        granted, wanted = _checked(scopes), _checked_name(name)

        async def attempt() -> tuple[Issued, str]:
            found = await self._by_name(wanted)
            client = _client(found) if found else Client(self._ids(), wanted, to_text(self._clock.now()))
            known: Sequence[Write] = [Check(CLIENTS, client.id)] if found else self._new(actor, client)
            text, token = self._token(client, granted, lifetime)
            details = {"client": client.name, "scopes": list(granted)}
            issued = event(Tag.AUTH_TOKEN_ISSUED, actor, client.id, self._clock, details)
            try:
                await self._store.commit([*known, token, issued])
            except NotUnique:
                # Somebody made a client of that name a moment ago: then this token is for that one.
                raise VersionMismatch(CLIENTS, wanted) from None
            return Issued(client.id, client.name, granted), text

        return await retrying(attempt)

    async def authenticate(self, bearer: str, address: str) -> Actor:
        """Return the client that the token belongs to, as an actor. Raises NotAuthenticated."""
        if len(bearer) != _LENGTH or not bearer.startswith(PREFIX):
            raise NotAuthenticated("the bearer token is not valid")
        key = (digest(bearer), address)
        stamp, known = self._known.look(key)
        now = self._clock.now()
        if known is None or known.is_over(now):
            known = await self._read(*key)
            self._known.keep(key, known, stamp)
        if known.used is None or now - known.used >= _NOTED_EVERY:
            await self._note_use(known, now)
        return known.actor

    async def _read(self, token_id: str, address: str) -> "_Known":
        record = await self._store.get(CLIENT_TOKENS, token_id)
        if record is None:
            raise NotAuthenticated("the bearer token is not valid")
        token = record.document
        actor = Actor(
            ActorKind.CLIENT, token["client"], token["name"], scopes=frozenset(token["scopes"]), address=address
        )
        expires, used = token.get("expires"), token.get("used")
        return _Known(record, actor, from_text(expires) if expires else None, from_text(used) if used else None)

    async def all(self, actor: Actor) -> list[Client]:
        """Return every client, by name."""
        demand(actor, Verb.READ, Area.CLIENTS)
        page = await self._store.find(CLIENTS, Query(sort=Sort(_NAME), limit=10_000, total=False))
        return [_client(record) for record in page.records]

    async def tokens_of(self, actor: Actor, name: str) -> list[ClientToken]:
        """Return the tokens of a client that are valid. Raises NotFound."""
        demand(actor, Verb.READ, Area.CLIENTS)
        client = await self._demand(name)
        mine = Compare(Field(("client",)), Op.EQ, client.id)
        page = await self._store.find(CLIENT_TOKENS, Query(mine, limit=10_000, total=False))
        return [_token(record) for record in page.records]

    async def delete(self, actor: Actor, name: str) -> None:
        """Remove a client; its tokens end at once. Raises NotFound."""
        demand(actor, Verb.DELETE, Area.CLIENTS)
        client = await self._demand(name)
        tokens = DeleteWhere(CLIENT_TOKENS, Field(("client",)), client.id)
        gone = event(Tag.AUTH_CLIENT_DELETED, actor, client.id, self._clock, {"name": client.document["name"]})
        await self._store.commit([Delete(CLIENTS, client.id, client.version), tokens, gone])

    async def revoke(self, actor: Actor, token_id: str) -> None:
        """End one token, by the id that `tokens_of` shows. Raises NotFound."""
        demand(actor, Verb.DELETE, Area.CLIENTS)
        record = await self._store.get(CLIENT_TOKENS, token_id)
        if record is None:
            raise NotFound("token", token_id)
        revoked = event(Tag.AUTH_TOKEN_REVOKED, actor, record.document["client"], self._clock)
        await self._store.commit([Delete(CLIENT_TOKENS, record.id), revoked])

    def _new(self, actor: Actor, client: Client) -> Sequence[Write]:
        document = {"id": client.id, "name": client.name, "created": client.created}
        created = event(Tag.AUTH_CLIENT_CREATED, actor, client.id, self._clock, {"name": client.name})
        return [Insert(CLIENTS, document), created]

    def _token(self, client: Client, scopes: Sequence[str], lifetime: timedelta | None) -> tuple[str, Insert]:
        text = PREFIX + new_secret(self._random)
        now = self._clock.now()
        document: dict[str, Any] = {
            "id": digest(text),
            "client": client.id,
            "name": client.name,
            "scopes": list(scopes),
            "created": to_text(now),
        }
        if lifetime is not None:
            document["expires"] = to_text(now + lifetime)
        return text, Insert(CLIENT_TOKENS, document)

    async def _note_use(self, known: "_Known", now: datetime) -> None:
        """Write down that the token was used, once a minute however often it is."""
        record = known.record
        last = self._noted.get(record.id)
        if last is not None and now - last < _NOTED_EVERY:
            return
        # Set before waiting: of the requests that come meanwhile none writes too.
        if len(self._noted) >= _NOTED_AT_MOST:
            self._noted.clear()
        self._noted[record.id] = now
        noted = {**record.document, "used": to_text(now), "address": known.actor.address}
        # Bookkeeping: that it cannot be written now is no reason to refuse what the token is used for.
        with suppress(VersionMismatch, RemoteError):
            await self._store.commit([Replace(CLIENT_TOKENS, noted, record.version)])

    async def _by_name(self, name: str) -> Record | None:
        page = await self._store.find(CLIENTS, Query(Compare(_NAME, Op.EQ, name), limit=1, total=False))
        return page.records[0] if page.records else None

    async def _demand(self, name: str) -> Record:
        if (record := await self._by_name(name)) is None:
            raise NotFound("client", name)
        return record


def _client(record: Record) -> Client:
    return Client(record.id, record.document["name"], record.document["created"])


def _token(record: Record) -> ClientToken:
    document = record.document
    return ClientToken(
        id=record.id,
        client=document["name"],
        scopes=tuple(document["scopes"]),
        created=document["created"],
        expires=document.get("expires"),
        used=document.get("used"),
        address=document.get("address"),
    )


def _checked(scopes: Iterable[str]) -> tuple[str, ...]:
    granted = tuple(dict.fromkeys(scopes))
    unknown = [scope for scope in granted if scope not in SCOPES]
    if unknown or not granted:
        raise InvalidValue("scope", f"{', '.join(unknown) or 'none'}: expected some of {', '.join(SCOPES)}")
    return granted


def _checked_name(name: str) -> str:
    if not name or len(name) > _MAX_NAME or name != name.strip() or not name.isprintable():
        raise InvalidValue("name", f"expected up to {_MAX_NAME} printable characters without outer blanks")
    return name
