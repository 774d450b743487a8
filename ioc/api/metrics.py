"""``/metrics``: the platform as the database has it, and the figures of every process that lives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.api.identity import CurrentDatabase
from ioc.errors import UnavailableError
from ioc.metrics import Meters, Metric, gather, platform, processes
from ioc.metrics.meters import Figures, Sample
from ioc.tracing.http import Traced
from ioc.watch import standing

router = APIRouter(tags=["health"])

_UNREADABLE: Final = "SELECT topic, count(*) FROM ioc.unreadable GROUP BY topic"
_PLATFORM: Final = "SELECT kpi, topic, value FROM ioc.platform_now()"
_ALERTS: Final = "SELECT severity, count(*) FROM ioc.alert WHERE cleared_at IS NULL GROUP BY severity"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})


class Shown:
    """The figures of the platform as a whole, as they were found last; none while the database is away."""

    def __init__(self, meters: Meters) -> None:
        self._now: dict[str, Figures] = {}
        for metric in platform.PLATFORM:
            meters.watch(metric, self._looking(metric))

    def take(self, found: dict[Metric, Figures]) -> None:
        """Show these, and nothing that was shown before: an old figure must not pass for a new one."""
        self._now = {metric.name: figures for metric, figures in found.items()}

    def _looking(self, metric: Metric) -> Callable[[], Figures]:
        return lambda: self._now.get(metric.name, ())


@router.get(
    "/metrics", response_class=Response, summary="Metrics for Prometheus, of every process that lives"
)
async def metrics(request: Request, database: CurrentDatabase) -> Response:
    state = request.app.state
    own: str | None = state.process_name()
    others: list[tuple[str, list[Sample]]] = []
    try:
        found = await database.answer(standing.look())
        others = await database.answer(gather.others(own))
        state.shown.take(
            {
                platform.DATABASE_UP: [((), 1.0)],
                **_of_platform(await database.rows(_PLATFORM)),
                platform.UNREADABLE: [((topic,), count) for topic, count in await database.rows(_UNREADABLE)],
                platform.ALERTS_OPEN: [((str(s),), count) for s, count in await database.rows(_ALERTS)],
                **_of_standing(found),
            }
        )
    except UnavailableError:
        state.shown.take({platform.DATABASE_UP: [((), 0.0)]})
    text = gather.together(state.meters, own or "serve", others)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _of_platform(rows: list[tuple[Any, ...]]) -> dict[Metric, Figures]:
    return {
        platform.LAG: [((topic,), value) for kpi, topic, value in rows if kpi == "platform.lag"],
        platform.FRESHNESS: [((topic,), value) for kpi, topic, value in rows if kpi == "platform.freshness"],
    }


def _of_standing(found: standing.Standing) -> dict[Metric, Figures]:
    watched = found.watched
    now = watched.now
    heard = [one for one in watched.heartbeats if not one.stopped]
    return {
        platform.PARTITIONS_HALTED: [((), found.halted)],
        platform.SOURCES_HALTED: [((), len(found.halted_sources))],
        platform.DEGRADED: [((), len(found.of(standing.Level.DEGRADED)))],
        platform.ROUND_TRIP: [((r.instance,), r.value) for r in watched.round_trips if r.value is not None],
        platform.PROCESS_UP: [((h.name, h.kind), 0.0 if h.is_silent(now) else 1.0) for h in heard],
        platform.PROCESS_HEARD: [((h.name, h.kind), (now - h.at).total_seconds()) for h in heard],
        platform.CONNECTOR_STATE: [((c.name, c.host, c.state), 1.0) for c in found.connectors],
        platform.CONNECTOR_FAILING: [((c.name, c.host), c.failing) for c in found.connectors],
        platform.CONNECTOR_SPOOLED: [((c.name, c.host), c.spooled) for c in found.connectors],
        platform.READING: [
            ((r.name, r.instance), value) for r in watched.readings if (value := r.known(now)) is not None
        ],
    }


def install(app: FastAPI) -> None:
    """Count and time every request, by route and not by address, so that labels stay few."""
    meters = Meters()
    app.state.meters = meters
    app.state.shown = Shown(meters)
    #: What the process is called among others; whoever runs it may know.
    app.state.process_name = lambda: None
    app.add_middleware(_Measured, meters=meters)
    app.add_middleware(Traced)


class _Measured:
    """Measures what passes, and passes it as it is.

    Not the framework's own base for middleware: that ends an answer that broke off as if it were whole.
    """

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._requests = meters.counter(processes.HTTP_REQUESTS)
        self._seconds = meters.histogram(processes.HTTP_SECONDS)

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
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._requests.labels(route, method, str(status)).inc()
            self._seconds.labels(route).observe(time.perf_counter() - began)
