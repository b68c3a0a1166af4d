"""What people may log in with while their directory is down: passwords it has accepted lately, hashed and sealed."""

from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, Protocol

from idp.auth import CACHED_PASSWORDS, HashingPool, SealBroken, Sealer, Verdict
from idp.clock import Clock, to_text
from idp.directory import Resource
from idp.errors import NotUnique, Overloaded, VersionMismatch
from idp.schema import USER
from idp.store.contract import Check, Delete, Insert, Record, Replace, Store
from ldap_bridge.errors import DirectoryUnable, DirectoryUnavailable, DirectoryUntrusted

_KEPT: Final = frozenset({Verdict.RIGHT, Verdict.EXPIRING})


class Verifier(Protocol):
    """Who is asked as long as it answers."""

    async def verify(self, user: Resource, password: str) -> Verdict:
        """Return what the directory says. Raises DirectoryUnavailable, Overloaded."""
        ...


class CachedPasswords:
    """A `PasswordVerifier` that asks the directory, and answers by itself only when there is no directory to ask."""

    def __init__(
        self, inner: Verifier, store: Store, clock: Clock, pool: HashingPool, sealer: Sealer, lifetime: timedelta
    ) -> None:
        self._inner = inner
        self._store = store
        self._clock = clock
        self._pool = pool
        self._sealer = sealer
        self._lifetime = lifetime

    async def verify(self, user: Resource, password: str) -> Verdict:
        """Return what the directory says, else CACHED or WRONG. Raises as the directory's verifier does.

        A directory that answers, but not with a verdict, is not down; nor is one that is not to be trusted.
        """
        try:
            verdict = await self._inner.verify(user, password)
        except (DirectoryUnable, DirectoryUntrusted):
            raise
        except DirectoryUnavailable:
            hashed = self._hash_in(await self._record(user))
            if hashed is None:
                raise
            return Verdict.CACHED if await self._pool.verify(hashed, password) else Verdict.WRONG
        # That nothing can be noted is no reason to refuse anybody.
        with suppress(Overloaded, VersionMismatch, NotUnique):
            await self._note(user, password, verdict)
        return verdict

    async def _note(self, user: Resource, password: str, verdict: Verdict) -> None:
        record = await self._record(user)
        if verdict in _KEPT:
            await self._keep(user, password, record)
        elif record and (verdict is not Verdict.WRONG or await self._is_void(record, password)):
            await self._store.commit([Delete(CACHED_PASSWORDS, user.id, record.version)])

    async def _keep(self, user: Resource, password: str, record: Record | None) -> None:
        hashed = await self._pool.hash(password)
        document: dict[str, Any] = {
            "id": user.id,
            "user": user.id,
            "sealed": self._sealer.seal(hashed.encode(), _context(user.id)),
            "expires": to_text(self._clock.now() + self._lifetime),
        }
        write = Replace(CACHED_PASSWORDS, document, record.version) if record else Insert(CACHED_PASSWORDS, document)
        # Whoever is disabled at this moment must not be remembered after it.
        await self._store.commit([Check(USER.collection, user.id, user.version), write])

    async def _is_void(self, record: Record, wrong: str) -> bool:
        """A wrong password proves nothing, unless it is the one that was right before."""
        hashed = self._hash_in(record)
        return hashed is None or await self._pool.verify(hashed, wrong)

    def _hash_in(self, record: Record | None) -> str | None:
        """Return the hash that is kept, None where there is none or its key has been taken away."""
        if record is not None:
            with suppress(SealBroken):
                return self._sealer.open(record.document["sealed"], _context(record.id)).decode()
        return None

    async def _record(self, user: Resource) -> Record | None:
        return await self._store.get(CACHED_PASSWORDS, user.id)


def _context(user: str) -> str:
    return f"directory password of {user}"
