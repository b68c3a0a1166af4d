"""What a login name may look like, one rule in two strengths, and what passes for a mail address."""

import unicodedata
from typing import Final

from idp.errors import InvalidValue

# Longer than any address (RFC 5321 allows 254 characters) and short enough for every index.
MAX_NAME: Final = 512
RESERVED: Final = frozenset("/\\[]:;|=+*?<>\",&{}()'%")


def check_name(name: str, *, strict: bool) -> None:
    """Refuse a login name that cannot be typed or told apart. Raises InvalidValue on `userName`.

    Control characters and outer blanks are always refused. `strict` refuses the reserved signs too; it is for names
    made here, since `o'brien@example.com` is a real login elsewhere.
    """
    if len(name) > MAX_NAME:
        raise InvalidValue("userName", f"longer than {MAX_NAME} characters")
    if not name or name != name.strip():
        raise InvalidValue("userName", "may not be empty, or begin or end with a blank")
    if not name.isprintable() and any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in name):
        raise InvalidValue("userName", "may not hold control characters")
    found = sorted(RESERVED.intersection(name)) if strict else ()
    if found:
        raise InvalidValue("userName", f"may not hold {' '.join(found)}")


def check_address(address: str) -> None:
    """Refuse what no mail can be sent to. Raises InvalidValue on `emails`."""
    local, _, domain = address.rpartition("@")
    if not (local and domain) or not address.isprintable() or " " in address:
        raise InvalidValue("emails", "is not a mail address")
