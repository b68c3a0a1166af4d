"""The writes that keep a person's secrets: what the directory asks for when people come, change and go."""

from collections.abc import Sequence
from typing import Final

from idp.auth.flows import FLOWS
from idp.auth.hashing import HashingPool
from idp.auth.limits import LIMITS
from idp.auth.password_rules import PasswordRules
from idp.auth.people import names_of
from idp.auth.sessions import SESSIONS
from idp.auth.tokens import TOKENS
from idp.auth.verifiers import CREDENTIALS
from idp.clock import Clock, to_text
from idp.directory import Resource
from idp.errors import InvalidValue
from idp.query import Field
from idp.store.contract import DeleteWhere, Insert, Replace, Store, Write

FACTORS: Final = "factors"
RECOVERY: Final = "recovery"
CODES: Final = "codes"

_USER: Final = Field(("user",))
_ACCESS: Final = (
    (SESSIONS, _USER),
    (FLOWS, _USER),
    (TOKENS, Field(("subject",))),
)
_SECOND_FACTORS: Final = ((FACTORS, _USER), (RECOVERY, _USER), (CODES, _USER))
_EVERYTHING: Final = (*_ACCESS, *_SECOND_FACTORS, (CREDENTIALS, _USER), (LIMITS, Field(("account",))))


class UserCredentials:
    """Implements `idp.directory.Credentials`; nothing is written here, only prepared for somebody's commit."""

    def __init__(self, store: Store, clock: Clock, pool: HashingPool, rules: PasswordRules) -> None:
        self._store = store
        self._clock = clock
        self._pool = pool
        self._rules = rules

    async def prepare(self, user_id: str, password: str) -> Sequence[Write]:
        """Return the writes that make this the password and end what was started with the old one."""
        return [*await self.password(user_id, password), *self.deactivated(user_id)]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules for passwords, as sentences to show."""
        return self._rules.sentences

    async def exist(self, user_id: str) -> bool:
        """Tell whether a person has a password here."""
        return await self._store.get(CREDENTIALS, user_id) is not None

    async def changed(self, user: Resource, password: str) -> Sequence[Write]:
        """Return the writes that give a person another password than they have. Raises InvalidValue, Overloaded."""
        record = await self._store.get(CREDENTIALS, user.id)
        if record and await self._pool.verify(record.document["hash"], password):
            raise InvalidValue("password", "Choose another password than the present one.")
        return await self.password(user.id, password, names=names_of(user.document))

    async def password(
        self, user_id: str, password: str, *, names: Sequence[str] = (), must_change: bool = False
    ) -> Sequence[Write]:
        """Return the writes that make this the password. Raises InvalidValue on `password`, Overloaded.

        `names` are what it must not be made of. The writes lose against a password that was set meanwhile.
        """
        self._rules.check(password, names)
        document = {
            "id": user_id,
            "user": user_id,
            "hash": await self._pool.hash(password),
            "changed": to_text(self._clock.now()),
            "mustChange": must_change,
        }
        record = await self._store.get(CREDENTIALS, user_id)
        return [Replace(CREDENTIALS, document, record.version) if record else Insert(CREDENTIALS, document)]

    def deactivated(self, user_id: str) -> Sequence[Write]:
        """Return the writes that end sessions, logins under way and links."""
        return _without(user_id, _ACCESS)

    def without_factors(self, user_id: str) -> Sequence[Write]:
        """Return the writes that remove every second factor."""
        return _without(user_id, _SECOND_FACTORS)

    def removed(self, user_id: str) -> Sequence[Write]:
        """Return the writes that leave nothing of a person."""
        return _without(user_id, _EVERYTHING)


def _without(user_id: str, where: Sequence[tuple[str, Field]]) -> Sequence[Write]:
    return [DeleteWhere(collection, field, user_id) for collection, field in where]
