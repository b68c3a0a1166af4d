"""The service for provisioning clients: makes, changes, shows and ends them and their tokens."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from idp.access import Actor, Area, Verb, demand
from idp.audit import Detail, Tag, event
from idp.auth.clients.gate import Gate
from idp.auth.clients.model import (
    DEFAULT_PROFILE,
    Client,
    ClientSettings,
    ClientToken,
    Issued,
    checked_name,
    checked_settings,
)
from idp.auth.clients.rate import Rates
from idp.auth.clients.scopes import SCOPES, checked_scopes
from idp.auth.clients.tokens import CLIENT_TOKENS, MAX_TOKENS, Tokens, lifetime_of, to_replace
from idp.auth.secret_text import Random
from idp.clock import Clock, to_text
from idp.directory.locks import retrying
from idp.errors import InvalidValue, NotFound, NotUnique, TooLarge, VersionMismatch
from idp.query import Compare, Field, Op, Query, Sort
from idp.store.contract import Delete, Insert, Record, Replace, Store, Write

CLIENTS: Final = "clients"
_NAME: Final = Field(("name",), case_exact=False)


class Clients:
    """Clients and their tokens; `authenticate` tells which client a token belongs to (see `Gate`).

    `scopes` and `profiles` are those that there are. Every method that takes an actor raises PermissionDenied first.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Callable[[], str],
        random: Random,
        *,
        rates: Rates | None = None,
        scopes: Sequence[str] = SCOPES,
        profiles: Sequence[str] = (DEFAULT_PROFILE,),
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._tokens = Tokens(store, clock, random)
        self.scopes: Final = tuple(scopes)
        self.profiles: Final = tuple(profiles)
        self.authenticate = Gate(store, clock, rates or Rates()).authenticate

    async def create(
        self,
        actor: Actor,
        name: str,
        scopes: Iterable[str] | None = None,
        lifetime: timedelta | None = None,
        *,
        settings: ClientSettings | None = None,
        new: bool = False,
    ) -> tuple[Issued, str]:
        """Issue a token to the client of that name, which is made with these settings if it is new.

        The token is returned this once; without scopes it gets all. Raises InvalidValue, also for settings that are
        not those of the client that is there, and NotUnique when a `new` client is wanted and there is one.
        """
        demand(actor, Verb.CREATE, Area.CLIENTS)
        granted = checked_scopes(self.scopes if scopes is None else scopes, self.scopes)
        wanted = checked_name(name)
        asked = None if settings is None else checked_settings(settings, self.profiles)

        async def attempt() -> tuple[Issued, str]:
            found = await self._by_name(wanted)
            if found is not None and new:
                raise NotUnique(CLIENTS, "name")
            client, known = await self._present(found, asked) if found else self._new(actor, wanted, asked)
            text = self._tokens.draw()
            token, insert = self._tokens.issue(text, client, granted, lifetime)
            try:
                await self._store.commit([*known, insert, self._told(actor, client, token)])
            except NotUnique:
                # Somebody made a client of that name a moment ago: then this token is for that one.
                raise VersionMismatch(CLIENTS, wanted) from None
            return _issued(client, token), text

        return await retrying(attempt)

    async def all(self, actor: Actor) -> list[Client]:
        """Return every client, by name."""
        demand(actor, Verb.READ, Area.CLIENTS)
        page = await self._store.find(CLIENTS, Query(sort=Sort(_NAME), limit=10_000, total=False))
        return [Client.of(record) for record in page.records]

    async def show(self, actor: Actor, name: str) -> Client:
        """Return the client of that name. Raises NotFound."""
        demand(actor, Verb.READ, Area.CLIENTS)
        return Client.of(await self._demand(name))

    async def tokens_of(self, actor: Actor, name: str) -> list[ClientToken]:
        """Return the tokens of a client that are valid, the oldest first. Raises NotFound."""
        demand(actor, Verb.READ, Area.CLIENTS)
        client = await self._demand(name)
        tokens = [ClientToken.of(record) for record in await self._tokens.of(client.id)]
        return sorted(tokens, key=lambda token: token.created)

    async def update(self, actor: Actor, name: str, change: Callable[[ClientSettings], ClientSettings]) -> Client:
        """Change a client's settings; they hold for all of its tokens from then on. Raises NotFound, InvalidValue."""
        demand(actor, Verb.UPDATE, Area.CLIENTS)

        async def attempt() -> Client:
            record = await self._demand(name)
            before = Client.of(record)
            settings = checked_settings(change(before.settings), self.profiles)
            if settings == before.settings:
                return before
            after = Client(before.id, before.name, before.created, settings)
            tokens = [self._tokens.resettled(token, after) for token in await self._tokens.of(after.id)]
            details: dict[str, Detail] = {"name": after.name, **_shown(settings)}
            told = event(Tag.AUTH_CLIENT_UPDATED, actor, after.id, self._clock, details)
            await self._store.commit([Replace(CLIENTS, after.document(), record.version), *tokens, told])
            return after

        return await retrying(attempt)

    async def delete(self, actor: Actor, name: str) -> None:
        """Remove a client; its tokens end at once. Raises NotFound."""
        demand(actor, Verb.DELETE, Area.CLIENTS)
        client = await self._demand(name)
        gone = event(Tag.AUTH_CLIENT_DELETED, actor, client.id, self._clock, {"name": client.document["name"]})
        forgotten = self._tokens.forgotten(client.id)
        await self._store.commit([Delete(CLIENTS, client.id, client.version), forgotten, gone])

    async def rotate(
        self, actor: Actor, name: str, overlap: timedelta, *, token_id: str | None = None
    ) -> tuple[Issued, str]:
        """Issue a token in place of another, which ends after the overlap; it lasts as long as that one was to.

        `token_id`, or its beginning, names the old one where the client has several. Raises NotFound, InvalidValue.
        """
        demand(actor, Verb.CREATE, Area.CLIENTS)

        secret = self._tokens.draw()

        async def attempt() -> tuple[Issued, str]:
            record = await self._demand(name)
            client = Client.of(record)
            if (made := await self._tokens.find(secret)) is not None:
                # The commit that was said to have failed was made.
                return _issued(client, made.document), secret
            old = to_replace(await self._tokens.of(client.id), token_id)
            token, insert = self._tokens.issue(secret, client, old.document["scopes"], lifetime_of(old.document))
            details: dict[str, Detail] = {"client": client.name, "overlap": int(overlap.total_seconds())}
            rotated = event(Tag.AUTH_TOKEN_ROTATED, actor, client.id, self._clock, details)
            await self._store.commit([_moved_on(record), insert, self._tokens.ended(old, overlap), rotated])
            return _issued(client, token), secret

        return await retrying(attempt)

    async def find_token(self, actor: Actor, name: str, beginning: str) -> str:
        """Return the id of the client's only token whose id begins like this. Raises NotFound, InvalidValue."""
        found = [token.id for token in await self.tokens_of(actor, name) if token.id.startswith(beginning)]
        if not found:
            raise NotFound("token", beginning)
        if len(found) > 1:
            raise InvalidValue("token", "several begin like that")
        return found[0]

    async def revoke(self, actor: Actor, token_id: str) -> None:
        """End one token, by the id that `tokens_of` shows. Raises NotFound."""
        demand(actor, Verb.DELETE, Area.CLIENTS)
        record = await self._store.get(CLIENT_TOKENS, token_id)
        if record is None:
            raise NotFound("token", token_id)
        revoked = event(Tag.AUTH_TOKEN_REVOKED, actor, record.document["client"], self._clock)
        # A use that is noted meanwhile must not keep the token alive: it ends at whatever version.
        await self._store.commit([Delete(CLIENT_TOKENS, record.id), revoked])

    async def _present(self, found: Record, asked: ClientSettings | None) -> tuple[Client, Sequence[Write]]:
        client = Client.of(found)
        if asked is not None and asked != client.settings:
            raise InvalidValue("settings", f"the client {client.name} is there with others; change them there")
        if len(await self._tokens.of(client.id)) >= MAX_TOKENS:
            raise TooLarge(f"the number of tokens of {client.name}", MAX_TOKENS)
        return client, [_moved_on(found)]

    def _new(self, actor: Actor, name: str, asked: ClientSettings | None) -> tuple[Client, Sequence[Write]]:
        client = Client(self._ids(), name, to_text(self._clock.now()), asked or ClientSettings())
        details = {"name": client.name, **_shown(client.settings)}
        return client, [
            Insert(CLIENTS, client.document()),
            event(Tag.AUTH_CLIENT_CREATED, actor, client.id, self._clock, details),
        ]

    def _told(self, actor: Actor, client: Client, token: dict[str, Any]) -> Write:
        details = {"client": client.name, "scopes": token["scopes"]}
        if "expires" in token:
            details["expires"] = token["expires"]
        return event(Tag.AUTH_TOKEN_ISSUED, actor, client.id, self._clock, details)

    async def _by_name(self, name: str) -> Record | None:
        page = await self._store.find(CLIENTS, Query(Compare(_NAME, Op.EQ, name), limit=1, total=False))
        return page.records[0] if page.records else None

    async def _demand(self, name: str) -> Record:
        if (record := await self._by_name(name)) is None:
            raise NotFound("client", name)
        return record


def _moved_on(client: Record) -> Write:
    """Return the write that moves a client's version.

    So no token comes into being with the settings of before while others are given new ones.
    """
    return Replace(CLIENTS, client.document, client.version)


def _issued(client: Client, token: Mapping[str, Any]) -> Issued:
    return Issued(client.id, client.name, tuple(token["scopes"]), token.get("expires"))


def _shown(settings: ClientSettings) -> dict[str, Detail]:
    """Return what an event says of settings: those that are not empty."""
    return {name: value for name, value in settings.stored().items() if value}
