"""How the directories stand, in Prometheus' text form."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from idp.clock import from_text
from ldap_bridge.health import Health, Standing


def told(standings: Iterable[Standing], now: datetime) -> bytes:
    """Return what there is to say of these directories."""
    registry = CollectorRegistry()
    registry.register(_Told(list(standings), now))
    return generate_latest(registry)


class _Told(Collector):
    """The directories as prometheus-client wants them."""

    def __init__(self, standings: list[Standing], now: datetime) -> None:
        self._standings = standings
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        age = _gauge("idp_ldap_success_age_seconds", "Time since a directory was last in step.")
        for one in self._standings:
            if one.success:
                age.add_metric([one.id], (self._now - from_text(one.success)).total_seconds())
        yield age
        health = GaugeMetricFamily("idp_ldap_health", "1 for the state a directory is in.", labels=["source", "state"])
        for one in self._standings:
            for state in Health:
                health.add_metric([one.id, state.value], float(one.health == state))
        yield health
        entries = GaugeMetricFamily("idp_ldap_entries", "Entries of the last full read.", labels=["source", "kind"])
        for one in self._standings:
            entries.add_metric([one.id, "people"], one.people)
            entries.add_metric([one.id, "groups"], one.groups)
        yield entries
        for name, what, help_text in (
            ("idp_ldap_errors", "errors", "Changes of the last run that could not be made."),
            (
                "idp_ldap_conflicts",
                "conflicts",
                "Entries that wait for a decision, because another account or group has what they want.",
            ),
            ("idp_ldap_problems", "problems", "Entries that the last run could not map, or missed."),
        ):
            family = _gauge(name, help_text)
            for one in self._standings:
                family.add_metric([one.id], getattr(one, what))
            yield family
        held = _gauge("idp_ldap_held_plans", "Plans that wait for a decision.")
        for one in self._standings:
            held.add_metric([one.id], float(one.is_waiting))
        yield held


def _gauge(name: str, help_text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, labels=["source"])
