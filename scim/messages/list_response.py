"""ListResponse (RFC 7644 section 3.4.2): a page of resources."""

from collections.abc import Sequence
from typing import Any, Final

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def build(resources: Sequence[Any], *, total: int, start_index: int = 1) -> dict[str, Any]:
    """Return the message."""
    return {
        "schemas": [SCHEMA],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": len(resources),
        "Resources": resources,
    }
