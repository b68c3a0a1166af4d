"""Second factors of one's own account: set up, confirm, renew, switch off."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from idp.audit import Tag
from idp.auth.assurance import OF_THE_APP, StaleLogin, demand_more_than_the_mailbox
from idp.auth.context import Context
from idp.auth.credentials import CODES, UserCredentials
from idp.auth.enroller import Codes, Enroller
from idp.auth.entry import PasswordEntry
from idp.auth.factors import Challenge
from idp.auth.flow import FlowGone
from idp.auth.limits import Kind
from idp.auth.people import actor_of
from idp.auth.second import WRONG_CODE, SecondFactors, Unreadable
from idp.auth.sessions import Session
from idp.auth.views import PendingTotp
from idp.clock import from_text, to_text
from idp.errors import CallerError, InvalidValue, PermissionDenied, VersionMismatch
from idp.mail import messages
from idp.store.contract import Delete, Insert, Record, Replace, Write

EXPIRED: Final = "The set-up has expired. Please begin again."
_PENDING: Final = timedelta(minutes=15)
# How fresh a proof has to be before the ways to log in are changed.
_FRESH: Final = timedelta(minutes=15)


class RequiredByPolicy(PermissionDenied):
    """The account must have a second factor."""

    def __init__(self) -> None:
        CallerError.__init__(self, "your account must have a second factor")
        self.verb, self.area = "delete", "account"


class NotOffered(PermissionDenied):
    """People cannot set up an app here."""

    def __init__(self) -> None:
        CallerError.__init__(self, "authenticator apps are not offered here")
        self.verb, self.area = "create", "account"


class Enrolment:
    """What the account page offers. A wrong code or password raises InvalidValue; too many of them RateLimited."""

    def __init__(
        self,
        context: Context,
        entry: PasswordEntry,
        second: SecondFactors,
        enroller: Enroller,
        credentials: UserCredentials,
    ) -> None:
        self._context = context
        self._entry = entry
        self._second = second
        self._enroller = enroller
        self._credentials = credentials

    async def status(self, session: Session) -> dict[str, int | bool | str]:
        """Return what is set up, and what can be.

        {"totp": bool, "recovery_codes": how many are left, "policy": "off" | "optional" | "required",
        "can_enrol": bool}. Who has an app may put another in its place, also where none is offered any more.
        """
        enrolled = await self._enroller.is_enrolled(session.user)
        return {
            "totp": enrolled,
            "recovery_codes": await self._enroller.codes_left(session.user),
            "policy": self._second.policy_of(session.user),
            "can_enrol": enrolled or self._second.can_enrol,
        }

    async def totp_begin(self, session: Session) -> PendingTotp:
        """Return a secret to be confirmed; the one in use stays in force until then.

        Raises StaleLogin, and NotOffered where people cannot set one up.
        """
        if not (self._second.can_enrol or await self._enroller.is_enrolled(session.user)):
            raise NotOffered
        await self._demand_fresh(session)
        record = await self._pending(session)
        document: dict[str, Any] = {
            "id": _pending_id(session),
            "user": session.user_id,
            "sealed": self._enroller.new_secret(session.user_id),
            "expires": to_text(self._context.clock.now() + _PENDING),
        }
        write = Replace(CODES, document, record.version) if record else Insert(CODES, document)
        await self._context.commit([write])
        return await self._enroller.pending(session.user, document["sealed"])

    async def totp_pending(self, session: Session) -> PendingTotp | None:
        """Return the secret that this session began with, while it can be confirmed."""
        record = await self._pending(session)
        try:
            return await self._enroller.pending(session.user, record.document["sealed"]) if record else None
        except FlowGone:
            return None

    async def totp_confirm(self, session: Session, code: str, address: str) -> Codes:
        """Put the pending secret into force; returns new recovery codes, to be shown this once."""
        record = await self._pending(session)
        if record is None:
            raise InvalidValue("code", EXPIRED)
        sealed = record.document["sealed"]
        actor = actor_of(session.user, address)
        try:
            confirmed = await self._enroller.confirm(actor, session.user, sealed, code, anew=True)
        except FlowGone:
            raise InvalidValue("code", EXPIRED) from None
        if confirmed is None:
            raise InvalidValue("code", WRONG_CODE)
        codes, writes = confirmed
        try:
            await self._context.commit([Delete(CODES, record.id, record.version), *writes])
        except VersionMismatch:
            raise InvalidValue("code", WRONG_CODE) from None
        return codes

    async def totp_disable(self, session: Session, password: str, code: str, address: str) -> None:
        """Remove TOTP and recovery codes.

        Raises RequiredByPolicy where the account must have a second factor, and StaleLogin.
        """
        user = session.user
        if self._second.policy_of(user) == "required":
            raise RequiredByPolicy
        await demand_more_than_the_mailbox(session, self._enroller)
        if not await self._entry.again(user, password, address):
            raise InvalidValue("password", "The password is not right.")
        happened = self._context.event(Tag.AUTH_FACTOR_REMOVED, actor_of(user, address), user.id)
        letter = self._context.letter(user, messages.factor_removed)
        await self._prove(session, code, address, [happened, *letter], self._credentials.without_factors(user.id))

    async def regenerate_recovery(self, session: Session, code: str, address: str) -> Codes:
        """Return ten new recovery codes, the old ones being void; `code` is a current TOTP code."""
        await demand_more_than_the_mailbox(session, self._enroller)
        codes, writes = self._enroller.new_codes(actor_of(session.user, address), session.user)
        await self._prove(session, code, address, writes)
        return codes

    async def _prove(self, session: Session, code: str, address: str, *writes: Sequence[Write]) -> None:
        async def following() -> Sequence[Write]:
            return [write for part in writes for write in part]

        challenge = Challenge(session.id, address)
        try:
            is_right = await self._second.prove(session.user, Kind.TOTP, challenge, code, following)
        except Unreadable as error:
            raise InvalidValue("code", f"{str(error).capitalize()}.") from None
        if not is_right:
            raise InvalidValue("code", WRONG_CODE)

    async def _demand_fresh(self, session: Session) -> None:
        """Refuse a session that could be a stolen one; whose app is to be replaced must have used it just now."""
        counted = OF_THE_APP if await self._enroller.is_enrolled(session.user) else session.proven.keys()
        now = self._context.clock.now()
        if not any(now - from_text(at) < _FRESH for kind, at in session.proven.items() if kind in counted):
            raise StaleLogin

    async def _pending(self, session: Session) -> Record | None:
        return await self._context.store.get(CODES, _pending_id(session))


def _pending_id(session: Session) -> str:
    # Bound to the session: nobody else's secret can be slipped in to be confirmed here.
    return f"enrolment:{session.id}"
