"""The web application: services under their keys, the outermost middleware, SCIM, pages, health."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Final
from uuid import uuid4

from aiohttp import web

import idp.web
import scim
from idp.access import SYSTEM_ACTOR
from idp.app.foundation import new_id
from idp.app.services import Services
from idp.errors import RemoteError
from idp.http import keys
from idp.http.access_log import AccessLog, open_access_log
from idp.http.actor import parse_networks
from idp.http.faults import FAULT_FORMS
from idp.http.headers import SecurityHeaders
from idp.http.health import Readiness, add_routes
from idp.http.lag import LoopLag
from idp.http.metrics import HttpMetrics
from idp.http.middleware import Outermost
from idp.http.tally import TallyFiles
from idp.http.traffic import Traffic
from idp.http.unparsed import BARE_FORMS

_METRICS: Final = SYSTEM_ACTOR("metrics")
SHARE_EVERY: Final = 1.0
"""Seconds between two looks of the other workers at what this one has counted."""


def build_application(services: Services, traffic: Traffic, counts: TallyFiles | None = None) -> web.Application:
    """Return the application over the services; it shares its counts with the workers that use the same files.

    Raises ConfigError.
    """
    settings = services.config.server
    lag, metrics = LoopLag(settings.max_lag), HttpMetrics(counts)
    access_log = open_access_log(settings.access_log, sys.stdout)
    outermost = Outermost(
        deadline=settings.deadline,
        max_body=settings.max_body,
        clock=services.base.clock,
        new_id=request_ids(),
        lag=lag,
        access_log=access_log,
        metrics=metrics,
        headers=SecurityHeaders(https=services.config.public_url.startswith("https:")),
        traffic=traffic,
        trusted=parse_networks("server.trusted_proxies", settings.trusted_proxies),
    )
    app = web.Application(middlewares=[outermost.middleware()], client_max_size=settings.max_body)
    _put_services(app, services)
    metrics_from = parse_networks("server.metrics_from", settings.metrics_from)
    readiness = Readiness(services.base.store.check, services.config.store.timeout, traffic)
    add_routes(app, readiness, metrics, lag, metrics_from, partial(_directories, services))
    scim.setup(app)
    idp.web.setup(app, os.urandom)
    app[BARE_FORMS] = {"/scim/": scim.error_response}
    app[FAULT_FORMS] = {"/scim/": scim.error_response, "/": idp.web.fault_page}
    app.cleanup_ctx.append(_measuring(lag, access_log, metrics))
    return app


def request_ids() -> Callable[[], str]:
    """Return a source of ids: their beginning is this process' own, their end a number."""
    own, numbers = uuid4().hex[:8], count(1)
    return lambda: f"{own}-{next(numbers)}"


def _measuring(
    lag: LoopLag, access_log: AccessLog | None, metrics: HttpMetrics
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def share() -> None:
        while True:
            metrics.share(lag.seconds)
            await asyncio.sleep(SHARE_EVERY)

    async def measuring(app: web.Application) -> AsyncIterator[None]:
        lag.start()
        sharing = asyncio.create_task(share())
        yield
        sharing.cancel()
        metrics.share(lag.seconds)
        lag.stop()
        if access_log is not None:
            access_log.flush()

    return measuring


def _put_services(app: web.Application, services: Services) -> None:
    app[keys.CONFIG] = services.config
    app[keys.CLOCK] = services.base.clock
    app[keys.SEALER] = services.base.sealer
    app[keys.NEW_ID] = new_id
    app[keys.REGISTRY] = services.base.registry
    app[keys.USERS] = services.users
    app[keys.GROUPS] = services.groups
    app[keys.RESOURCES] = services.base.resources
    app[keys.AUDIT] = services.audit
    app[keys.REHEARSE] = services.base.rehearse
    app[keys.CLIENTS] = services.auth.clients
    app[keys.CLIENT_LOG] = services.auth.client_log
    app[keys.PERSONAL_TOKENS] = services.auth.personal_tokens
    app[keys.SESSIONS] = services.auth.sessions
    app[keys.LOGIN] = services.auth.login
    app[keys.ENROLMENT] = services.auth.enrolment
    app[keys.FACTORS] = services.auth.factors
    app[keys.SETUP] = services.auth.setup
    app[keys.PASSWORDS] = services.auth.passwords


async def _directories(services: Services) -> bytes:
    """Return how the directories stand; nothing while the store is away, which other metrics tell."""
    if not services.ldap.sources:
        return b""
    from idp.app.directory_metrics import told  # it brings prometheus-client, which the start need not wait for

    with suppress(RemoteError):
        return told(await services.ldap.standings(_METRICS), services.base.clock.now())
    return b""
