"""The API's application, made from settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from ioc.api import (
    alert_echo,
    alerts,
    connectors,
    deliveries,
    dossier_reports,
    dossiers,
    duty,
    duty_changes,
    exports,
    forecasts,
    headers,
    health,
    index766,
    ingest,
    ingest_openapi,
    kpis,
    links,
    login,
    maintenance,
    metrics,
    page,
    password,
    places,
    problems,
    questions,
    reference,
    reports,
    rules,
    siren,
    stream,
)
from ioc.api.database import Database, Shared
from ioc.api.examples import EXAMPLES
from ioc.api.feed import Feed
from ioc.api.identity import Gate
from ioc.delivery.links import Links
from ioc.index766.grades import read_grades
from ioc.settings import Settings
from ioc.tracing.http import NO_TELEMETRY
from ioc.version import platform_version
from ioc.watch.synthetic import Pace

_HOLD_S: Final = 1.0
#: Figures of streams, which are told every ten seconds.
_TICK_S: Final = 5.0
#: Forecasts move slowly and cost more.
_FORECAST_HOLD_S: Final = 30.0
_DESCRIPTION: Final = (
    "Indicators of a district's operations. Errors are problem documents (RFC 9457). Readers are told "
    "apart by HTTP Basic; without a name, the guest reads the district's figures. Times carry an offset; those without "
    "one are in the unit's zone."
)


def create_app(settings: Settings) -> FastAPI:
    """Return the application; it connects to the database of ``settings`` when it starts."""
    database = Database(settings.database_dsn, timeout_s=settings.question_timeout_s)
    desk = exports.Desk(settings, database)
    forwarder = ingest.IngestForwarder(settings)
    feed = Feed(settings.database_dsn)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await database.open()
        try:
            yield
        finally:
            await feed.close()
            desk.close()
            await forwarder.close()
            await database.close()

    app = FastAPI(
        title="IOC",
        version=platform_version(),
        summary="Trung tâm điều hành thông minh",
        description=_DESCRIPTION,
        lifespan=lifespan,
        # their pages load scripts from other machines; ioc.api.reference gives ours
        telemetry=NO_TELEMETRY,
        docs_url=None,
        redoc_url=None,
    )
    app.state.database = database
    app.state.gate = Gate(database)
    app.state.exports = desk
    app.state.ingest = forwarder
    app.state.links = Links(None, settings.state_dir / "secrets" / "links")
    app.state.load_departments = settings.load_departments_named
    app.state.grades = read_grades(settings.index766_grades)
    app.state.synthetic_pace = Pace.of(settings)
    app.state.feed = feed
    app.state.ticks = Shared(hold_s=_TICK_S)
    app.state.shared = Shared(hold_s=_HOLD_S)
    app.state.forecasts = Shared(hold_s=_FORECAST_HOLD_S)
    problems.install(app)
    metrics.install(app)
    headers.install(app)
    for router in (
        alert_echo.router,
        kpis.router,
        forecasts.router,
        index766.router,
        dossier_reports.router,
        places.router,
        dossiers.router,
        duty.router,
        duty_changes.router,
        alerts.router,
        maintenance.router,
        rules.router,
        deliveries.router,
        stream.router,
        questions.router,
        exports.router,
        reports.router,
        siren.router,
        siren.page_router,
        connectors.router,
        health.router,
        metrics.router,
        page.router,
        links.router,
        login.router,
        password.router,
        reference.router,
        ingest.router,
    ):
        app.include_router(router)
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Put the problem document's schema where the operations point to."""
    describe = app.openapi

    def openapi() -> dict[str, object]:
        schema = describe()
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", problems.Problem.model_json_schema())
        for name, example in EXAMPLES.items():
            schemas.get(name, {})["example"] = example
        schema["components"].setdefault("securitySchemes", {}).update(ingest_openapi.SECURITY_SCHEMES)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
