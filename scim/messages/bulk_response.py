"""BulkResponse (RFC 7644 section 3.7): what came of each operation."""

from collections.abc import Sequence
from typing import Any, Final

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def build(operations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the message."""
    return {"schemas": [SCHEMA], "Operations": operations}


def operation(
    *,
    method: str | None,
    bulk_id: str | None,
    location: str | None,
    version: str | None,
    status: int,
    response: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what came of one operation; its status is text, and what does not apply is left out."""
    told = {
        "location": location,
        "method": method,
        "bulkId": bulk_id,
        "version": version,
        "status": str(status),
        "response": response,
    }
    return {name: value for name, value in told.items() if value is not None}
