"""A request on its way from well-formed to odd: as a meaning first, then as the bytes that are sent."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

BASE: Final = "/scim/v2"
SCIM_JSON: Final = "application/scim+json"
MAX_HEAD: Final = 30_000
MAX_HEADERS: Final = 100
"""What the server's HTTP parser lets through to us: bytes of a request line or header, and headers."""

_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET: Final = re.compile(rb"/scim/v2(?:[/?][\x21-\x7e]*)?")
_FIELD: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_READING: Final = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_METHODS: Final = _READING | {b"POST", b"PUT", b"PATCH", b"DELETE", b"TRACE", b"PROPFIND", b"SEARCH"}
_SINGLE: Final = frozenset({b"host", b"content-type", b"content-length", b"content-encoding", b"etag"})
# What the parser answers by itself: an expectation that nobody has, an encoding that it cannot undo, or sees at the
# body's end to be another one.
_PARSED: Final = {b"expect": (b"x", b""), b"content-encoding": (b"br", b"zstd", b"deflate")}


@dataclass
class Call:
    """What is asked: mutations of the meaning change it."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def wire(self, token: str) -> "Wire":
        """Return the bytes that ask for it."""
        query = f"?{urlencode(self.query, errors='surrogatepass')}" if self.query else ""
        target = f"{BASE}{quote(self.path, errors='surrogatepass')}{query}"
        headers = {"Host": "localhost", "Authorization": f"Bearer {token}", **self.headers}
        body = None
        if self.body is not None:
            headers.setdefault("Content-Type", SCIM_JSON)
            body = json.dumps(self.body).encode()
        pairs = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        return Wire(self.method.encode(), target.encode(), pairs, body)


@dataclass
class Wire:
    """What is sent: mutations of the bytes change it."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes | None = None

    def encode(self) -> bytes:
        """Return the request; its length is always said, and said rightly, so that there is an end to it."""
        body = self.body or b""
        given = [b"%b: %b\r\n" % pair for pair in self.headers]
        length = b"" if self.body is None else b"Content-Length: %d\r\n" % len(body)
        return b"%b %b HTTP/1.1\r\n%b%b\r\n%b" % (self.method, self.target, b"".join(given), length, body)

    @property
    def is_ours(self) -> bool:
        """Whether it is SCIM's to answer: the server's HTTP parser lets it through, and its address is one of SCIM."""
        names = [name.lower() for name, _ in self.headers]
        heads = [self.target, *(value for _, value in self.headers)]
        return (
            self.method in _METHODS
            and _TARGET.fullmatch(self.target) is not None
            and all(_TOKEN.fullmatch(name) and _FIELD.fullmatch(value) for name, value in self.headers)
            and max(map(len, heads)) < MAX_HEAD
            and len(names) <= MAX_HEADERS
            and all(names.count(name) == 1 for name in names if name in _SINGLE)
            and not any(value in values for name, value in self.headers if (values := _PARSED.get(name.lower())))
        )

    @property
    def only_reads(self) -> bool:
        """Whether it is of a method that changes nothing by its meaning."""
        return self.method in _READING

    @property
    def only_tries(self) -> bool:
        """Whether it says rightly, and once, that it is a dry run."""
        query = parse_qsl(self.target.partition(b"?")[2].partition(b"#")[0].decode("latin-1"), keep_blank_values=True)
        return [value.lower() for name, value in query if name.lower() == "dryrun"] == ["true"]


def message(schema: str, **fields: Any) -> Mapping[str, Any]:
    """Return a message of SCIM's own."""
    return {"schemas": [f"urn:ietf:params:scim:api:messages:2.0:{schema}"], **fields}
