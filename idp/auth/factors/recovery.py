"""Recovery codes: a set on paper for the day the phone is lost, each good for one login."""

from collections.abc import Sequence
from typing import Final

from idp.audit import Tag
from idp.auth.context import Context
from idp.auth.credentials import RECOVERY
from idp.auth.factors.contract import Challenge, Proof
from idp.auth.limits import Kind
from idp.auth.people import actor_of
from idp.auth.secret_text import Random, digest, new_recovery_code, plain_recovery_code
from idp.directory.model import Resource
from idp.mail import messages
from idp.query import Compare, Field, Op
from idp.store.contract import Delete, DeleteWhere, Insert, Write

_USER: Final = Field(("user",))


class RecoveryCodes:
    """The factor, and how a set is made. A new set voids the old one."""

    kind: Final = Kind.RECOVERY

    def __init__(self, context: Context, random: Random, count: int = 10) -> None:
        self._context = context
        self._store = context.store
        self._random = random
        self._count = count

    async def is_available(self, user: Resource) -> bool:
        """Tell whether any code is left."""
        return await self.left(user.id) > 0

    async def begin(self, user: Resource, challenge: Challenge) -> Sequence[Write]:
        """Return nothing: the codes are on paper."""
        return ()

    async def verify(self, user: Resource, challenge: Challenge, code: str) -> Proof | None:
        """Return the proof for one of the person's unused codes; the person is told of its use."""
        record = await self._store.get(RECOVERY, _id(user.id, plain_recovery_code(code)))
        if record is None:
            return None
        left = await self.left(user.id) - 1
        used = self._context.event(Tag.AUTH_RECOVERY_USED, actor_of(user, challenge.address), user.id, {"left": left})
        letter = self._context.letter(user, lambda to, name: messages.recovery_used(to, name, left))
        return Proof([Delete(RECOVERY, record.id, record.version), used, *letter])

    async def left(self, user_id: str) -> int:
        """Return how many codes are unused."""
        return await self._store.count(RECOVERY, Compare(_USER, Op.EQ, user_id))

    def new_set(self, user_id: str) -> tuple[tuple[str, ...], Sequence[Write]]:
        """Return new codes to be shown once, and the writes that make them the only ones."""
        codes = tuple(new_recovery_code(self._random) for _ in range(self._count))
        records = ({"id": _id(user_id, plain_recovery_code(code)), "user": user_id} for code in codes)
        return codes, [self.removed(user_id), *(Insert(RECOVERY, record) for record in records)]

    def removed(self, user_id: str) -> Write:
        """Return the write that voids whatever codes there are."""
        return DeleteWhere(RECOVERY, _USER, user_id)


def _id(user_id: str, code: str) -> str:
    return digest(f"{user_id}:{code}")
