"""What the server counts of its requests, for Prometheus.

Counted in plain dictionaries, because prometheus-client's own counters take a lock and several calls for each sample;
its families and its text form are used when somebody asks.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from typing import Final

from aiohttp import web

from idp.http.tally import BUCKETS, Tally, TallyFiles

MAX_SERIES: Final = 2_000
"""Of one worker: a hundred clients that use every operation, with what usually comes of it."""
OTHERS: Final = "others"


class HttpMetrics:
    """Counts; with files, what the other workers have counted is told as well."""

    def __init__(self, files: TallyFiles | None = None) -> None:
        self._files = files
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._shed = 0
        self._clients: dict[tuple[str, str, str, int], tuple[int, float]] = {}

    def count_client(self, client: str, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer to a SCIM client; what more clients ask than can be told apart is added up."""
        key = (client, method, route, status)
        if key not in self._clients and len(self._clients) >= MAX_SERIES:
            key = (OTHERS, "", "", status)
        count, took = self._clients.get(key, (0, 0.0))
        self._clients[key] = (count + 1, took + seconds)

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
        clients = [
            (client, f"{method} {route}".strip(), status, count, took)
            for (client, method, route, status), (count, took) in self._clients.items()
        ]
        return Tally(requests, times, self._shed, lag, clients)

    def share(self, lag: float) -> None:
        """Leave the counts where the other workers find them."""
        if self._files is not None:
            self._files.write(self.tally(lag))

    def exposition(self, lag: float, more: bytes = b"") -> web.Response:
        """Return everything counted, by all workers, in Prometheus' text form, and the numbers of this process."""
        from idp.http import exposition  # it brings prometheus-client, which the start need not wait for

        own = self.tally(lag)
        body = exposition.told([own, *self._files.read_others()] if self._files else [own])
        return web.Response(body=body + more, headers={"Content-Type": exposition.CONTENT_TYPE})


def route_of(request: web.Request) -> str:
    """Return the pattern of the route, so that ids in paths make no series of their own; strangers' paths are one."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
