"""Where a page may send the browser: to paths of this site, whatever was asked for."""

from typing import Final
from urllib.parse import quote, unquote

from idp.auth.flow import return_path

HOME: Final = "/account"
SIGN_IN: Final = "/login"
_ROUNDS: Final = 4


def local_path(text: str) -> str:
    """Return the path if it stays on this site however often it is decoded, else the account page."""
    decoded = text
    for _ in range(_ROUNDS):
        if return_path(decoded) != decoded:
            return HOME
        previous, decoded = decoded, unquote(decoded)
        if decoded == previous:
            return HOME if text == "/" else text
    return HOME


def login_path(next: str) -> str:
    """Return the address of the login that leads to a path afterwards."""
    return f"{SIGN_IN}?next={quote(next, safe='/')}"
