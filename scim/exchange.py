"""What every SCIM request and response has in common: media types, bodies, entity tags."""

from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from idp.directory import Resource
from idp.errors import InvalidSyntax, VersionMismatch
from scim.body import read_object
from scim.errors import UnsupportedMediaType, VersionExcluded
from scim.etag import Condition
from scim.messages.search_request import names, parameters
from scim.projection import Projection, Projections

SCIM_JSON: Final = "application/scim+json"
JSON: Final = "application/json"

_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})
_CHARSETS: Final = frozenset({"iso-8859-1", "windows-1252", "utf-16", "utf-16le", "utf-16be"})

encode: Final = msgspec.json.Encoder().encode


def respond(
    request: web.Request, payload: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with JSON, under the media type the client asks for (RFC 7644 section 3.8)."""
    return respond_encoded(request, encode(payload), status=status, headers=headers)


def respond_encoded(
    request: web.Request, body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with JSON that is encoded already."""
    accept = request.headers.get("Accept", "")
    media_type = JSON if JSON in accept and SCIM_JSON not in accept else SCIM_JSON
    return web.Response(body=body, status=status, headers={"Content-Type": media_type, **(headers or {})})


async def read_body(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of the request's body. Raises InvalidSyntax or UnsupportedMediaType."""
    if "Content-Type" in request.headers and request.content_type not in (SCIM_JSON, JSON):
        raise UnsupportedMediaType(f"the body must be {SCIM_JSON} or {JSON}, not {request.content_type}")
    return read_object(_as_utf8(await request.read(), request.charset))


def _as_utf8(body: bytes, charset: str | None) -> bytes:
    """Return the body in JSON's own encoding (RFC 8259 section 8.1), which some clients do not keep to and say so.

    A byte order mark is passed over, as it allows.

    Raises InvalidSyntax or UnsupportedMediaType.
    """
    if charset is None or charset.lower() in _UTF8:
        return body.removeprefix(BOM_UTF8)
    if charset.lower() not in _CHARSETS:
        raise UnsupportedMediaType(f"the body must be UTF-8, not {charset[:100]!r}")
    try:
        return body.decode(charset).encode()
    except UnicodeError:
        raise InvalidSyntax(f"the body is not {charset}, as its Content-Type says") from None


def projection_of(request: web.Request, projections: Projections) -> Projection:
    """Return the projection that the query asks for. Raises InvalidValue."""
    if not request.query_string:
        return projections.of()
    query = parameters(request.query)
    return projections.of(
        names(query.get("attributes"), "attributes"), names(query.get("excludedAttributes"), "excludedAttributes")
    )


def asks_for_attributes(request: web.Request) -> bool:
    """Tell whether the client chose what the answer is to carry."""
    return bool(request.query_string) and not parameters(request.query).keys().isdisjoint(
        ("attributes", "excludedAttributes")
    )


def condition(request: web.Request, header: str) -> Condition | None:
    """Return the entity tags of If-Match or If-None-Match; None when the request has no such header."""
    given = request.headers.getall(header, None)
    return Condition(", ".join(given)) if given else None


def entity_headers(entity_tag: str, location: str) -> dict[str, str]:
    """Return the headers that go with one resource."""
    return {"ETag": entity_tag, "Location": location}


def demand_match(wanted: Condition | None, unwanted: Condition | None, kind: str, resource: Resource) -> int:
    """Return the version, if the request's If-Match names it and its If-None-Match does not (RFC 9110 section 13.2.2).

    Raises VersionMismatch or VersionExcluded.
    """
    if wanted is not None and not wanted.matches(resource.version):
        raise VersionMismatch(kind, resource.id)
    if unwanted is not None and unwanted.matches(resource.version):
        raise VersionExcluded(resource.id)
    return resource.version
