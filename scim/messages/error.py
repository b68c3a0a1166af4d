"""Error (RFC 7644 section 3.12)."""

from typing import Any, Final

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:Error"


def build(status: int, detail: str, scim_type: str | None = None) -> dict[str, Any]:
    """Return the message; its status is text."""
    named = {} if scim_type is None else {"scimType": scim_type}
    return {"schemas": [SCHEMA], "status": str(status), **named, "detail": detail}
