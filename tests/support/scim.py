"""SCIM over a directory, and a client of the simplest kind to ask it."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from aiohttp import ClientSession, web
from multidict import CIMultiDictProxy

import scim
from idp.auth import ClientLog, Clients, PersonalTokens, Sealer
from idp.auth.clients import scopes_of
from idp.auth.credentials import UserCredentials
from idp.auth.hashing import HashingPool, Profile
from idp.auth.password_rules import PasswordRules
from idp.config import Config
from idp.directory import Groups, KeyedLocks, Rehearsal, Resources, Users
from idp.http import keys
from idp.http.access_log import Line
from idp.http.faults import FAULT_FORMS
from idp.http.headers import SecurityHeaders
from idp.http.lag import LoopLag
from idp.http.metrics import HttpMetrics
from idp.http.middleware import Outermost
from idp.http.traffic import Traffic
from idp.http.unparsed import BARE_FORMS
from idp.schema import Registry, ResourceType, default_registry
from idp.store import Store
from idp.store.collections import collections
from idp.store.rehearsal import RehearsalStore
from scim.endpoints import Limits
from scim.filter.shown import ShownFilters
from scim.path import PathReader
from scim.profiles import PROFILES
from tests.support.clock import FakeClock

BASE = "/scim/v2"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def paths_of(resource_type: ResourceType) -> PathReader:
    """Return a reader of the paths of PATCH, with references as they are shown."""
    return PathReader(resource_type, ShownFilters(BASE, resource_type))


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    body: Any
    headers: CIMultiDictProxy[str]

    @property
    def etag(self) -> str:
        """The entity tag."""
        return self.headers["ETag"]


class Api:
    """A SCIM client of the simplest kind, with a token for everything unless told otherwise."""

    def __init__(self, session: ClientSession, behind: "Provisioning") -> None:
        self._session = session
        self.behind = behind
        self.token = ""
        self.port = 0
        self.serial = 0
        self.base = BASE

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """Send a request; bytes go as they are, anything else as JSON."""
        sent = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        if body is not None:
            sent.setdefault("Content-Type", "application/scim+json")
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        address = f"{self.base}{path}{'?' + urlencode(query) if query else ''}"
        async with self._session.request(method, address, data=body, headers=sent) as response:
            raw = await response.read()
            return Answer(response.status, json.loads(raw) if raw else None, response.headers)

    async def get(self, path: str, **query: Any) -> Answer:
        """GET, which must succeed."""
        return _demand(await self.ask("GET", path, **query), 200)

    async def post(self, path: str, body: Any, **query: Any) -> Answer:
        """POST, which must make something."""
        return _demand(await self.ask("POST", path, body, **query), 201)

    async def patch(self, path: str, *operations: dict[str, Any], **more: Any) -> Answer:
        """PATCH with these operations, whatever comes of it."""
        return await self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **more)

    async def patched(self, path: str, *operations: dict[str, Any]) -> Any:
        """Return what a GET shows after a PATCH, which must succeed."""
        answer = await self.patch(path, *operations)
        assert answer.status in (200, 204), answer
        return (await self.get(path)).body

    async def user(self, **attributes: Any) -> Any:
        """Make a user and return it; everything has a default."""
        self.serial += 1
        return (await self.post("/Users", {"userName": f"user{self.serial}@example.com"} | attributes)).body

    async def group(self, *members: Any, **attributes: Any) -> Any:
        """Make a group of these resources and return it."""
        self.serial += 1
        values = [{"value": member["id"]} for member in members]
        named = {"displayName": f"group {self.serial}", "members": values} | attributes
        return (await self.post("/Groups", named)).body

    async def found(self, path: str, filter: str, **query: Any) -> list[Any]:
        """Return the resources that a filter finds; the total must be their number."""
        body = (await self.get(path, filter=filter, **query)).body
        assert body["totalResults"] == len(body["Resources"])
        return list(body["Resources"])


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What SCIM stands on: both services, wired as the server wires them, and the clients that may ask."""

    store: Store
    clock: FakeClock
    users: Users
    groups: Groups
    resources: Mapping[str, Resources]
    registry: Registry
    clients: Clients
    personal_tokens: PersonalTokens
    pool: HashingPool
    log: ClientLog
    rehearse: Callable[[], Rehearsal]


def provisioning_over(store: Store, clock: FakeClock, registry: Registry | None = None) -> Provisioning:
    """Wire everything over a store; passwords are hashed as cheaply as argon2 allows."""
    registry = registry or default_registry()
    kinds = dict(registry.resource_types)
    scopes = scopes_of(kinds.values())
    locks, pool = KeyedLocks(), HashingPool(1, 16, Profile(memory_kib=8, passes=1))
    credentials = UserCredentials(store, clock, pool, PasswordRules(8))
    user_type, group_type = kinds.pop("User"), kinds.pop("Group")

    def rehearse() -> Rehearsal:
        dry = RehearsalStore(store, collections(registry))
        people = Users(dry, user_type, clock, _new_id, credentials.over(dry))
        others = {name: Resources(dry, kind, clock, _new_id) for name, kind in kinds.items()}
        return Rehearsal(dry, registry, people, Groups(dry, group_type, clock, _new_id), others)

    users = Users(store, user_type, clock, _new_id, credentials, locks=locks)
    return Provisioning(
        store,
        clock,
        users,
        Groups(store, group_type, clock, _new_id, locks=locks),
        {name: Resources(store, kind, clock, _new_id) for name, kind in kinds.items()},
        registry,
        Clients(store, clock, _new_id, os.urandom, scopes=scopes, profiles=tuple(PROFILES)),
        PersonalTokens(store, clock, users, os.urandom),
        pool,
        ClientLog(store, clock, _new_id),
        rehearse,
    )


def _new_id() -> str:
    return str(uuid4())


def _demand(answer: Answer, status: int) -> Answer:
    assert answer.status == status, answer
    return answer


class Unheard:
    """An access log that nobody reads."""

    def write(self, line: Line) -> None:
        """Forget the line."""

    def flush(self) -> None:
        """Nothing is held back."""


def application(behind: Provisioning, config: Config, limits: Limits | None = None) -> web.Application:
    """Return SCIM under the outermost middleware, as it is served."""
    outermost = Outermost(
        deadline=config.server.deadline,
        max_body=config.server.max_body,
        clock=behind.clock,
        new_id=lambda: uuid4().hex,
        lag=LoopLag(60),
        access_log=Unheard(),
        metrics=HttpMetrics(),
        headers=SecurityHeaders(https=False),
        traffic=Traffic(),
    )
    app = web.Application(middlewares=[outermost.middleware()], client_max_size=config.server.max_body)
    app[keys.CONFIG] = config
    app[keys.CLOCK] = behind.clock
    app[keys.SEALER] = Sealer([bytes(32)], os.urandom)
    app[keys.NEW_ID] = _new_id
    app[keys.REGISTRY] = behind.registry
    app[keys.USERS] = behind.users
    app[keys.GROUPS] = behind.groups
    app[keys.RESOURCES] = behind.resources
    app[keys.REHEARSE] = behind.rehearse
    app[keys.CLIENTS] = behind.clients
    app[keys.CLIENT_LOG] = behind.log
    app[keys.PERSONAL_TOKENS] = behind.personal_tokens
    app[BARE_FORMS] = app[FAULT_FORMS] = {"/scim/": scim.error_response}
    scim.setup(app, limits)
    return app
