"""Who says whether a password is right: this store for local people, their directory for the others."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from idp.auth.hashing import HashingPool
from idp.auth.people import has_local_password, source_name
from idp.auth.views import Verdict
from idp.directory.model import Resource
from idp.errors import Overloaded, VersionMismatch
from idp.store.contract import Record, Replace, Store

CREDENTIALS: Final = "credentials"
CACHED_PASSWORDS: Final = "cached_passwords"
"""What directories have accepted, for when they are down; kept by whoever asks them, ended with a person's access."""


def generation_of(credential: Record | None) -> int:
    """Return which of a person's passwords is in force: 0 for none here, one more with each that is set.

    Whoever reads it before verifying a password can demand later that it is still the same one.
    """
    return int(credential.document.get("generation", 1)) if credential else 0


class PasswordVerifier(Protocol):
    """Checks the passwords of people from one source."""

    async def verify(self, user: Resource, password: str) -> Verdict:
        """Return what is to be said of this password. Raises Unavailable or Overloaded when nothing can be said."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a directory says of a name that is nobody's here; with a right password the account it has now."""

    verdict: Verdict
    user: Resource | None = None


class Newcomers(Protocol):
    """People of one source who have no account yet, and get one when they log in."""

    async def admit(self, login: str, password: str) -> Arrival:
        """Check the password of who has this login there, ABSENT for nobody. Raises Unavailable, Overloaded."""
        ...


class LocalPasswords:
    """Checks passwords against the hashes in the store."""

    def __init__(self, store: Store, pool: HashingPool) -> None:
        self._store = store
        self._pool = pool

    async def verify(self, user: Resource, password: str) -> Verdict:
        """Verify; who has no password takes as long to be refused as anybody."""
        record = await self._store.get(CREDENTIALS, user.id)
        if record is None:
            await self._pool.verify_nobody(password)
            return Verdict.WRONG
        stored = record.document["hash"]
        if not await self._pool.verify(stored, password):
            return Verdict.WRONG
        if self._pool.is_outdated(stored):
            # Only now is the password at hand. That it is not hashed anew this time is no reason to refuse anybody.
            with suppress(Overloaded, VersionMismatch):
                rehashed = {**record.document, "hash": await self._pool.hash(password)}
                await self._store.commit([Replace(CREDENTIALS, rehashed, record.version)])
        return Verdict.MUST_CHANGE if record.document["mustChange"] else Verdict.RIGHT


class Verifiers:
    """Finds the verifier of a person's source; `directories` are those of the sources named `ldap:…`."""

    def __init__(self, local: PasswordVerifier, directories: Mapping[str, PasswordVerifier], pool: HashingPool) -> None:
        self._local = local
        self._directories = directories
        self._pool = pool

    async def verify(self, user: Resource | None, password: str) -> Verdict:
        """Verify; nobody, people their directory no longer has and empty passwords take as long as anybody."""
        verifier = self._of(user)
        if user is None or verifier is None or not password:
            await self._pool.verify_nobody(password)
            return Verdict.WRONG
        verdict = await verifier.verify(user, password)
        if verdict is Verdict.ABSENT:
            await self._pool.verify_nobody(password)
        return verdict

    def _of(self, user: Resource | None) -> PasswordVerifier | None:
        if user is None or has_local_password(user):
            return self._local
        return self._directories.get(source_name(user))
