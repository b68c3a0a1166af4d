"""Where the keys come from: the settings or a file; a machine without either makes one, to be accepted later."""

import binascii
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from idp.auth.secret_text import Random
from idp.errors import ConfigError

_KEY_BYTES: Final = 32
_TRIES: Final = 10
_MARK_BYTES: Final = 8
_HEADER: Final = """\
# The keys under which Gatehouse encrypts the secrets of second factors. Keep this file secret, and back it up with
# the store: without it every authenticator app has to be enrolled again.
# One key a line, 32 bytes in base64. The first encrypts, all decrypt: to rotate, put a new key on top
# (openssl rand -base64 32), restart, and remove the old one when nothing is encrypted under it any more.
"""


class KeyFile:
    """The keys given in the settings or, when there are none, those of the file.

    A key made here lies in a draft beside the file until the store is known to be used with no other: whatever ends
    the process before that, the next one finds a key that is as new as it was.
    """

    def __init__(self, given: str, path: Path, random: Random) -> None:
        self._given = given
        self._random = random
        self._made: bytes | None = None
        self.path = path
        self.draft = path.with_name(f"{path.name}.new")

    @property
    def is_new(self) -> bool:
        """Whether the key that was loaded was made on this machine and has not been confirmed. Raises ConfigError."""
        if self._made is None:
            return False
        try:
            # Somebody may have put the right file there meanwhile; that does not make this key any older.
            return self._made not in _parse(self.path.read_text("ascii"), str(self.path))
        except FileNotFoundError:
            return True
        except (OSError, UnicodeError) as error:
            raise self._unusable(error) from error

    def load(self) -> list[bytes]:
        """Return the keys; one is made if there is none. Raises ConfigError."""
        if self._given:
            return _parse(self._given.replace(",", "\n"), "secrets.key")
        try:
            return self._read()
        except (OSError, UnicodeError) as error:
            raise self._unusable(error) from error

    def confirm(self) -> None:
        """Keep the key that was made here: the store is used with it from now on."""
        _link(self.draft, self.path)
        self.draft.unlink(missing_ok=True)

    def discard(self) -> None:
        """Forget the key that was made here."""
        self.draft.unlink(missing_ok=True)

    def _read(self) -> list[bytes]:
        # Another process may confirm or discard the draft at any moment.
        for _ in range(_TRIES):
            with suppress(FileNotFoundError):
                keys = _parse(self.path.read_text("ascii"), str(self.path))
                self._tidy(keys)
                return keys
            with suppress(FileNotFoundError):
                keys = _parse(self.draft.read_text("ascii"), str(self.draft))
                self._made = keys[0]
                return keys
            self._make()
            if self.path.exists():
                self.discard()
        raise FileNotFoundError(f"{self.draft} vanishes again and again")

    def _unusable(self, error: Exception) -> ConfigError:
        return ConfigError(str(self.path), f"the key file cannot be used: {error}")

    def _make(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        made = self.draft.with_name(f"{self.draft.name}.{self._random(_MARK_BYTES).hex()}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{_HEADER}{b64encode(self._random(_KEY_BYTES)).decode()}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            _link(made, self.draft)
        finally:
            made.unlink(missing_ok=True)

    def _tidy(self, keys: Sequence[bytes]) -> None:
        """Remove what a process has left behind that was killed while it made or confirmed a key.

        Copies by other names are somebody's own. A draft that is another key than the file's is kept: nobody can say
        that nothing was encrypted under it.
        """
        with suppress(OSError, UnicodeError, ConfigError):
            for unfinished in self.draft.parent.glob(f"{self.draft.name}.{'[0-9a-f]' * 2 * _MARK_BYTES}"):
                unfinished.unlink(missing_ok=True)
            if self.draft.exists() and {*_parse(self.draft.read_text("ascii"), str(self.draft))} <= {*keys}:
                self.discard()


def _link(source: Path, target: Path) -> None:
    # A link refuses to replace: of several processes that start at once the first one's key is everybody's.
    with suppress(FileExistsError, FileNotFoundError):
        os.link(source, target)


def _parse(text: str, where: str) -> list[bytes]:
    lines = [line.strip() for line in text.splitlines()]
    try:
        keys = [b64decode(line, validate=True) for line in lines if line and not line.startswith("#")]
    except (binascii.Error, ValueError):
        raise ConfigError(where, "a key is not base64") from None
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise ConfigError(where, f"expected one or more keys of {_KEY_BYTES} bytes in base64")
    return keys
