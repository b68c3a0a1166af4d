"""The first factor: a login name and a password, within the limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from idp.access import ANONYMOUS
from idp.audit import Tag
from idp.auth.context import Context
from idp.auth.limits import Kind, Limits
from idp.auth.people import actor_of, has_local_password, is_active
from idp.auth.secret_text import digest
from idp.auth.verifiers import CREDENTIALS, Newcomers, Verifiers, generation_of
from idp.auth.views import Verdict
from idp.directory.model import Resource
from idp.query import fold

WRONG: Final = "The name or the password is not right."
EXPIRED: Final = "Your password has expired. Please change it where your account is kept, and try again."
MUST_CHANGE: Final = "Your password has to be changed first. Please do that where your account is kept, and try again."
DISABLED: Final = "Your account is disabled where it is kept. Please ask your administrator."
ENDED: Final = "Your account has expired where it is kept. Please ask your administrator."
NOT_NOW: Final = "Your account may not be used at this time or from here. Please ask your administrator."
HELD: Final = "Your account cannot be made here yet. Please ask your administrator."
EXPIRING: Final = "Your password expires soon. Please change it where your account is kept."
GRACE: Final = "Your password has expired and works a few times more. Please change it where your account is kept."


@dataclass(frozen=True, slots=True)
class Entered:
    """Whose the right password was, and which of theirs."""

    user: Resource
    must_change: bool
    generation: int
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nobody was let in: the sentence for the person, and the word for the record."""

    sentence: str
    reason: str


# What proves nothing gets the one sentence that everybody gets; the others are told to who gave the right password.
_REFUSALS: Final[Mapping[Verdict, Refused]] = {
    Verdict.WRONG: Refused(WRONG, "wrong password"),
    Verdict.ABSENT: Refused(WRONG, "not in the directory"),
    Verdict.LOCKED: Refused(WRONG, "locked in the directory"),
    Verdict.UNWILLING: Refused(WRONG, "refused by the directory"),
    Verdict.EXPIRED: Refused(EXPIRED, "expired password"),
    Verdict.DISABLED: Refused(DISABLED, "disabled in the directory"),
    Verdict.ENDED: Refused(ENDED, "expired in the directory"),
    Verdict.HELD: Refused(HELD, "a conflict or a limit is in the way of the account"),
    Verdict.NOT_NOW: Refused(NOT_NOW, "not permitted by the directory at this time or from here"),
}
# A directory's password can be changed only there.
_MUST_CHANGE_THERE: Final = Refused(MUST_CHANGE, "password must be changed in the directory")
_NOTICES: Final[Mapping[Verdict, str]] = {Verdict.EXPIRING: EXPIRING, Verdict.GRACE: GRACE}


class PasswordEntry:
    """Tries passwords. Raises RateLimited, Overloaded and Unavailable."""

    def __init__(
        self, context: Context, verifiers: Verifiers, limits: Limits, newcomers: Sequence[Newcomers] = ()
    ) -> None:
        self._context = context
        self._verifiers = verifiers
        self._limits = limits
        self._newcomers = newcomers

    async def enter(self, login: str, password: str, address: str) -> Entered | Refused:
        """Try a name and a password; unknown, wrong and inactive are answered alike and take about as long."""
        user = await self._context.users.by_login(login)
        account = user.id if user else unknown_account(login)
        async with self._limits.attempt(Kind.PASSWORD, account, address) as attempt:
            # Read first: of a password set after this it is not known whether it was the right one.
            credential = await self._context.store.get(CREDENTIALS, account)
            if (not has_local_password(user)) if user else self._newcomers:
                attempt.leaves()
            user, verdict = await self._verified(user, login, password)
            answer = _judged(user, verdict, generation_of(credential))
            if isinstance(answer, Entered) or answer.sentence != WRONG:
                attempt.right()
        await self._record(user, verdict, answer, address)
        return answer

    async def _verified(self, user: Resource | None, login: str, password: str) -> tuple[Resource | None, Verdict]:
        """Verify; a name that is nobody's here may be that of a newcomer."""
        if user is None and password:
            for newcomers in self._newcomers:
                arrival = await newcomers.admit(login, password)
                if arrival.verdict is not Verdict.ABSENT:
                    return arrival.user, arrival.verdict
        return user, await self._verifiers.verify(user, password)

    async def _record(self, user: Resource | None, verdict: Verdict, answer: Entered | Refused, address: str) -> None:
        # The name as typed is not recorded: people type passwords into the wrong field.
        target, actor = user.id if user else "", ANONYMOUS(address)
        happened = []
        if isinstance(answer, Refused):
            happened.append(self._context.event(Tag.AUTH_LOGIN_FAILED, actor, target, {"reason": answer.reason}))
        elif verdict is Verdict.CACHED:
            happened.append(self._context.event(Tag.AUTH_PASSWORD_CACHED, actor, target))
        if happened:
            await self._context.store.commit(happened)

    async def again(self, user: Resource, password: str, address: str) -> bool:
        """Tell whether somebody who is logged in knows their password."""
        async with self._limits.attempt(Kind.PASSWORD, user.id, address) as attempt:
            if not has_local_password(user):
                attempt.leaves()
            verdict = await self._verifiers.verify(user, password)
            if verdict.is_right:
                attempt.right()
        tag = Tag.AUTH_PASSWORD_CACHED if verdict is Verdict.CACHED else Tag.AUTH_PASSWORD_FAILED
        if verdict is Verdict.CACHED or not verdict.is_right:
            await self._context.store.commit([self._context.event(tag, actor_of(user, address), user.id)])
        return verdict.is_right


def unknown_account(login: str) -> str:
    """Return the account under which attempts on a name that is nobody's are counted, like anybody's."""
    return f"unknown-{digest(fold(login.strip()))[:32]}"


def _judged(user: Resource | None, verdict: Verdict, generation: int) -> Entered | Refused:
    refused = _REFUSALS.get(verdict)
    if verdict is Verdict.MUST_CHANGE and (user is None or not has_local_password(user)):
        refused = _MUST_CHANGE_THERE
    if user is None:
        return refused if refused and verdict is not Verdict.WRONG else Refused(WRONG, "unknown")
    if not is_active(user) and not (refused and refused.sentence == WRONG):
        return Refused(WRONG, "inactive")
    return refused or Entered(user, verdict is Verdict.MUST_CHANGE, generation, _NOTICES.get(verdict, ""))
