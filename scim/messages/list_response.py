"""ListResponse (RFC 7644 section 3.4.2): a page of resources."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def build(resources: Sequence[Any], *, total: int, links: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the message; `links` say where the page stands: its startIndex, or the cursors of its neighbours."""
    return {
        "schemas": [SCHEMA],
        "totalResults": total,
        **({"startIndex": 1} if links is None else links),
        "itemsPerPage": len(resources),
        "Resources": resources,
    }
