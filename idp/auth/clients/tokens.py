"""Tokens as records: how one is made, replaced by another, and ended."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from idp.auth.clients.model import Client
from idp.auth.secret_text import Random, digest, new_secret
from idp.clock import Clock, from_text, to_text
from idp.errors import InvalidValue, NotFound
from idp.query import Compare, Field, Op, Query
from idp.store.contract import Delete, DeleteWhere, Insert, Record, Replace, Store, Write

CLIENT_TOKENS: Final = "client_tokens"
# So that people and secret scanners recognise one.
PREFIX: Final = "ghs_"
LENGTH: Final = len(PREFIX) + 43
MAX_TOKENS: Final = 100
"""Of one client: every change of its settings is written into each."""
_CLIENT: Final = Field(("client",))


class Tokens:
    """Reads tokens, and makes the writes that change them."""

    def __init__(self, store: Store, clock: Clock, random: Random) -> None:
        self._store = store
        self._clock = clock
        self._random = random

    async def of(self, client: str) -> Sequence[Record]:
        """Return the tokens of a client that are valid."""
        query = Query(Compare(_CLIENT, Op.EQ, client), limit=10_000, total=False)
        return (await self._store.find(CLIENT_TOKENS, query)).records

    async def find(self, text: str) -> Record | None:
        """Return the token of that text, or None."""
        return await self._store.get(CLIENT_TOKENS, digest(text))

    def draw(self) -> str:
        """Return the text of a token that nobody can guess."""
        return PREFIX + new_secret(self._random)

    def issue(
        self, text: str, client: Client, scopes: Sequence[str], lifetime: timedelta | None
    ) -> tuple[dict[str, Any], Write]:
        """Return the document of a new token, and the write that makes it valid."""
        now = self._clock.now()
        document: dict[str, Any] = {
            "id": digest(text),
            "client": client.id,
            "name": client.name,
            "scopes": list(scopes),
            "created": to_text(now),
            **client.settings.stored(),
        }
        if lifetime is not None:
            document["expires"] = to_text(now + lifetime)
        return document, Insert(CLIENT_TOKENS, document)

    def ended(self, record: Record, overlap: timedelta) -> Write:
        """Return the write that ends a token after the overlap, or when it would have ended anyway."""
        if not overlap:
            return Delete(CLIENT_TOKENS, record.id, record.version)
        end = to_text(self._clock.now() + overlap)
        expires = record.document.get("expires")
        if expires is not None and from_text(expires) < from_text(end):
            end = expires
        return Replace(CLIENT_TOKENS, {**record.document, "expires": end, "replaced": True}, record.version)

    def resettled(self, record: Record, client: Client) -> Write:
        """Return the write that brings a client's settings into its token."""
        return Replace(CLIENT_TOKENS, {**record.document, **client.settings.stored()}, record.version)

    def forgotten(self, client: str) -> Write:
        """Return the write that ends all tokens of a client."""
        return DeleteWhere(CLIENT_TOKENS, _CLIENT, client)


def to_replace(records: Sequence[Record], token_id: str | None) -> Record:
    """Return the token that a rotation is about: the one named, or the only one that has no successor yet.

    Raises NotFound, InvalidValue.
    """
    current = [record for record in records if not record.document.get("replaced")]
    if token_id is not None:
        current = [record for record in current if record.id.startswith(token_id)]
    if not current:
        raise NotFound("token", token_id or "to replace")
    if len(current) > 1:
        raise InvalidValue("token", "the client has several: name one by its id")
    return current[0]


def lifetime_of(document: dict[str, Any]) -> timedelta | None:
    """Return for how long a token was made; None for one without an end."""
    expires = document.get("expires")
    return None if expires is None else from_text(expires) - from_text(document["created"])
