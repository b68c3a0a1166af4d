"""Counts of several processes, added up as one exposition."""

import os
from pathlib import Path

from idp.http.metrics import MAX_SERIES, HttpMetrics
from idp.http.tally import TallyFiles


def exposition(metrics: HttpMetrics, lag: float = 0.0) -> str:
    body = metrics.exposition(lag).body
    assert isinstance(body, bytes)
    return body.decode()


def test_times_are_told_in_buckets_that_hold_all_below_their_bound() -> None:
    metrics = HttpMetrics()
    for seconds in (0.0001, 0.001, 0.003, 0.3, 60.0):
        metrics.count("GET", "/x", 200, seconds)
    text = exposition(metrics)
    for bound, count in (("0.001", 2), ("0.0025", 2), ("0.005", 3), ("0.5", 4), ("10.0", 4), ("+Inf", 5)):
        assert f'idp_http_request_seconds_bucket{{le="{bound}",route="/x"}} {count}.0' in text
    assert 'idp_http_request_seconds_count{route="/x"} 5.0' in text
    assert "process_resident_memory_bytes" in text


def test_the_counts_of_all_workers_are_added_up_also_of_those_that_have_ended(tmp_path: Path) -> None:
    workers = [HttpMetrics(TallyFiles(tmp_path, str(number))) for number in range(3)]
    for number, metrics in enumerate(workers, 1):
        for _ in range(number):
            metrics.count("GET", "/x", 200, 0.01)
        metrics.shed()
        metrics.share(lag=number / 10)
    os.utime(tmp_path / "2.json", (0, 0))
    text = exposition(workers[0], lag=0.1)
    assert 'idp_http_requests_total{method="GET",route="/x",status="200"} 6.0' in text
    assert 'idp_http_request_seconds_count{route="/x"} 6.0' in text
    assert "idp_http_shed_total 3.0" in text
    assert "idp_event_loop_lag_seconds 0.2" in text, "a process that has ended is not late"


def test_requests_of_clients_are_told_by_client_and_operation_for_all_workers(tmp_path: Path) -> None:
    workers = [HttpMetrics(TallyFiles(tmp_path, str(number))) for number in range(2)]
    for metrics in workers:
        metrics.count_client("hr", "PATCH", "/scim/v2/Users/{id}", 200, 0.25)
        metrics.count_client("hr", "PATCH", "/scim/v2/Users/{id}", 412, 0.5)
        metrics.share(0.0)
    labels = 'client="hr",operation="PATCH /scim/v2/Users/{id}"'
    text = exposition(workers[0])
    assert f'idp_scim_requests_total{{{labels},status="200"}} 2.0' in text
    assert f'idp_scim_seconds_total{{{labels},status="412"}} 1.0' in text


def test_more_clients_than_can_be_told_apart_are_added_up() -> None:
    metrics = HttpMetrics()
    for number in range(MAX_SERIES + 50):
        metrics.count_client(f"client {number}", "GET", "/", 200, 0.01)
    metrics.count_client("client 0", "GET", "/", 200, 0.01)
    text = exposition(metrics)
    assert 'idp_scim_requests_total{client="others",operation="",status="200"} 50.0' in text
    assert 'idp_scim_requests_total{client="client 0",operation="GET /",status="200"} 2.0' in text
