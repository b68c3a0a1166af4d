"""SearchRequest (RFC 7644 sections 3.4.2 and 3.4.3): what to look for, as query parameters or as a body."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from multidict import MultiMapping

from idp.errors import InvalidFilter, InvalidValue
from scim.errors import InvalidCount
from scim.messages import demand_schema, field

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
# Far beyond any directory, and within what every store counts with.
_LARGEST: Final = 2**53
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,1000}")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What a client asks for; `count` is None where it leaves the page's size to us.

    `cursor` is None for pages by index, and empty for the first page by cursor (RFC 9865).
    """

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    count: int | None = None
    attributes: tuple[str, ...] = ()
    excluded_attributes: tuple[str, ...] = ()
    cursor: str | None = None


def from_query(query: MultiMapping[str]) -> SearchRequest:
    """Read query parameters. Raises InvalidValue, or InvalidFilter for two filters."""
    if not query:
        return SearchRequest()
    if sum(name.lower() == "filter" for name, _ in query.items()) > 1:
        raise InvalidFilter("the request has two filters")
    return _build(parameters(query))


def parameters(query: MultiMapping[str]) -> dict[str, str]:
    """Return the parameters that SCIM has, in whatever case a client writes them, the first of several.

    One that was passed over for its case would bring everybody in place of those who were asked for.
    """
    found: dict[str, str] = {}
    for name, value in query.items():
        if known := _BY_LOWER_CASE.get(name.lower()):
            found.setdefault(known, value)
    return found


def from_body(message: Mapping[str, Any]) -> SearchRequest:
    """Read a request's body. Raises InvalidSyntax or InvalidValue."""
    demand_schema(message, SCHEMA)
    return _build({name: value for name in _FIELDS if (value := field(message, name)) is not None})


def names(given: Any, path: str) -> tuple[str, ...]:
    """Read a list of attribute names: comma-separated text, or a list. Raises InvalidValue."""
    if given is None:
        return ()
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
        raise InvalidValue(path, "expected attribute names")
    return tuple(name for part in parts if (name := part.strip()))


_FIELDS: Final = ("filter", "sortBy", "sortOrder", "startIndex", "cursor", "count", "attributes", "excludedAttributes")
_BY_LOWER_CASE: Final = {name.lower(): name for name in _FIELDS}


def _build(given: Mapping[str, Any]) -> SearchRequest:
    cursor = _text(given, "cursor")
    count = _integer(given, "count") if cursor is None else _cursor_count(given)
    return SearchRequest(
        filter=_text(given, "filter"),
        sort_by=_text(given, "sortBy"),
        descending=_descending(given),
        # Section 3.4.2.4, and RFC 9865 section 2: a value below 1 is read as 1, a negative count as 0.
        start_index=max(_integer(given, "startIndex") or 1, 1),
        cursor=cursor,
        count=None if count is None else max(count, 0),
        attributes=names(given.get("attributes"), "attributes"),
        excluded_attributes=names(given.get("excludedAttributes"), "excludedAttributes"),
    )


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidValue(name, "expected text")
    return value


def _descending(given: Mapping[str, Any]) -> bool:
    order = (_text(given, "sortOrder") or "ascending").lower()
    if order not in ("ascending", "descending"):
        raise InvalidValue("sortOrder", "expected ascending or descending")
    return order == "descending"


def _cursor_count(given: Mapping[str, Any]) -> int | None:
    """Read the count of a page by cursor: what is none has an error of its own (RFC 9865 section 2.1).

    Raises InvalidCount.
    """
    try:
        return _integer(given, "count")
    except InvalidValue as error:
        raise InvalidCount(str(error)) from None


def _integer(given: Mapping[str, Any], name: str) -> int | None:
    value = given.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidValue(name, "expected a whole number")
    return min(max(value, -1), _LARGEST)
