"""The messages of RFC 7644, one module each; bodies in, plain values out, and the reverse."""

from collections.abc import Mapping
from typing import Any

from idp.errors import InvalidSyntax


def field(message: Mapping[str, Any], name: str) -> Any:
    """Return a message's field, whose name is read in any case like every attribute's; None when it is absent."""
    if name in message:
        return message[name]
    wanted = name.lower()
    return next((value for key, value in message.items() if key.lower() == wanted), None)


def demand_schema(message: Mapping[str, Any], urn: str, *, required: bool = False) -> None:
    """Refuse a message that says it is another one; many clients leave `schemas` out. Raises InvalidSyntax."""
    given = field(message, "schemas")
    if given is None and not required:
        return
    if not isinstance(given, list) or urn.lower() not in [name.lower() for name in given if isinstance(name, str)]:
        raise InvalidSyntax(f"schemas: the message must have the schema {urn}")
