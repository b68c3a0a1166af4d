"""Codes of authenticator apps (RFC 6238), each accepted once."""

import asyncio
import hmac
from base64 import b32encode
from collections.abc import Sequence
from typing import Any, Final

import pyotp

from idp.auth.credentials import FACTORS
from idp.auth.factors.contract import Challenge, Proof
from idp.auth.factors.qr import qr_svg
from idp.auth.limits import Kind
from idp.auth.sealing import Sealer
from idp.auth.secret_text import Random
from idp.auth.views import PendingTotp
from idp.clock import Clock, to_text
from idp.directory.model import Resource
from idp.store.contract import Insert, Record, Replace, Store, Write

# RFC 6238 section 4 and 5.2: steps of 30 s; one step either way for clocks that differ and people who type slowly.
_STEP: Final = 30
_WINDOW: Final = (0, -1, 1)
_DIGITS: Final = 6
# RFC 4226 section 4 recommends 160 bits.
_SECRET_BYTES: Final = 20


class Totp:
    """The factor, and how it is enrolled. The last accepted step is stored and only ever moves on."""

    kind: Final = Kind.TOTP

    def __init__(self, store: Store, clock: Clock, random: Random, sealer: Sealer, issuer: str) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._sealer = sealer
        self._issuer = issuer

    async def is_available(self, user: Resource) -> bool:
        """Tell whether the person has enrolled."""
        return await self._record(user.id) is not None

    async def begin(self, user: Resource, challenge: Challenge) -> Sequence[Write]:
        """Return nothing: the app needs no word from us."""
        return ()

    async def verify(self, user: Resource, challenge: Challenge, code: str) -> Proof | None:
        """Return the proof for a code of a step that is later than the last accepted one."""
        record = await self._record(user.id)
        if record is None:
            return None
        stored = record.document
        step = self._step_of(self._opened(stored["sealed"], user.id), code, after=stored["lastStep"])
        if step is None:
            return None
        sealed = self._sealer.renewed(stored["sealed"], _context(user.id))
        return Proof([Replace(FACTORS, {**stored, "lastStep": step, "sealed": sealed}, record.version)])

    def new_secret(self) -> str:
        """Return a new secret in base32, as apps want it."""
        return b32encode(self._random(_SECRET_BYTES)).decode()

    def seal(self, user_id: str, secret: str) -> str:
        """Return a secret as it may be stored, also while it waits to be confirmed."""
        return self._sealer.seal(secret.encode(), _context(user_id))

    async def pending(self, user: Resource, sealed: str) -> PendingTotp:
        """Return a sealed secret as the page shows it to its owner."""
        secret = self._opened(sealed, user.id)
        name = user.document["userName"]
        uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=self._issuer)
        return PendingTotp(secret, uri, await asyncio.to_thread(qr_svg, uri))

    def confirmed_step(self, user: Resource, sealed: str, code: str) -> int | None:
        """Return the step of a code of the sealed secret, None when it is not one; it is to count as used."""
        return self._step_of(self._opened(sealed, user.id), code, after=-1)

    def enrolled(self, user_id: str, sealed: str, last_step: int = -1) -> Write:
        """Return the write that enrols a person who has not yet; it fails for everybody else."""
        return Insert(FACTORS, self._document(user_id, sealed, last_step))

    async def enrolled_anew(self, user_id: str, sealed: str, last_step: int = -1) -> Write:
        """Return the write that enrols a person, in place of what they have."""
        record = await self._record(user_id)
        if record is None:
            return self.enrolled(user_id, sealed, last_step)
        return Replace(FACTORS, self._document(user_id, sealed, last_step), record.version)

    def _document(self, user_id: str, sealed: str, last_step: int) -> dict[str, Any]:
        return {
            "id": f"{user_id}:{self.kind}",
            "user": user_id,
            "kind": self.kind.value,
            "sealed": sealed,
            "lastStep": last_step,
            "enrolled": to_text(self._clock.now()),
        }

    async def _record(self, user_id: str) -> Record | None:
        return await self._store.get(FACTORS, f"{user_id}:{self.kind}")

    def _opened(self, sealed: str, user_id: str) -> str:
        return self._sealer.open(sealed, _context(user_id)).decode()

    def _step_of(self, secret: str, code: str, after: int) -> int | None:
        typed = "".join(code.split())
        if len(typed) != _DIGITS or not (typed.isascii() and typed.isdigit()):
            return None
        now = int(self._clock.now().timestamp()) // _STEP
        generator = pyotp.TOTP(secret)
        steps = (now + offset for offset in _WINDOW if now + offset > after)
        return next((step for step in steps if hmac.compare_digest(generator.generate_otp(step), typed)), None)


def _context(user_id: str) -> str:
    return f"totp:{user_id}"
