"""``/health/live``, ``/health/ready``, ``/metrics``. Readiness is progress of offsets, not life of a process."""

from __future__ import annotations

import time
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.api.identity import CurrentDatabase
from ioc.api.models.operation import Health
from ioc.errors import IocError, UnavailableError
from ioc.watch.state import look

router = APIRouter(tags=["health"])

#: A partition that has records to read and has not moved for this long is stuck.
STALL_S: Final = 15
_OFFSETS = """
SELECT topic, partition, greatest(log_end - next_offset, 0),
       extract(epoch FROM now() - updated_at)::float8, halted_reason
FROM ioc.partition_offset WHERE retired_at IS NULL ORDER BY topic, partition
"""
_SOURCES = """
SELECT topic, source, bad, records, reason FROM ioc.source_halt WHERE released_at IS NULL ORDER BY topic, source
"""
_UNREADABLE = "SELECT topic, count(*) FROM ioc.unreadable GROUP BY topic"
_PLATFORM = "SELECT kpi, topic, value FROM ioc.platform_now()"


class Metrics:
    """Every metric of this process, with its meaning."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ioc_http_requests_total",
            "HTTP requests answered, by route, method and status.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "ioc_http_request_seconds",
            "Seconds from a request to the end of its answer, by route.",
            ["route"],
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.database_up = Gauge(
            "ioc_database_up",
            "1 while the database answers; at 0 the gauges below are absent: see ioc doctor.",
            registry=self.registry,
        )
        self.lag = Gauge(
            "ioc_lag_records",
            "Records in Kafka that are not yet in the database, by topic; growing: the worker is too slow or stuck.",
            ["topic"],
            registry=self.registry,
        )
        self.freshness = Gauge(
            "ioc_freshness_seconds",
            "Seconds since the newest counted fact, by topic; growing: the source or the worker is silent.",
            ["topic"],
            registry=self.registry,
        )
        self.halted = Gauge(
            "ioc_partitions_halted",
            "Partitions that wait for a named repair; above 0: ioc status names it.",
            registry=self.registry,
        )
        self.sources_halted = Gauge(
            "ioc_sources_halted",
            "Sources whose records are held back since too many were bad; above 0: ioc status names them.",
            registry=self.registry,
        )
        self.unreadable = Gauge(
            "ioc_unreadable_records",
            "Unreadable records kept, by topic; growing: ioc dead-letters list shows why.",
            ["topic"],
            registry=self.registry,
        )

        self.degraded = Gauge(
            "ioc_degraded",
            "Things that keep people from being called, or might; above 0: /health/ready and ioc status name them.",
            registry=self.registry,
        )
        self.round_trip = Gauge(
            "ioc_alert_round_trip_seconds",
            "Seconds that the newest synthetic alert took there and back, or has been late, by rule; absent: unknown.",
            ["rule"],
            registry=self.registry,
        )

    def clear(self) -> None:
        """Forget what the database said: an old figure must not pass for a new one."""
        for gauge in (self.lag, self.freshness, self.unreadable, self.round_trip):
            gauge.clear()


@router.get("/health/live", response_model=Health, summary="The process answers")
async def live() -> dict[str, Any]:
    return {"status": "live"}


@router.get(
    "/health/ready",
    response_model=Health,
    responses={503: {"model": Health, "description": "Not ready; the reasons are in the body."}},
    summary="The database answers and every partition's offset moves on",
)
async def ready(response: Response, database: CurrentDatabase) -> dict[str, Any]:
    halted: list[str] = []
    degraded: list[str] = []
    try:
        rows = await database.rows(_OFFSETS)
        # told, and no reason to be not ready: a source that sends rubbish must not take the platform away
        halted = [
            f"{topic}: {source}: {bad} of {records} records bad, mostly {reason}"
            for topic, source, bad, records, reason in await database.rows(_SOURCES)
        ]
        # told likewise: what this process answers is right, whoever else is away
        degraded = (await database.answer(look())).degraded()
    except IocError as error:
        reasons, partitions = [str(error)], None
    else:
        reasons, partitions = _reasons(rows), len(rows)
    if reasons:
        response.status_code = 503
    return {
        "status": "not ready" if reasons else "ready",
        "reasons": reasons,
        "partitions": partitions,
        "halted_sources": halted,
        "degraded": degraded,
    }


def _reasons(rows: list[tuple[Any, ...]]) -> list[str]:
    if not rows:
        return ["no stream worker has taken a partition yet"]
    found = []
    for topic, partition, lag, age_s, halted in rows:
        if halted is not None:
            found.append(
                f"{topic}/{partition} is halted: {halted}; run: ioc repair offsets {topic} {partition} --to start"
            )
        elif lag > 0 and age_s > STALL_S:
            found.append(f"{topic}/{partition} has {lag} records to read and has not moved for {age_s:.0f} s")
    return found


@router.get("/metrics", response_class=Response, summary="Metrics for Prometheus")
async def metrics(request: Request, database: CurrentDatabase) -> Response:
    found: Metrics = request.app.state.metrics
    try:
        platform = await database.rows(_PLATFORM)
        unreadable = await database.rows(_UNREADABLE)
        offsets = await database.rows(_OFFSETS)
        sources = await database.rows(_SOURCES)
        watched = await database.answer(look())
    except UnavailableError:
        found.database_up.set(0)
        found.clear()
        found.halted.set(float("nan"))
        found.sources_halted.set(float("nan"))
        found.degraded.set(float("nan"))
    else:
        found.database_up.set(1)
        found.clear()
        for kpi, topic, value in platform:
            (found.lag if kpi == "platform.lag" else found.freshness).labels(topic).set(value)
        for topic, count in unreadable:
            found.unreadable.labels(topic).set(count)
        found.halted.set(sum(1 for row in offsets if row[4] is not None))
        found.sources_halted.set(len(sources))
        found.degraded.set(len(watched.degraded()))
        for one in watched.round_trips:
            if one.value is not None:
                found.round_trip.labels(one.instance).set(one.value)
    return Response(generate_latest(found.registry), media_type=CONTENT_TYPE_LATEST)


def install(app: FastAPI) -> None:
    """Count and time every request, by route and not by address, so that labels stay few."""
    app.state.metrics = Metrics()
    app.add_middleware(_Measured, metrics=app.state.metrics)


class _Measured:
    """Measures what passes, and passes it as it is.

    Not the framework's own base for middleware: that ends an answer that broke off as if it were whole.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            known = scope["method"] in {"GET", "HEAD", "POST", "PUT", "DELETE"}
            method = scope["method"] if known else "other"
            self._metrics.requests.labels(route, method, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
