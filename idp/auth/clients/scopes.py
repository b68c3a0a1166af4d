"""What a token may be limited to: reading or writing, for each type of resource."""

from collections.abc import Iterable, Sequence
from typing import Final

from idp.errors import InvalidValue
from idp.schema import GROUP, USER, ResourceType


def scopes_of(kinds: Iterable[ResourceType]) -> tuple[str, ...]:
    """Return the scopes there are: `users:read`, `users:write`, and the same for every other endpoint."""
    return tuple(f"{kind.endpoint.strip('/').lower()}:{what}" for kind in kinds for what in ("read", "write"))


SCOPES: Final = scopes_of((USER, GROUP))


def checked_scopes(wanted: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes without repetition. Raises InvalidValue for one that is not known, or for none."""
    granted = tuple(dict.fromkeys(wanted))
    unknown = [scope for scope in granted if scope not in known]
    if unknown or not granted:
        raise InvalidValue("scope", f"{', '.join(unknown) or 'none'}: expected some of {', '.join(known)}")
    return granted
