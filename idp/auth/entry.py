"""The first factor: a login name and a password, within the limits."""

from dataclasses import dataclass
from typing import Final

from idp.access import ANONYMOUS
from idp.audit import Tag
from idp.auth.context import Context
from idp.auth.limits import Kind, Limits
from idp.auth.people import actor_of, has_local_password, is_active
from idp.auth.secret_text import digest
from idp.auth.verifiers import CREDENTIALS, Verifiers, generation_of
from idp.auth.views import Verdict
from idp.directory.model import Resource
from idp.query import fold

WRONG: Final = "The name or the password is not right."
EXPIRED: Final = "Your password has expired. Please change it where your account is kept, and try again."


@dataclass(frozen=True, slots=True)
class Entered:
    """Whose the right password was, and which of theirs."""

    user: Resource
    must_change: bool
    generation: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nobody was let in: the sentence for the person, and the word for the record."""

    sentence: str
    reason: str


class PasswordEntry:
    """Tries passwords. Raises RateLimited, Overloaded and Unavailable."""

    def __init__(self, context: Context, verifiers: Verifiers, limits: Limits) -> None:
        self._context = context
        self._verifiers = verifiers
        self._limits = limits

    async def enter(self, login: str, password: str, address: str) -> Entered | Refused:
        """Try a name and a password; unknown, wrong and inactive are answered alike and take about as long."""
        user = await self._context.users.by_login(login)
        account = user.id if user else unknown_account(login)
        async with self._limits.attempt(Kind.PASSWORD, account, address) as attempt:
            # Read first: of a password set after this it is not known whether it was the right one.
            credential = await self._context.store.get(CREDENTIALS, account)
            verdict = await self._verifiers.verify(user, password)
            answer = _judged(user, verdict, generation_of(credential))
            if isinstance(answer, Entered):
                attempt.right()
        if isinstance(answer, Refused):
            # The name as typed is not recorded: people type passwords into the wrong field.
            target, details = user.id if user else "", {"reason": answer.reason}
            failed = self._context.event(Tag.AUTH_LOGIN_FAILED, ANONYMOUS(address), target, details)
            await self._context.store.commit([failed])
        return answer

    async def again(self, user: Resource, password: str, address: str) -> bool:
        """Tell whether somebody who is logged in knows their password."""
        async with self._limits.attempt(Kind.PASSWORD, user.id, address) as attempt:
            is_right = await self._verifiers.verify(user, password) in (Verdict.RIGHT, Verdict.MUST_CHANGE)
            if is_right:
                attempt.right()
        if not is_right:
            failed = self._context.event(Tag.AUTH_PASSWORD_FAILED, actor_of(user, address), user.id)
            await self._context.store.commit([failed])
        return is_right


def unknown_account(login: str) -> str:
    """Return the account under which attempts on a name that is nobody's are counted, like anybody's."""
    return f"unknown-{digest(fold(login.strip()))[:32]}"


def _judged(user: Resource | None, verdict: Verdict, generation: int) -> Entered | Refused:
    if user is None:
        return Refused(WRONG, "unknown")
    if verdict is Verdict.WRONG:
        return Refused(WRONG, "wrong password")
    if not is_active(user):
        return Refused(WRONG, "inactive")
    # A directory's password can be changed only there.
    if verdict is Verdict.EXPIRED or (verdict is Verdict.MUST_CHANGE and not has_local_password(user)):
        return Refused(EXPIRED, "expired password")
    return Entered(user, verdict is Verdict.MUST_CHANGE, generation)
