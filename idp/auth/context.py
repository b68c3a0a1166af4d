"""What nearly every service of authentication works with: store, clock, people and mail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from idp.access import SYSTEM_ACTOR, Actor
from idp.audit import Detail, Tag, event
from idp.auth.people import greeting_of, mail_of
from idp.clock import Clock, to_text
from idp.directory import Resource, Users
from idp.errors import NotFound, NotUnique, VersionMismatch
from idp.mail import Mailer, Message
from idp.schema import USER
from idp.store.contract import Check, Insert, Store, Write

_USERS: Final = USER.collection
_READER: Final = SYSTEM_ACTOR("authentication")


@dataclass(frozen=True, slots=True)
class Context:
    """The things themselves, and the few phrases that every service says with them."""

    store: Store
    clock: Clock
    users: Users
    mailer: Mailer

    @property
    def now(self) -> str:
        """The present moment as it is stored."""
        return to_text(self.clock.now())

    async def user(self, id: str) -> Resource | None:
        """Return a user as the system sees them, None when there is none (any more)."""
        try:
            return await self.users.get(_READER, id)
        except NotFound:
            return None

    def event(self, tag: Tag, actor: Actor, target: str, details: Mapping[str, Detail] | None = None) -> Insert:
        """Return the write that records what happens."""
        return event(tag, actor, target, self.clock, details)

    def letter(self, user: Resource, message: Callable[[str, str], Message]) -> Sequence[Write]:
        """Return the write that queues a message to a person, none when there is no address."""
        to = mail_of(user)
        return [self.mailer.queue(message(to, greeting_of(user)))] if to else []

    async def commit(self, writes: Sequence[Write]) -> None:
        """Commit; a record that somebody else added meanwhile is a lost race like any other: VersionMismatch."""
        try:
            await self.store.commit(writes)
        except NotUnique as error:
            raise VersionMismatch(error.collection, error.attribute) from None


def existing(user: Resource) -> Check:
    """Return the check that an account has not been deleted meanwhile."""
    return Check(_USERS, user.id)


def unchanged(user: Resource) -> Check:
    """Return the check that an account is still as it was read: not disabled, renamed or deleted meanwhile."""
    return Check(_USERS, user.id, user.version)
