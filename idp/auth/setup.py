"""The first administrator, by a link that is secret, works once and expires."""

from datetime import timedelta
from typing import Any, Final

from idp.access import SYSTEM_ACTOR
from idp.audit import Tag
from idp.auth.context import Context
from idp.auth.password_rules import PasswordRules
from idp.auth.people import names_of
from idp.auth.tokens import OneTimeTokens, Taken
from idp.directory import Resource
from idp.errors import InvalidValue, NotAuthenticated, NotUnique, VersionMismatch
from idp.query import Compare, Op, Query
from idp.schema import USER
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Insert, Write

SETTINGS: Final = "settings"

_PURPOSE: Final = "setup"
_LIFETIME: Final = timedelta(hours=24)
_ACTOR: Final = SYSTEM_ACTOR("setup")
_ROOT: Final = Compare(USER.resolve(f"{GATEHOUSE_USER}:role").field, Op.EQ, "root")


class Setup:
    """Makes the first administrator of an empty installation."""

    def __init__(self, context: Context, rules: PasswordRules, tokens: OneTimeTokens) -> None:
        self._context = context
        self._rules = rules
        self._tokens = tokens

    async def link_token(self) -> str | None:
        """Return a new secret for the set-up link, which replaces any earlier one; None once there is a root user."""
        if await self._is_done():
            return None
        text, write = self._tokens.issue(_PURPOSE, _PURPOSE, _LIFETIME)
        issued = self._context.event(Tag.AUTH_SETUP_LINK_ISSUED, _ACTOR, "")
        await self._context.commit([self._tokens.voided(_PURPOSE), write, issued])
        return text

    async def is_valid(self, token: str) -> bool:
        """Tell whether the link can still be used."""
        return await self._taken(token) is not None

    async def complete(self, token: str, user_name: str, email: str, password: str, address: str) -> Resource:
        """Create the administrator (role root), who then logs in and enrols; NotAuthenticated for a dead link.

        Raises InvalidValue on `userName`, `emails` or `password`; the link stays good then.
        """
        taken = await self._taken(token)
        if taken is None:
            raise NotAuthenticated("the link has been used or has expired")
        document: dict[str, Any] = {
            "userName": user_name,
            "emails": [{"value": email, "type": "work", "primary": True}],
        }
        self._rules.check(password, names_of(document))
        done = {"id": _PURPOSE, "at": self._context.now, "address": address}
        completed = self._context.event(Tag.AUTH_SETUP_COMPLETED, _ACTOR, "", {"userName": user_name})
        # Of two links used at once, the second finds the setting already there.
        extra: list[Write] = [taken.spent, Insert(SETTINGS, done), completed]
        try:
            return await self._context.users.create(_ACTOR, document | {"password": password}, extra=extra, role="root")
        except VersionMismatch:
            raise NotAuthenticated("the link has been used or has expired") from None
        except NotUnique as error:
            if error.collection == SETTINGS:
                raise NotAuthenticated("the link has been used or has expired") from None
            raise InvalidValue("userName", "is in use already") from None

    async def _taken(self, token: str) -> Taken | None:
        taken = await self._tokens.peek(_PURPOSE, token)
        return None if taken is None or await self._is_done() else taken

    async def _is_done(self) -> bool:
        if await self._context.store.get(SETTINGS, _PURPOSE) is not None:
            return True
        page = await self._context.users.find(_ACTOR, Query(_ROOT, limit=1, total=False))
        return bool(page.records)
