"""References to what the same request makes: `bulkId:NAME` in place of an id (RFC 7644 section 3.7.2)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from idp.schema import Mutability, ResourceType

# A value that is a reference, or the URI of one.
_WHOLE: Final = re.compile(r"(?:.*/)?bulkId:(?P<name>[^/]+)", re.DOTALL)
# One inside the filter of a PATCH path: members[value eq "bulkId:NAME"], members[$ref ew "/bulkId:NAME"].
_QUOTED: Final = re.compile(r'(?<=["/])bulkId:(?P<name>[^"/\\]+)(?=")')


def named_in_path(path: str) -> str | None:
    """Return the bulkId at the end of an operation's path."""
    found = _WHOLE.fullmatch(path)
    return found["name"] if found else None


def named(value: Any) -> Iterator[str]:
    """Yield every bulkId that some value refers to."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.lower() == "path" and isinstance(inner, str):
                yield from (found["name"] for found in _QUOTED.finditer(inner))
            else:
                yield from named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named(inner)
    elif isinstance(value, str) and (found := _WHOLE.fullmatch(value)):
        yield found["name"]


def resolved(value: Any, ids: Mapping[str, str]) -> Any:
    """Return the value with ids in place of the references to them; the names must all be known."""
    if isinstance(value, dict):
        return {
            key: _resolved_path(inner, ids) if key.lower() == "path" else resolved(inner, ids)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [resolved(inner, ids) for inner in value]
    if isinstance(value, str) and (found := _WHOLE.fullmatch(value)):
        return value[: found.start("name") - len("bulkId:")] + ids[found["name"]]
    return value


def _resolved_path(value: Any, ids: Mapping[str, str]) -> Any:
    if not isinstance(value, str):
        return resolved(value, ids)
    return _QUOTED.sub(lambda found: ids[found["name"]], value)


def writable(resource_type: ResourceType, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document without what is not the client's to write: a reference there is none."""
    tops = ((key, value, resource_type.top(key)) for key, value in data.items())
    return {key: value for key, value, top in tops if top is None or top.mutability is not Mutability.READ_ONLY}
