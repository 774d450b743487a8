"""The ingest application: what other systems send over HTTP, on its way to Kafka."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
import structlog
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool

from connectors.ingest import dvcqg, errors, events, index766, tickets
from connectors.ingest.body import ByteBudget, Limits
from connectors.ingest.dvcqg import Portal
from connectors.ingest.events import EventIntake
from connectors.ingest.gate import Gate
from connectors.ingest.idempotency import Answers
from connectors.ingest.index766 import Index766Intake
from connectors.ingest.metrics import Metrics
from connectors.ingest.portal_hub import PortalHub
from connectors.ingest.portal_look_up import LookUps
from connectors.ingest.tee import Tee
from connectors.ingest.tickets import TicketIntake
from connectors.onestop import portal_source
from connectors.onestop.portal_source import PortalSource
from connectors.queues.clocks import Clocks
from connectors.queues.reading import TicketReader
from connectors.shared.figures import tell_of_relay
from connectors.shared.health import Health as KioskHealth
from connectors.shared.relay import Mode, Relay
from connectors.shared.reporter import Reporter
from connectors.sources import kiosk_units
from ioc.access.keyring import Keyring
from ioc.api.database import Database
from ioc.api.ingest_openapi import SECURITY_SCHEMES
from ioc.api.models.operation import Health
from ioc.api.problems import Problem
from ioc.district.agencies import AgencyResolver
from ioc.district.model import Pack
from ioc.district.reader import examine
from ioc.settings import Settings
from ioc.tracing.http import NO_TELEMETRY, Traced
from ioc.version import platform_version
from ioc.watch.state import Level

#: Bodies that are held at a time, all together.
_HELD_BYTES: Final = 64 * 1024 * 1024
_STORE_NAMES_S: Final = 30.0
_FINISH_S: Final = 5.0
_DESCRIPTION: Final = (
    "Facts from other systems. Errors are problem documents (RFC 9457); the portal protocol has its own shape. "
    "200: Kafka has it. 202: it is safe on disk. 503: neither; send it again."
)

log = structlog.get_logger(__name__)


def create_app(settings: Settings, pack_folder: Path | None = None) -> FastAPI:
    """Return the application; it opens its spool, keys and portal sources when it starts.

    :param pack_folder: district pack with the agencies' names and procedures.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        running = await run_in_threadpool(_Running, app, settings, pack_folder)
        await running.database.open()
        try:
            yield
        finally:
            await running.close()

    app = FastAPI(
        title="IOC ingest",
        version=platform_version(),
        summary="Cổng tiếp nhận dữ liệu",
        description=_DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/ingest/v1/openapi.json",
        telemetry=NO_TELEMETRY,
        docs_url=None,
        redoc_url=None,
    )
    app.state.metrics = Metrics()
    errors.install(app)
    app.add_middleware(Traced)
    app.include_router(events.router)
    app.include_router(tickets.router)
    app.include_router(index766.router)
    app.include_router(dvcqg.router)
    _install_health(app)
    _complete_openapi(app)
    return app


