"""Every metric of the ingest process, with its meaning."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """Counters of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = Counter(
            "ioc_ingest_events_total",
            "Events taken over HTTP, by fate; spooled growing: Kafka does not answer, see ioc status.",
            ["fate"],
            registry=self.registry,
        )
        self.refused = Counter(
            "ioc_ingest_refused_total",
            "Requests not taken, by kind of problem: quota, wrong-key, spool-full and so on.",
            ["kind"],
            registry=self.registry,
        )
        self.portal_calls = Counter(
            "ioc_portal_calls_total",
            "Calls of the portal protocol, by source and service (other: not one of those answered here).",
            ["source", "service"],
            registry=self.registry,
        )
        self.portal_items = Counter(
            "ioc_portal_items_total",
            "Dossiers and steps of portal calls, by source and outcome; rejected: the answers name the field.",
            ["source", "outcome"],
            registry=self.registry,
        )
        self.upstream_away = Counter(
            "ioc_portal_upstream_away_total",
            "Calls that the upstream portal did not answer, by source.",
            ["source"],
            registry=self.registry,
        )
        self.unrecorded = Counter(
            "ioc_portal_unrecorded_total",
            "Calls that were forwarded and not recorded, by source and reason; facts are missing, see the log.",
            ["source", "reason"],
            registry=self.registry,
        )
        self.spooled = Gauge(
            "ioc_ingest_spool_events",
            "Events on disk that wait for Kafka.",
            registry=self.registry,
        )
        self.spool_bytes = Gauge(
            "ioc_ingest_spool_bytes",
            "Bytes of the spool; at IOC_SPOOL_BYTES new events are refused with 503.",
            registry=self.registry,
        )
