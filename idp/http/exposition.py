"""What several processes have counted, added up, in Prometheus' text form."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from idp.http.tally import BUCKETS, Tally

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


def told(tallies: Iterable[Tally]) -> bytes:
    """Return everything counted, and the numbers of this process."""
    registry = CollectorRegistry()
    registry.register(_Told(tallies))
    return generate_latest(registry) + generate_latest(REGISTRY)


class _Told(Collector):
    """Several processes' counts, added up, as prometheus-client wants them."""

    def __init__(self, tallies: Iterable[Tally]) -> None:
        self._tallies = list(tallies)

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        yield self._requests()
        yield self._times()
        yield from self._clients()
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

    def _clients(self) -> Iterator[Metric]:
        labels = ("client", "operation", "status")
        requests = CounterMetricFamily("idp_scim_requests", "Requests of SCIM clients answered.", labels=labels)
        seconds = CounterMetricFamily("idp_scim_seconds", "Time to these answers, in all.", labels=labels)
        total: dict[tuple[str, str, str], tuple[int, float]] = {}
        for tally in self._tallies:
            for client, operation, status, count, took in tally.clients:
                key = (client, operation, str(status))
                before = total.get(key, (0, 0.0))
                total[key] = (before[0] + count, before[1] + took)
        for key, (count, took) in sorted(total.items()):
            requests.add_metric(key, count)
            seconds.add_metric(key, took)
        yield requests
        yield seconds


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    """Return the buckets as Prometheus wants them: each with all that is below its bound."""
    bounds = [*map(str, BUCKETS), "+Inf"]
    return [(bound, sum(counts[: place + 1])) for place, bound in enumerate(bounds)]
