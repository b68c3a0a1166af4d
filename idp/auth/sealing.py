"""Encryption of the few secrets that must be read again, under keys that can be rotated."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idp.auth.secret_text import Random

_NONCE_BYTES: Final = 12


class SealBroken(ValueError):
    """What was sealed cannot be opened: its key is missing, or it was not sealed here for this purpose."""


class _Key:
    def __init__(self, raw: bytes) -> None:
        # Named after itself, so that no two keys ever share a name.
        self.id = sha256(b"key id" + raw).hexdigest()[:8]
        self.cipher = AESGCM(raw)
        self.mac = hmac.digest(raw, b"fingerprints", "sha256")


class Sealer:
    """Seals under the first of its keys and opens under any; `context` is bound to what is sealed, not stored in it."""

    def __init__(self, keys: Iterable[bytes], random: Random) -> None:
        made = [_Key(raw) for raw in keys]
        self._newest = made[0]
        self._keys = {key.id: key for key in made}
        self._random = random

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the keys, the newest first; they say nothing of the keys themselves."""
        return tuple(self._keys)

    def derived(self, purpose: str) -> "Sealer":
        """Return a sealer with keys of its own, made from these: what one of the two sealed the other cannot open."""
        message = b"derived for " + purpose.encode()
        return Sealer((hmac.digest(key.mac, message, "sha256") for key in self._keys.values()), self._random)

    def seal(self, plain: bytes, context: str) -> str:
        """Return the encrypted bytes as text, with the name of the key."""
        nonce = self._random(_NONCE_BYTES)
        hidden = nonce + self._newest.cipher.encrypt(nonce, plain, context.encode())
        return f"{self._newest.id}.{urlsafe_b64encode(hidden).decode()}"

    def open(self, sealed: str, context: str) -> bytes:
        """Return what was sealed for the same context. Raises SealBroken."""
        name, _, text = sealed.partition(".")
        key = self._keys.get(name)
        if key is None:
            raise SealBroken(f"the key {name!r} is missing from the key file")
        try:
            hidden = urlsafe_b64decode(text)
            return key.cipher.decrypt(hidden[:_NONCE_BYTES], hidden[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError):
            raise SealBroken(f"what was sealed for {context} cannot be opened") from None

    def renewed(self, sealed: str, context: str) -> str:
        """Return the same, sealed under the first key if it was not: rewriting a record completes a rotation."""
        is_newest = sealed.startswith(f"{self._newest.id}.")
        return sealed if is_newest else self.seal(self.open(sealed, context), context)

    def fingerprint(self, text: str, context: str) -> str:
        """Return what to store of a short code: a keyed hash, as a plain one is undone by trying them all."""
        return self._fingerprint(self._newest, text, context)

    def is_fingerprint(self, stored: str, text: str, context: str) -> bool:
        """Tell whether the text is the one whose fingerprint was stored for the same context."""
        key = self._keys.get(stored.partition(".")[0])
        return key is not None and hmac.compare_digest(stored, self._fingerprint(key, text, context))

    def _fingerprint(self, key: _Key, text: str, context: str) -> str:
        message = f"{len(context)}:{context}{text}".encode("utf-8", "surrogatepass")
        return f"{key.id}.{hmac.digest(key.mac, message, 'sha256').hex()}"
