"""The writes that keep a person's secrets: what the directory asks for when people come, change and go."""

from collections.abc import Sequence
from typing import Final

from idp.auth.flows import FLOWS
from idp.auth.hashing import HashingPool
from idp.auth.limits import LIMITS
from idp.auth.password_rules import PasswordRules
from idp.auth.people import names_of
from idp.auth.personal_tokens import PERSONAL_TOKENS
from idp.auth.sessions import SESSIONS
from idp.auth.tokens import TOKENS
from idp.auth.verifiers import CACHED_PASSWORDS, CREDENTIALS, generation_of
from idp.clock import Clock, to_text
from idp.directory import Resource
from idp.directory.model import Document
from idp.errors import InvalidValue, NotAuthenticated
from idp.query import Field
from idp.store.contract import Check, DeleteWhere, Insert, Record, Replace, Store, Write

FACTORS: Final = "factors"
RECOVERY: Final = "recovery"
CODES: Final = "codes"

_USER: Final = Field(("user",))
_LINKS: Final = ((TOKENS, Field(("subject",))),)
_ACCESS: Final = (
    (SESSIONS, _USER),
    (FLOWS, _USER),
    (PERSONAL_TOKENS, _USER),
    (CACHED_PASSWORDS, _USER),
    *_LINKS,
)
_SECOND_FACTORS: Final = ((FACTORS, _USER), (RECOVERY, _USER), (CODES, _USER))
_EVERYTHING: Final = (*_ACCESS, *_SECOND_FACTORS, (CREDENTIALS, _USER), (LIMITS, Field(("account",))))


class Outdated(NotAuthenticated):
    """Another password was set since the one was verified that this builds on."""

    def __init__(self) -> None:
        super().__init__("the password has been changed meanwhile")


class UserCredentials:
    """Implements `idp.directory.Credentials`; nothing is written here, only prepared for somebody's commit."""

    def __init__(self, store: Store, clock: Clock, pool: HashingPool, rules: PasswordRules) -> None:
        self._store = store
        self._clock = clock
        self._pool = pool
        self._rules = rules

    def over(self, store: Store) -> "UserCredentials":
        """Return the same over another store."""
        return UserCredentials(store, self._clock, self._pool, self._rules)

    async def prepare(self, user_id: str, password: str, document: Document) -> Sequence[Write]:
        """Return the writes that make this the password and end what was started with the old one."""
        return [*await self.password(user_id, password, names=names_of(document)), *self.deactivated(user_id)]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules for passwords, as sentences to show."""
        return self._rules.sentences

    async def exist(self, user_id: str) -> bool:
        """Tell whether a person has a password here."""
        return await self._store.get(CREDENTIALS, user_id) is not None

    async def generation(self, user_id: str) -> int:
        """Return which of a person's passwords is in force; see `generation_of`."""
        return generation_of(await self._store.get(CREDENTIALS, user_id))

    async def holding(self, user_id: str, generation: int) -> Sequence[Write]:
        """Return the check that this password is still in force. Raises Outdated when it is not."""
        record = await self._store.get(CREDENTIALS, user_id)
        if generation_of(record) != generation:
            raise Outdated
        return [Check(CREDENTIALS, user_id, record.version)] if record else []

    async def changed(self, user: Resource, password: str, generation: int) -> Sequence[Write]:
        """Return the writes that put another password in place of that one.

        Raises InvalidValue, Overloaded, and Outdated when another one was set meanwhile.
        """
        record = await self._store.get(CREDENTIALS, user.id)
        if generation_of(record) != generation:
            raise Outdated
        if record and await self._pool.verify(record.document["hash"], password):
            raise InvalidValue("password", "Choose another password than the present one.")
        return [await self._set(user.id, password, names_of(user.document), record, must_change=False)]

    async def password(
        self, user_id: str, password: str, *, names: Sequence[str] = (), must_change: bool = False
    ) -> Sequence[Write]:
        """Return the writes that make this the password. Raises InvalidValue on `password`, Overloaded.

        `names` are what it must not be made of. The writes lose against a password that was set meanwhile.
        """
        record = await self._store.get(CREDENTIALS, user_id)
        return [await self._set(user_id, password, names, record, must_change=must_change)]

    def deactivated(self, user_id: str) -> Sequence[Write]:
        """Return the writes that end sessions, logins under way, links and tokens."""
        return _without(user_id, _ACCESS)

    def links_ended(self, user_id: str) -> Sequence[Write]:
        """Return the writes that make mailed links invalid."""
        return _without(user_id, _LINKS)

    def without_factors(self, user_id: str) -> Sequence[Write]:
        """Return the writes that remove every second factor."""
        return _without(user_id, _SECOND_FACTORS)

    def removed(self, user_id: str) -> Sequence[Write]:
        """Return the writes that leave nothing of a person."""
        return _without(user_id, _EVERYTHING)

    async def _set(
        self, user_id: str, password: str, names: Sequence[str], before: Record | None, *, must_change: bool
    ) -> Write:
        self._rules.check(password, names)
        document = {
            "id": user_id,
            "user": user_id,
            "hash": await self._pool.hash(password),
            "changed": to_text(self._clock.now()),
            "mustChange": must_change,
            "generation": generation_of(before) + 1,
        }
        return Replace(CREDENTIALS, document, before.version) if before else Insert(CREDENTIALS, document)


def passwords_ended(user_id: str) -> Sequence[Write]:
    """Return the writes that leave no password of a person here, for when it is kept elsewhere or set anew."""
    return _without(user_id, ((CREDENTIALS, _USER), (CACHED_PASSWORDS, _USER)))


def _without(user_id: str, where: Sequence[tuple[str, Field]]) -> Sequence[Write]:
    return [DeleteWhere(collection, field, user_id) for collection, field in where]
