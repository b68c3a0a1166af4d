"""The pages over the real services in this process, and people who visit them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from os import urandom
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import CookieJar, web
from aiohttp.test_utils import BaseTestServer, TestClient, TestServer
from aiohttp.typedefs import Middleware

import idp.web
from idp.access import SYSTEM_ACTOR
from idp.app.services import Services, open_services
from idp.clock import SystemClock
from idp.config import load
from idp.directory import Resource
from idp.http import keys
from idp.http.faults import FAULT_FORMS
from idp.http.headers import SecurityHeaders
from idp.http.lag import LoopLag
from idp.http.metrics import HttpMetrics
from idp.http.middleware import Outermost
from idp.http.traffic import Traffic
from tests.support.authenticator import Authenticator
from tests.support.pages import Reply, Visitor

SYSTEM = SYSTEM_ACTOR("test")
PASSWORD = "three unrelated words"


@dataclass
class Site:
    """The pages, the services behind them, and how somebody comes to visit."""

    services: Services
    app: web.Application
    data: Path
    server: BaseTestServer
    clients: list[TestClient[Any, Any]] = field(default_factory=list)

    def visitor(self) -> Visitor:
        """Somebody new, without cookies."""
        return Visitor(self.client_of(self.server))

    def client_of(self, server: BaseTestServer) -> TestClient[Any, Any]:
        """Make a client of any server, closed with the site."""
        client: TestClient[Any, Any] = TestClient(server, cookie_jar=CookieJar(unsafe=True))
        self.clients.append(client)
        return client

    async def person(self, name: str, *, role: str = "user", mfa: str | None = None, **more: Any) -> Resource:
        """Create a local account."""
        document = {
            "userName": name,
            "displayName": name.title(),
            "password": PASSWORD,
            "active": True,
            "emails": [{"value": f"{name}@example.org", "primary": True}],
            **more,
        }
        return await self.services.users.create(SYSTEM, document, role=role, mfa=mfa)

    async def enrolled(self, user: Resource) -> tuple[Authenticator, tuple[str, ...]]:
        """Give a person an authenticator app and recovery codes."""
        secret, codes = await self.services.auth.factors.enrol_totp_now(SYSTEM, user.id)
        return Authenticator(secret), codes

    async def logged_in(self, name: str, *, role: str = "user", **more: Any) -> Visitor:
        """Create a person of whom no second step is asked, and log them in."""
        await self.person(name, role=role, mfa="off", **more)
        visitor = self.visitor()
        assert (await log_in(visitor, name)).path == "/account"
        return visitor


@asynccontextmanager
async def open_site(data: Path, settings: Mapping[str, str] | None = None) -> AsyncIterator[Site]:
    """Open the pages with an empty store; `settings` by dotted key."""
    # The least that the hash allows: these tests are about pages.
    quick = {"password.hash_memory": "8", "password.hash_time": "1", "server.data": str(data)}
    async with AsyncExitStack() as at_end:
        services = await at_end.enter_async_context(open_services(load(None, {}, quick | dict(settings or {}))))
        app = make_app(services)
        server: BaseTestServer = await at_end.enter_async_context(TestServer(app))
        site = Site(services, app, data, server)
        yield site
        for client in site.clients:
            await client.session.close()


def make_app(services: Services) -> web.Application:
    """Put the pages under the outermost middleware, as the server does."""
    config, auth = services.config, services.auth
    app = web.Application(middlewares=[outermost(https=config.public_url.startswith("https:"))])
    app[keys.CONFIG], app[keys.REGISTRY] = config, services.base.registry
    app[keys.USERS], app[keys.GROUPS], app[keys.AUDIT] = services.users, services.groups, services.audit
    app[keys.SESSIONS], app[keys.LOGIN], app[keys.ENROLMENT] = auth.sessions, auth.login, auth.enrolment
    app[keys.FACTORS], app[keys.SETUP], app[keys.PASSWORDS] = auth.factors, auth.setup, auth.passwords
    idp.web.setup(app, urandom)
    app[FAULT_FORMS] = {"/": idp.web.fault_page}
    return app


async def log_in(visitor: Visitor, name: str, password: str = PASSWORD, *, next: str = "") -> Reply:
    """Fill the login page; returns the page after it."""
    page = await visitor.get("/login", params={"next": next} if next else {})
    return await visitor.send(page.form("/login"), username=name, current_password=password)


def outermost(*, https: bool = False, deadline: float = 10.0, max_body: int = 1_048_576) -> Middleware:
    """Return it as the server has it."""
    made = Outermost(
        deadline=deadline,
        max_body=max_body,
        clock=SystemClock(),
        new_id=lambda: uuid4().hex[:16],
        lag=LoopLag(60.0),
        access_log=None,
        metrics=HttpMetrics(),
        headers=SecurityHeaders(https=https),
        traffic=Traffic(),
    )
    return made.middleware()