class _Running:
    """What lives as long as the process serves."""

    def __init__(self, app: FastAPI, settings: Settings, pack_folder: Path | None) -> None:
        pack = _pack(pack_folder)
        self.relay = Relay(settings, "ingest")
        kiosks = KioskHealth("kiosk")
        self._reporter = Reporter(self.relay, [kiosks])
        self.keyring = Keyring(settings)
        self.keyring.start()
        self.metrics: Metrics = app.state.metrics
        tell_of_relay(self.metrics.meters, self.relay)
        self.database = Database(settings.database_dsn)
        self.tee = Tee(settings.portal_timeout_s)
        self._settings = settings
        self._parser = ThreadPoolExecutor(1, thread_name_prefix="parser")
        self._stop = threading.Event()
        resolver = AgencyResolver.from_pack(pack) if pack else AgencyResolver((), time_zone="UTC")
        self.hub = PortalHub(
            _sources(settings, pack, pack_folder),
            settings.state_dir,
            self.relay,
            resolver,
            tolerance=timedelta(seconds=settings.future_tolerance_s),
        )
        gate = Gate(self.keyring)
        limits = Limits(settings.ingest_max_bytes, settings.ingest_body_s, ByteBudget(_HELD_BYTES))
        app.state.running = self
        app.state.intake = EventIntake(
            settings, self.relay, gate, Answers(), limits, self.metrics, self._parser
        )
        app.state.tickets = TicketIntake(
            settings,
            self.relay,
            gate,
            Answers(),
            limits,
            self.metrics,
            self._parser,
            reader=TicketReader(
                zone=ZoneInfo(pack.time_zone if pack else "UTC"),
                unit_of=kiosk_units(pack) if pack else None,
                future_tolerance_s=settings.future_tolerance_s,
                clocks=Clocks(kiosks.note, settings.future_tolerance_s),
            ),
        )
        app.state.index766 = Index766Intake(
            settings.database_dsn, settings.ingest_max_events, gate, limits, self.metrics
        )
        self.portal = app.state.portal = Portal(
            self.hub,
            gate,
            self.tee,
            LookUps(pack.procedures if pack else (), pack.fields if pack else (), self.database),
            limits,
            self.metrics,
            self._parser,
            settings.ingest_max_events,
        )
        self._names = threading.Thread(target=self._store_names, name="agency-names", daemon=True)
        self._names.start()

    def reasons(self) -> list[str]:
        """Why requests would be refused now; empty when they would not."""
        return ["the spool is full and Kafka does not answer"] if self.relay.state.mode is Mode.FULL else []

    def degraded(self) -> list[str]:
        """What is not as it should be while requests are taken."""
        state = self.relay.state
        if state.mode in {Mode.DIRECT, Mode.FULL}:
            return []
        return [f"{state.spooled_events} events wait on disk: Kafka does not answer; run: ioc doctor"]

    def _store_names(self) -> None:
        """List names of agencies that the pack does not explain for the administrator."""
        told = False
        while not self._stop.wait(_STORE_NAMES_S):
            told = self._store_names_once(told)

    def _store_names_once(self, told: bool) -> bool:
        try:
            with psycopg.connect(self._settings.database_dsn, connect_timeout=5) as connection:
                self.hub.resolver.store_unmapped(connection)
        except psycopg.Error as error:
            if not told:
                log.warning("agencies.not_stored", reason=type(error).__name__)
            return True
        return False

    async def close(self) -> None:
        """End in order: what was taken is acknowledged or on disk afterwards."""
        self._stop.set()
        if self.portal.beside:
            await asyncio.wait(self.portal.beside, timeout=_FINISH_S)
        await run_in_threadpool(self._close)
        await self.tee.close()
        await self.database.close()

    def _close(self) -> None:
        self._names.join(15)
        self.hub.close()
        self._parser.shutdown()
        self._reporter.close()
        self.relay.close()
        self.keyring.close()
        self._store_names_once(told=False)


def _pack(folder: Path | None) -> Pack | None:
    if folder is None:
        return None
    examined = examine(folder)
    if examined.usable is None:
        # dossiers go on, with the unit of their source
        log.error("pack.unusable", mistakes=len(examined.errors), remedy="Run: ioc district check")
    return examined.usable


def _sources(settings: Settings, pack: Pack | None, folder: Path | None) -> list[PortalSource]:
    """Those of the pack, and the one that settings describe."""
    found: dict[str, PortalSource] = {}
    if pack is not None and folder is not None:
        today = datetime.now(ZoneInfo(pack.time_zone)).date()
        found = {source.name: source for source in portal_source.from_pack(pack, folder, today)}
    described = portal_source.from_settings(settings)
    if described is not None:
        found.setdefault(described.name, described)
    return list(found.values())


def _install_health(app: FastAPI) -> None:
    @app.get("/health/live", response_model=Health, tags=["health"], summary="The process answers")
    async def live() -> dict[str, Any]:
        return {"status": "live"}

    @app.get(
        "/health/ready",
        response_model=Health,
        responses={
            503: {"model": Health, "description": "Requests are refused; the reasons are in the body."}
        },
        tags=["health"],
        summary="Requests are taken",
    )
    async def ready(request: Request, response: Response) -> dict[str, Any]:
        running: _Running = request.app.state.running
        reasons, degraded = running.reasons(), running.degraded()
        if reasons:
            response.status_code = 503
        level = Level.DOWN if reasons else Level.DEGRADED if degraded else Level.OK
        return {"status": level.value, "reasons": reasons, "degraded": degraded}

    @app.get("/metrics", response_class=Response, tags=["health"], summary="Metrics for Prometheus")
    async def metrics(request: Request) -> Response:
        running: _Running = request.app.state.running
        return Response(running.metrics.meters.exposition(), media_type=CONTENT_TYPE_LATEST)


def _complete_openapi(app: FastAPI) -> None:
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        found = describe()
        components = found.setdefault("components", {})
        components.setdefault("schemas", {}).setdefault("Problem", Problem.model_json_schema())
        components["securitySchemes"] = SECURITY_SCHEMES
        return found

    app.openapi = openapi  # type: ignore[method-assign]
