"""Other people's second factors: looked at, reset, set up for them."""

from typing import Final

from idp.access import Actor, Area, Target, Verb, demand
from idp.audit import Tag
from idp.auth.context import Context, unchanged
from idp.auth.credentials import FACTORS, UserCredentials
from idp.auth.enroller import Codes, Enroller
from idp.auth.limits import Limits
from idp.directory import Resource
from idp.directory.locks import retrying
from idp.directory.user_plans import role_of
from idp.errors import NotFound
from idp.mail import messages
from idp.query import Compare, Field, Op, Query

_USER: Final = Field(("user",))


class Factors:
    """What administrators and commands do."""

    def __init__(self, context: Context, enroller: Enroller, credentials: UserCredentials, limits: Limits) -> None:
        self._context = context
        self._enroller = enroller
        self._credentials = credentials
        self._limits = limits

    async def kinds(self, user_id: str) -> list[str]:
        """Return which second factors a person has set up."""
        query = Query(Compare(_USER, Op.EQ, user_id), total=False)
        page = await self._context.store.find(FACTORS, query)
        return [record.document["kind"] for record in page.records]

    async def reset(self, actor: Actor, user_id: str) -> None:
        """Remove a person's second factors and recovery codes; sessions end, failures are forgotten, a letter tells.

        Raises NotFound.
        """

        async def attempt() -> None:
            # In each attempt: who was made an administrator meanwhile is no longer anybody's to reset.
            user = await self._demand(actor, user_id)
            await self._context.commit(
                [
                    unchanged(user),
                    *self._credentials.without_factors(user_id),
                    *self._credentials.deactivated(user_id),
                    self._limits.forgotten(user_id),
                    self._context.event(Tag.AUTH_FACTOR_RESET, actor, user_id),
                    *self._context.letter(user, messages.factor_removed),
                ]
            )

        await retrying(attempt)

    async def enrol_totp_now(self, actor: Actor, user_id: str) -> tuple[str, Codes]:
        """Set up an authenticator for a person, in place of what they have; returns its secret and recovery codes.

        Raises NotFound.
        """

        async def attempt() -> tuple[str, Codes]:
            user = await self._demand(actor, user_id)
            secret, codes, writes = await self._enroller.enrol_now(actor, user)
            await self._context.commit(writes)
            return secret, codes

        return await retrying(attempt)

    async def _demand(self, actor: Actor, user_id: str) -> Resource:
        demand(actor, Verb.RESET_MFA, Area.USERS, Target("", role=None))
        user = await self._context.user(user_id)
        if user is None:
            raise NotFound("User", user_id)
        # Without an id: owning an account is no proof that lets its second factor be removed.
        demand(actor, Verb.RESET_MFA, Area.USERS, Target("", role=role_of(user.document)))
        return user
