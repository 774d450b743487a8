"""The metrics of the ingest process."""

from __future__ import annotations

from ioc.metrics import Meters, processes


class Metrics:
    """Counters of one process."""

    def __init__(self) -> None:
        self.meters = Meters()
        self.events = self.meters.counter(processes.INGEST_EVENTS)
        self.refused = self.meters.counter(processes.INGEST_REFUSED)
        self.portal_calls = self.meters.counter(processes.PORTAL_CALLS)
        self.portal_items = self.meters.counter(processes.PORTAL_ITEMS)
        self.upstream_away = self.meters.counter(processes.PORTAL_AWAY)
        self.unrecorded = self.meters.counter(processes.PORTAL_UNRECORDED)
