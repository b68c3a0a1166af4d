"""Local passwords: set, changed, reset by a mailed link."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from idp.access import ANONYMOUS, Actor, Area, Target, Verb, demand
from idp.audit import Tag
from idp.auth.assurance import demand_more_than_the_mailbox
from idp.auth.context import Context, existing, unchanged
from idp.auth.credentials import UserCredentials
from idp.auth.enroller import Enroller
from idp.auth.entry import PasswordEntry, unknown_account
from idp.auth.limits import Kind, Limits
from idp.auth.people import actor_of, greeting_of, has_local_password, is_active, mail_of, names_of
from idp.auth.sessions import Session, Sessions
from idp.auth.tokens import TOKENS, OneTimeTokens
from idp.directory import Resource
from idp.directory.locks import retrying
from idp.directory.user_plans import role_of
from idp.errors import InvalidValue, NotAuthenticated, NotFound, VersionMismatch
from idp.mail import Message, messages
from idp.store.contract import Write

PURPOSE: Final = "password"
RESET_LIFETIME: Final = timedelta(hours=2)
ACTIVATION_LIFETIME: Final = timedelta(days=3)

WRONG: Final = "The current password is not right."
ELSEWHERE: Final = "The password of this account is kept in the directory that it comes from."


class _Link(NamedTuple):
    """A kind of link: how long it lives, and the letter with it, from address, name, login, token and seconds."""

    lifetime: timedelta
    letter: Callable[[str, str, str, str, int], Message]


_RESET: Final = _Link(RESET_LIFETIME, messages.password_reset)
_WELCOME: Final = _Link(ACTIVATION_LIFETIME, messages.activation)
_MOVED: Final = _Link(ACTIVATION_LIFETIME, messages.password_moved)


class Passwords:
    """Changes passwords. One that breaks a rule raises InvalidValue on `password`, with the rule as its reason."""

    def __init__(
        self,
        context: Context,
        credentials: UserCredentials,
        entry: PasswordEntry,
        sessions: Sessions,
        tokens: OneTimeTokens,
        limits: Limits,
        enroller: Enroller,
    ) -> None:
        self._context = context
        self._credentials = credentials
        self._entry = entry
        self._sessions = sessions
        self._tokens = tokens
        self._limits = limits
        self._enroller = enroller

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that are checked, as sentences to show."""
        return self._credentials.rules

    async def set(self, actor: Actor, user_id: str, new: str, *, must_change: bool = True) -> None:
        """Set another person's password (an administrator, the command line); their sessions end. Raises NotFound."""

        async def attempt() -> None:
            # In each attempt: who was made an administrator meanwhile is no longer anybody's to change.
            user = await self._demand(actor, Verb.SET_PASSWORD, user_id)
            password = await self._credentials.password(
                user_id, new, names=names_of(user.document), must_change=must_change
            )
            happened = self._context.event(Tag.AUTH_PASSWORD_SET, actor, user_id, {"mustChange": must_change})
            ended = self._credentials.deactivated(user_id)
            letter = self._context.letter(user, messages.password_changed)
            await self._context.commit([unchanged(user), *password, *ended, happened, *letter])

        await retrying(attempt)

    async def change(self, session: Session, old: str, new: str, address: str) -> None:
        """Change one's own; InvalidValue on `current password` when the old one is wrong.

        Other sessions, logins under way and links end. Raises NotAuthenticated when session or old password ended
        meanwhile, StaleLogin when a mailed code stood in for the app.
        """
        user = session.user
        if not has_local_password(user):
            raise InvalidValue("password", ELSEWHERE)
        await demand_more_than_the_mailbox(session, self._enroller)
        # Read first: what is set after this, by an administrator say, is not what `old` proves.
        generation = await self._credentials.generation(user.id)
        if not await self._entry.again(user, old, address):
            raise InvalidValue("current password", WRONG)

        async def attempt() -> None:
            others = await self._sessions.others_ended(session)
            password = await self._credentials.changed(user, new, generation)
            happened = self._context.event(Tag.AUTH_PASSWORD_CHANGED, actor_of(user, address), user.id)
            letter = self._context.letter(user, messages.password_changed)
            voided = self._tokens.voided(user.id)
            await self._context.commit([existing(user), *password, *others, voided, happened, *letter])

        await retrying(attempt)

    async def request_reset(self, login: str, address: str) -> None:
        """Mail a reset link if the name or address belongs to somebody active with a local password.

        The answer is the same for everybody: none. Raises RateLimited.
        """
        user = await self._context.users.by_login(login)
        # Counted apart from mailed codes: anybody may ask for a link, and must keep nobody from logging in by that.
        async with self._limits.attempt(Kind.LINK, user.id if user else unknown_account(login), address):
            writes = self._link(user, _RESET) if user and _may_reset(user) else []
        # Recorded for strangers too, so that the answer takes as long.
        details = {"mailed": bool(writes)}
        asked = self._context.event(Tag.AUTH_RESET_REQUESTED, ANONYMOUS(address), user.id if user else "", details)
        await self._context.commit([*writes, asked])

    async def send_reset(self, actor: Actor, user_id: str) -> None:
        """Mail a person a link to set a password, the first one as a welcome. Raises NotFound, InvalidValue."""
        text = self._tokens.new_text()

        async def attempt() -> None:
            user = await self._demand(actor, Verb.RESET_PASSWORD, user_id)
            link = self._link(user, _RESET if await self._credentials.exist(user_id) else _WELCOME, text=text)
            if not link:
                raise InvalidValue("emails", "The account has no address to send a link to.")
            asked = self._context.event(Tag.AUTH_RESET_REQUESTED, actor, user_id, {"mailed": True})
            try:
                await self._context.commit([unchanged(user), *link, asked])
            except VersionMismatch as error:
                # Nobody but an attempt before this one, whose answer was lost, can have issued this very link.
                if error.collection != TOKENS:
                    raise

        await retrying(attempt)

    def moved_link(self, user: Resource) -> Sequence[Write]:
        """Return the writes that mail a link to a person whose password was a directory's so far; none without address.

        They belong into the commit that makes the password one that is kept here.
        """
        return self._link(user, _MOVED)

    async def reset_owner(self, token: str) -> Resource | None:
        """Return whom a reset link belongs to, None when it is unknown, used or expired."""
        taken = await self._tokens.peek(PURPOSE, token)
        user = await self._context.user(taken.subject) if taken else None
        return user if user and _may_reset(user) else None

    async def reset(self, token: str, new: str, address: str) -> None:
        """Use a reset link; sessions end, a second factor stays. Raises NotAuthenticated for a dead link."""

        async def attempt() -> Resource:
            taken, user = await self._tokens.peek(PURPOSE, token), await self.reset_owner(token)
            if taken is None or user is None:
                raise NotAuthenticated("the link has been used or has expired")
            password = await self._credentials.password(user.id, new, names=names_of(user.document))
            happened = self._context.event(Tag.AUTH_RESET_USED, actor_of(user, address), user.id)
            ended = self._credentials.deactivated(user.id)
            letter = self._context.letter(user, messages.password_changed)
            await self._context.commit([taken.spent, unchanged(user), *password, *ended, happened, *letter])
            return user

        user = await retrying(attempt)
        await self._limits.clear(Kind.PASSWORD, user.id)

    def _link(self, user: Resource, kind: _Link, *, text: str | None = None) -> Sequence[Write]:
        """Return the writes that mail a person a link; none when there is no address."""
        to = mail_of(user)
        if to is None:
            return []
        text, token = self._tokens.issue(PURPOSE, user.id, kind.lifetime, text=text)
        seconds = int(kind.lifetime.total_seconds())
        letter = kind.letter(to, greeting_of(user), user.document["userName"], text, seconds)
        return [token, self._context.mailer.queue(letter)]

    async def _demand(self, actor: Actor, verb: Verb, user_id: str) -> Resource:
        demand(actor, verb, Area.USERS, Target("", role=None))
        user = await self._context.user(user_id)
        if user is None:
            raise NotFound("User", user_id)
        # Without an id: one's own password is changed where the old one is asked for.
        demand(actor, verb, Area.USERS, Target("", role=role_of(user.document)))
        if not has_local_password(user):
            raise InvalidValue("password", ELSEWHERE)
        return user


def _may_reset(user: Resource) -> bool:
    return is_active(user) and has_local_password(user)
