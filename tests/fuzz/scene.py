"""The directory that odd requests are made about: small, looked at after every change, and put right again."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from idp.schema.urns import ENTERPRISE_USER
from tests.fuzz.calls import Known
from tests.fuzz.exchange import Answer, Connection
from tests.fuzz.request import BASE, Call
from tests.fuzz.verdict import is_shed

FEWEST: Final = 4
MOST: Final = 8
# The machine may be busy with something else for a while.
_TRIES: Final = 60
_PAUSE: Final = 0.5

# What is worked out on reading comes and goes with other resources.
_DERIVED: Final = f"groups,{ENTERPRISE_USER}:manager.displayName,{ENTERPRISE_USER}:manager.$ref"


class SceneError(Exception):
    """The directory could not be looked at or put right, which every server must allow."""


@dataclass
class Scene:
    """Users and groups as a client with all rights sees them."""

    connection: Connection
    token: str
    known: Known = field(default_factory=Known)
    digest: bytes = b""
    """What identifies who there is and at which version, as it was seen last."""
    _contents: dict[tuple[str, str], bytes] = field(default_factory=dict)
    _looks: int = 0

    async def look(self) -> bytes:
        """Return the digest of who there is and at which version, and learn what may be asked about."""
        answer = await self._list(attributes="meta")
        found = answer.json()["Resources"]
        self.known.users = [one["id"] for one in found if one["meta"]["resourceType"] == "User"]
        self.known.groups = [one["id"] for one in found if one["meta"]["resourceType"] == "Group"]
        return hashlib.sha256(answer.body).digest()

    async def changed_secretly(self) -> list[str]:
        """Return the ids of resources that are not what they were at the same version."""
        found = (await self._list(excludedAttributes=_DERIVED)).json()["Resources"]
        before = self._contents
        self._contents = {(one["id"], one["meta"]["version"]): msgspec.json.encode(one) for one in found}
        return [key[0] for key, content in self._contents.items() if before.get(key, content) != content]

    async def keep_size(self) -> None:
        """Make what has become too few, and delete what has become too many."""
        for kind, ids in (("/Users", self.known.users), ("/Groups", self.known.groups)):
            # They are in the order of making, so the newest go.
            for one in ids[MOST:]:
                await self._ask("DELETE", f"{kind}/{one}")
            for number in range(len(ids), FEWEST):
                await self._ask("POST", kind, _kept(kind, f"kept {self._looks} {number}"))
        if not FEWEST <= len(self.known.users) <= MOST or not FEWEST <= len(self.known.groups) <= MOST:
            self.digest = await self.look()

    async def _list(self, **query: str) -> Answer:
        self._looks += 1
        # No two looks are the same request, so that none is answered from memory.
        return await self._ask("GET", f"/?{urlencode({'count': 1000, 'look': self._looks, **query})}")

    async def _ask(self, method: str, path: str, body: Any = None) -> Answer:
        wire = Call(method, "", body=body).wire(self.token)
        wire.target = f"{BASE}{path}".encode()
        for _ in range(_TRIES):
            answer = await self.connection.ask(wire.method, wire.encode())
            if not is_shed(answer):
                break
            await asyncio.sleep(_PAUSE)
        if answer.status not in (200, 201, 204, 404):
            raise SceneError(f"{method} {path} gave {answer.status} {answer.body[:500]!r}")
        return answer


def _kept(kind: str, name: str) -> dict[str, Any]:
    return {"userName": name} if kind == "/Users" else {"displayName": name}
