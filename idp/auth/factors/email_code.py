"""Codes by mail: bound to one login, valid for minutes, used once; proof of a mailbox and no more."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from idp.audit import Tag
from idp.auth.context import Context
from idp.auth.credentials import CODES
from idp.auth.factors.contract import Challenge, Proof
from idp.auth.limits import Kind, Limits
from idp.auth.people import actor_of, mail_of
from idp.auth.sealing import Sealer
from idp.auth.secret_text import Random, new_digits
from idp.clock import to_text
from idp.directory.model import Resource
from idp.mail import messages
from idp.store.contract import Delete, Insert, Replace, Write


class EmailCode:
    """The factor. A new code replaces the login's last one and forgives no failures."""

    kind: Final = Kind.EMAIL_CODE

    def __init__(
        self,
        context: Context,
        random: Random,
        sealer: Sealer,
        limits: Limits,
        lifetime: timedelta = timedelta(minutes=10),
    ) -> None:
        self._context = context
        self._store = context.store
        self._random = random
        self._sealer = sealer
        self._limits = limits
        self._lifetime = lifetime

    async def is_available(self, user: Resource) -> bool:
        """Tell whether the person has an address."""
        return mail_of(user) is not None

    async def begin(self, user: Resource, challenge: Challenge) -> Sequence[Write]:
        """Return the writes that store a new code and mail it. Raises RateLimited."""
        async with self._limits.attempt(Kind.MAIL, user.id, challenge.address):
            code = new_digits(self._random)
        record = await self._store.get(CODES, challenge.id)
        document: dict[str, Any] = {
            "id": challenge.id,
            "user": user.id,
            "hash": self._sealer.fingerprint(code, challenge.id),
            "expires": to_text(self._context.clock.now() + self._lifetime),
        }
        seconds = int(self._lifetime.total_seconds())
        return [
            Replace(CODES, document, record.version) if record else Insert(CODES, document),
            *self._context.letter(user, lambda to, name: messages.login_code(to, name, code, seconds)),
            self._context.event(Tag.AUTH_CODE_MAILED, actor_of(user, challenge.address), user.id),
        ]

    async def verify(self, user: Resource, challenge: Challenge, code: str) -> Proof | None:
        """Return the proof for the code mailed last for this login."""
        record = await self._store.get(CODES, challenge.id)
        typed = "".join(code.split())
        if record is None or not self._sealer.is_fingerprint(record.document["hash"], typed, challenge.id):
            return None
        return Proof([Delete(CODES, record.id, record.version)])
