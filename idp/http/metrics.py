"""What the server counts of its requests, for Prometheus.

Counted in plain dictionaries, because prometheus-client's own counters take a lock and several calls for each sample;
its families and its text form are used when somebody asks.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from idp.http.tally import Tally, TallyFiles

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds; one more counts what took longer."""


class HttpMetrics:
    """Counts; with files, what the other workers have counted is told as well."""

    def __init__(self, files: TallyFiles | None = None) -> None:
        self._files = files
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._shed = 0

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests[method, route, status] += 1
        self._buckets[route][bisect_left(BUCKETS, seconds)] += 1
        self._seconds[route] += seconds

    def shed(self) -> None:
        """Count a refusal."""
        self._shed += 1

    def tally(self, lag: float) -> Tally:
        """Return what this process has counted, and how late its event loop runs."""
        requests = [(*key, count) for key, count in self._requests.items()]
        times = [(route, counts, self._seconds[route]) for route, counts in self._buckets.items()]
        return Tally(requests, times, self._shed, lag)

    def share(self, lag: float) -> None:
        """Leave the counts where the other workers find them."""
        if self._files is not None:
            self._files.write(self.tally(lag))

    def exposition(self, lag: float) -> web.Response:
        """Return everything counted, by all workers, in Prometheus' text form, and the numbers of this process."""
        own = self.tally(lag)
        told = CollectorRegistry()
        told.register(_Told([own, *self._files.read_others()] if self._files else [own]))
        body = generate_latest(told) + generate_latest(REGISTRY)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Told(Collector):
    """Several processes' counts, added up, as prometheus-client wants them."""

    def __init__(self, tallies: Iterable[Tally]) -> None:
        self._tallies = list(tallies)

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        yield self._requests()
        yield self._times()
        shed = sum(tally.shed for tally in self._tallies)
        yield CounterMetricFamily("idp_http_shed", "Requests refused because the event loop ran late.", value=shed)
        lag = max(tally.lag for tally in self._tallies)
        yield GaugeMetricFamily("idp_event_loop_lag_seconds", "How late the event loop runs.", value=lag)

    def _requests(self) -> Metric:
        family = CounterMetricFamily("idp_http_requests", "Requests answered.", labels=("method", "route", "status"))
        total: Counter[tuple[str, str, int]] = Counter()
        for tally in self._tallies:
            total.update({(method, route, status): count for method, route, status, count in tally.requests})
        for (method, route, status), count in sorted(total.items()):
            family.add_metric((method, route, str(status)), count)
        return family

    def _times(self) -> Metric:
        family = HistogramMetricFamily("idp_http_request_seconds", "Time to the answer.", labels=("route",))
        buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        seconds: defaultdict[str, float] = defaultdict(float)
        for tally in self._tallies:
            for route, counts, took in tally.times:
                buckets[route] = [a + b for a, b in zip(buckets[route], counts, strict=True)]
                seconds[route] += took
        for route, counts in sorted(buckets.items()):
            family.add_metric((route,), _cumulated(counts), seconds[route])
        return family


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    """Return the buckets as Prometheus wants them: each with all that is below its bound."""
    bounds = [*map(str, BUCKETS), "+Inf"]
    return [(bound, sum(counts[: place + 1])) for place, bound in enumerate(bounds)]


def route_of(request: web.Request) -> str:
    """Return the pattern of the route, so that ids in paths make no series of their own; strangers' paths are one."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
