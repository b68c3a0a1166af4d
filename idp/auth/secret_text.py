"""Secrets as text: how they are made, and what of them is stored."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Final

Random = Callable[[int], bytes]

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# 32 letters that nobody mixes up when reading them out: no i, l, o, u.
_READABLE: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LOOK_ALIKES: Final = str.maketrans({"i": "1", "l": "1", "o": "0", "u": "v"})


def new_secret(random: Random) -> str:
    """Return 256 random bits as 43 letters and digits, fit for cookies, headers and links."""
    number = int.from_bytes(random(32))
    digits = []
    for _ in range(43):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(digits)


def digest(text: str) -> str:
    """Return what is stored of a secret: SHA-256, which is enough for values too long to be guessed."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_of(secret: str) -> str:
    """Return the token that a page posts back beside its cookie; it tells nothing of the cookie's secret."""
    return urlsafe_b64encode(hmac.digest(secret.encode(), b"csrf", "sha256")).rstrip(b"=").decode()


def new_recovery_code(random: Random) -> str:
    """Return 80 random bits in four groups; as many as make a stored SHA-256 useless to whoever steals it."""
    number = int.from_bytes(random(10))
    letters = "".join(_READABLE[number >> shift & 31] for shift in range(0, 80, 5))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def plain_recovery_code(typed: str) -> str:
    """Return a code as it was made, whatever case, blanks, dashes and look-alike letters somebody typed."""
    return "".join(typed.casefold().translate(_LOOK_ALIKES).replace("-", " ").split())


def new_digits(random: Random, count: int = 6) -> str:
    """Return random decimal digits without a bias: 8 bytes leave one of 10^-13 at most."""
    return f"{int.from_bytes(random(8)) % 10**count:0{count}d}"
