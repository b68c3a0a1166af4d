"""Counters for Prometheus; several workers keep them in files, where each can add up those of all."""

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client import REGISTRY as PROCESS_REGISTRY
from prometheus_client.multiprocess import MultiProcessCollector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class HttpMetrics:
    """What the server counts of its requests; `several_workers` when prometheus-client keeps its values in files."""

    def __init__(self, registry: CollectorRegistry = PROCESS_REGISTRY, *, several_workers: bool = False) -> None:
        # A second series beside each counter, with the moment it began; nobody asks for it.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus-client annotates in part
        self._registry = registry
        self._several_workers = several_workers
        self._requests = Counter(
            "idp_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "idp_http_request_seconds", "Time to the answer.", ("route",), buckets=BUCKETS, registry=registry
        )
        self._shed = Counter("idp_http_shed", "Requests refused because the event loop ran late.", registry=registry)
        self._lag = Gauge(
            "idp_event_loop_lag_seconds",
            "How late the event loop runs.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        # Looking a child up by its labels takes a lock each time; a dict of our own does not.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    def count(self, request: web.Request, status: int, seconds: float) -> None:
        """Count one answer under its route's pattern, so that ids in paths make no series of their own."""
        route = route_of(request)
        key = (request.method, route, status)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = self._requests.labels(*map(str, key))
        counter.inc()
        histogram = self._histograms.get(route)
        if histogram is None:
            histogram = self._histograms[route] = self._seconds.labels(route)
        histogram.observe(seconds)

    def shed(self) -> None:
        """Count a refusal."""
        self._shed.inc()

    def exposition(self, lag: float) -> web.Response:
        """Return everything counted, by all workers, in Prometheus' text form."""
        self._lag.set(lag)
        registry = self._registry
        if self._several_workers:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus-client annotates in part
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def route_of(request: web.Request) -> str:
    """Return the pattern of the route, or `unknown` for paths that have none: strangers must not make series."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
