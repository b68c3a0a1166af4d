"""A request on its way from well-formed to odd: as a meaning first, then as the bytes that are sent."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

BASE: Final = "/scim/v2"
SCIM_JSON: Final = "application/scim+json"
_OURS: Final = re.compile(rb"/scim/v2(?=[/?#]|$)")
_READING: Final = frozenset({b"GET", b"HEAD", b"OPTIONS"})


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
        """Whether it is SCIM's to answer, also where it is not HTTP: its address is one of SCIM."""
        return _OURS.match(self.target) is not None

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
