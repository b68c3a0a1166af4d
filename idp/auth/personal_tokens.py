"""Bearer tokens of people: who brings one acts as the person on their own account, and on nothing else."""

from datetime import timedelta
from typing import Any, Final

from idp.access import SYSTEM_ACTOR, Actor, ActorKind, Area, Target, Verb, demand
from idp.access.roles import DEFAULT_ROLE
from idp.audit import Tag, event
from idp.auth.people import is_active
from idp.auth.secret_text import Random, digest, new_secret
from idp.clock import Clock, to_text
from idp.directory import Users
from idp.errors import InvalidValue, NotAuthenticated, NotFound
from idp.query import And, Compare, Field, Op, Query
from idp.schema import USER
from idp.store.contract import Check, Delete, Insert, Store

PERSONAL_TOKENS: Final = "personal_tokens"
# So that people and secret scanners recognise one, and tell it from a client's.
PREFIX: Final = "ghp_"
_LENGTH: Final = len(PREFIX) + 43
_MAX_NAME: Final = 100
_MOST: Final = 10_000
_READER: Final = SYSTEM_ACTOR("authentication")


class PersonalTokens:
    """Issues tokens and tells whose they are; all of them end with the account, and when it is switched off."""

    def __init__(self, store: Store, clock: Clock, users: Users, random: Random) -> None:
        self._store = store
        self._clock = clock
        self._users = users
        self._random = random

    async def create(self, actor: Actor, user_id: str, name: str, lifetime: timedelta | None = None) -> str:
        """Issue a token to a person, under a name that says what it is for; the token is returned this once.

        Raises NotFound, InvalidValue.
        """
        demand(actor, Verb.UPDATE, Area.ACCOUNT, Target(user_id))
        if not name or len(name) > _MAX_NAME or not name.isprintable():
            raise InvalidValue("name", f"expected up to {_MAX_NAME} printable characters")
        user = await self._users.get(_READER, user_id)
        if not is_active(user):
            raise InvalidValue("user", "the account is switched off")
        text = PREFIX + new_secret(self._random)
        now = self._clock.now()
        document: dict[str, Any] = {"id": digest(text), "user": user.id, "name": name, "created": to_text(now)}
        if lifetime is not None:
            document["expires"] = to_text(now + lifetime)
        issued = event(Tag.AUTH_TOKEN_ISSUED, actor, user.id, self._clock, {"name": name})
        # At this version: a token must not be made beside the account's being switched off.
        await self._store.commit(
            [Check(USER.collection, user.id, user.version), Insert(PERSONAL_TOKENS, document), issued]
        )
        return text

    async def end(self, actor: Actor, user_id: str, name: str) -> None:
        """End every token of that name. Raises NotFound."""
        demand(actor, Verb.UPDATE, Area.ACCOUNT, Target(user_id))
        mine = And((Compare(Field(("user",)), Op.EQ, user_id), Compare(Field(("name",)), Op.EQ, name)))
        found = (await self._store.find(PERSONAL_TOKENS, Query(mine, limit=_MOST, total=False))).records
        if not found:
            raise NotFound("personal token", name)
        revoked = event(Tag.AUTH_TOKEN_REVOKED, actor, user_id, self._clock, {"name": name})
        await self._store.commit([*(Delete(PERSONAL_TOKENS, record.id) for record in found), revoked])

    async def authenticate(self, bearer: str) -> Actor:
        """Return the person whose token it is, with the rights that everybody has. Raises NotAuthenticated."""
        record = await self._store.get(PERSONAL_TOKENS, digest(bearer)) if len(bearer) == _LENGTH else None
        if record is None:
            raise NotAuthenticated("the bearer token is not valid")
        try:
            user = await self._users.get(_READER, record.document["user"])
        except NotFound:
            raise NotAuthenticated("the bearer token is not valid") from None
        if not is_active(user):
            raise NotAuthenticated("the account is switched off")
        # Whatever role the person has: a token that was lost must not be worth more than an account.
        return Actor(ActorKind.USER, user.id, user.document["userName"], DEFAULT_ROLE)
