"""Setting up an authenticator app, with the recovery codes that go with it; for login, account page and commands."""

from collections.abc import Sequence

from idp.access import Actor
from idp.audit import Tag
from idp.auth.context import Context, existing, unchanged
from idp.auth.factors import RecoveryCodes, Totp
from idp.auth.flow import FlowGone
from idp.auth.sealing import SealBroken
from idp.auth.views import PendingTotp
from idp.directory import Resource
from idp.mail import messages
from idp.store.contract import Check, Write

Codes = tuple[str, ...]


class Enroller:
    """Prepares enrolments; whoever asks commits them."""

    def __init__(self, context: Context, totp: Totp, recovery: RecoveryCodes) -> None:
        self._context = context
        self._totp = totp
        self._recovery = recovery

    def new_secret(self, user_id: str) -> str:
        """Return a new secret, sealed, to be kept until it is confirmed."""
        return self._totp.seal(user_id, self._totp.new_secret())

    async def pending(self, user: Resource, sealed: str) -> PendingTotp:
        """Return a sealed secret as its owner's page shows it. Raises FlowGone when its key is gone."""
        try:
            return await self._totp.pending(user, sealed)
        except SealBroken:
            raise FlowGone from None

    async def is_enrolled(self, user: Resource) -> bool:
        """Tell whether an app is set up."""
        return await self._totp.is_available(user)

    async def codes_left(self, user: Resource) -> int:
        """Return how many recovery codes are unused."""
        return await self._recovery.left(user.id)

    async def confirm(
        self, actor: Actor, user: Resource, sealed: str, code: str, *, anew: bool
    ) -> tuple[Codes, Sequence[Write]] | None:
        """Return recovery codes and the writes of the enrolment, None when the code is not of the sealed secret.

        Without `anew` the commit fails for people who have an app already. Raises FlowGone when the key is gone.
        """
        try:
            step = self._totp.confirmed_step(user, sealed, code)
        except SealBroken:
            raise FlowGone from None
        if step is None:
            return None
        if anew:
            return self._enrolled(actor, user, await self._totp.enrolled_anew(user.id, sealed, step), existing(user))
        return self._enrolled(actor, user, self._totp.enrolled(user.id, sealed, step), existing(user))

    async def enrol_now(self, actor: Actor, user: Resource) -> tuple[str, Codes, Sequence[Write]]:
        """Return a secret that needs no confirmation, recovery codes, and the writes of the enrolment."""
        secret = self._totp.new_secret()
        write = await self._totp.enrolled_anew(user.id, self._totp.seal(user.id, secret))
        return secret, *self._enrolled(actor, user, write, unchanged(user))

    def new_codes(self, actor: Actor, user: Resource) -> tuple[Codes, Sequence[Write]]:
        """Return new recovery codes, and the writes that make them the only ones."""
        codes, writes = self._recovery.new_set(user.id)
        happened = self._context.event(Tag.AUTH_RECOVERY_RENEWED, actor, user.id)
        return codes, [*writes, happened, *self._context.letter(user, messages.recovery_renewed)]

    def _enrolled(self, actor: Actor, user: Resource, write: Write, held: Check) -> tuple[Codes, Sequence[Write]]:
        codes, recovery = self._recovery.new_set(user.id)
        happened = self._context.event(Tag.AUTH_FACTOR_ENROLLED, actor, user.id, {"factor": self._totp.kind})
        letter = self._context.letter(user, messages.factor_enrolled)
        return codes, [held, write, *recovery, happened, *letter]
