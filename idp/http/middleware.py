"""The one middleware around everything: admission, deadline, faults, request id, headers, log and counters."""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from idp.access import Actor, ActorKind
from idp.clock import Clock
from idp.errors import DeadlineExceeded, Overloaded, RemoteError, TooLarge
from idp.http import faults
from idp.http.access_log import AccessLog, Line
from idp.http.actor import ACTOR, ADDRESS, Networks, seen_address
from idp.http.deadlines import Deadlines
from idp.http.headers import SecurityHeaders
from idp.http.lag import LoopLag
from idp.http.metrics import HttpMetrics, route_of
from idp.http.traffic import Traffic

REQUEST_ID: Final[web.RequestKey[str]] = web.RequestKey("request_id")
MAX_TARGET: Final = 16_384
"""Bytes of path and query: filters in GET requests are long, and beyond this `POST …/.search` is for them."""
UNSHED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""An overloaded server must still say so; these cost next to nothing."""

_OUR_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
logger = logging.getLogger("idp.http")


@dataclass(frozen=True, slots=True)
class Outermost:
    """What the middleware around everything needs."""

    deadline: float
    max_body: int
    clock: Clock
    new_id: Callable[[], str]
    lag: LoopLag
    access_log: AccessLog | None
    metrics: HttpMetrics
    headers: SecurityHeaders
    traffic: Traffic
    trusted: Networks = ()

    def middleware(self) -> Middleware:
        """Return it in the form aiohttp takes."""
        deadlines = Deadlines(self.deadline)

        @web.middleware
        async def outermost(request: web.Request, handler: Handler) -> web.StreamResponse:
            started = time.monotonic()
            request[ADDRESS] = seen_address(request, self.trusted)
            given = request.headers.get("X-Request-Id")
            request[REQUEST_ID] = given if given and _OUR_ID.fullmatch(given) else self.new_id()
            self.traffic.enter()
            try:
                try:
                    self._admit(request)
                    with deadlines.kept():
                        response = await handler(request)
                except Exception as error:  # noqa: BLE001 - this is where every error ends
                    response = self._ended(request, error)
                self._finish(request, response, time.monotonic() - started)
            finally:
                self.traffic.leave()
            if isinstance(response, web.HTTPException):
                raise response
            return response

        return outermost

    def _ended(self, request: web.Request, error: Exception) -> web.StreamResponse:
        if isinstance(error, web.HTTPException) and not isinstance(error, web.HTTPRequestEntityTooLarge):
            return faults.lost(request, error)
        return self._fault(request, error)

    def _admit(self, request: web.Request) -> None:
        if self.lag.is_overloaded and request.path not in UNSHED:
            self.metrics.shed()
            raise Overloaded("the server")
        if len(request.raw_path) > MAX_TARGET:
            raise faults.TargetTooLong(MAX_TARGET)
        if (request.content_length or 0) > self.max_body:
            raise TooLarge("the request's body", self.max_body)
        if "Content-Encoding" in request.headers:
            faults.demand_encoding(request)

    def _fault(self, request: web.Request, error: Exception) -> web.StreamResponse:
        error = faults.translate(request, error, self.max_body)
        if isinstance(error, DeadlineExceeded) and is_incomplete(request):
            error = faults.BodyTooSlow()
        response = faults.render(request, error)
        if response.status == 500:
            logger.error("request %s failed", request[REQUEST_ID], exc_info=error)
        elif isinstance(error, RemoteError) and not isinstance(error, Overloaded):
            # The answer tells strangers nothing of what we depend on.
            logger.warning("request %s: %s", request[REQUEST_ID], error)
        if is_incomplete(request):
            # Nobody reads the rest of the body, so the connection cannot carry another request.
            response.force_close()
        return response

    def _finish(self, request: web.Request, response: web.StreamResponse, seconds: float) -> None:
        if not response.prepared:
            response.headers["X-Request-Id"] = request[REQUEST_ID]
            self.headers.add(request, response)
            if self.traffic.is_draining:
                response.force_close()
        actor, route = request.get(ACTOR), route_of(request)
        self.metrics.count(request.method, route, response.status, seconds)
        if actor is not None and actor.kind is ActorKind.CLIENT:
            self.metrics.count_client(actor.name, request.method, route, response.status, seconds)
        if self.access_log is not None:
            self.access_log.write(self._line(request, response, seconds, actor))

    def _line(self, request: web.Request, response: web.StreamResponse, seconds: float, actor: Actor | None) -> Line:
        known = actor is not None and actor.kind is not ActorKind.ANONYMOUS
        return Line(
            at=self.clock.now(),
            address=request[ADDRESS],
            actor=f"{actor.kind}:{actor.id}" if actor and known else "",
            method=request.method,
            path=request.rel_url.raw_path,
            status=response.status,
            seconds=seconds,
            request_id=request[REQUEST_ID],
        )


def is_incomplete(request: web.Request) -> bool:
    """Whether some of the request's body has not come yet."""
    return request.body_exists and not request.content.is_eof()
