"""``/api/v1/exports``: whole tables as files, streamed. Few at a time, within a time limit of their own, each noted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ioc.api.asking import only_known_parameters, split
from ioc.api.database import Database
from ioc.api.dossiers import WantedDossiers
from ioc.api.identity import CurrentDatabase, NamedReader
from ioc.api.problems import RESPONSES
from ioc.api.series_parameters import Ids, Units, WantedSeries
from ioc.errors import IocError
from ioc.history import access_log, devices, dossiers, editions, series
from ioc.history.access_log import Outcome
from ioc.history.exporting import Export, ExportStoppedError
from ioc.history.formats import Format
from ioc.history.table import Table
from ioc.kpi.errors import BadQuestionError, KpiError, TooSlowError
from ioc.kpi.query import Steps
from ioc.settings import Settings

_log = structlog.get_logger(__name__)
_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file.",
        "content": {kind.media_type: {"schema": {"type": "string", "format": "binary"}} for kind in Format},
    },
    429: {"description": "This reader's other export is not finished."},
}
router = APIRouter(
    prefix="/api/v1/exports",
    tags=["exports"],
    responses=RESPONSES | _FILES,
    dependencies=[Depends(only_known_parameters)],
)


class TooManyExportsError(KpiError):
    """No further export may begin now."""

    slug = "too-many-exports"
    exit_code = 4

    def __init__(self, message: str, *, status: int, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class Desk:
    """Where exports are run: a few at a time, in threads of their own, so that they starve nobody."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self._database = database
        self._most = settings.exports_at_once
        self._running: dict[str, int] = {}
        self._threads = ThreadPoolExecutor(self._most, thread_name_prefix="export")

    def close(self) -> None:
        """Let no further export begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def give(
        self,
        request: Request,
        reader: str,
        what: str,
        asked: dict[str, object],
        steps: Steps[Table],
        kind: Format,
        *,
        bom: bool,
    ) -> Response:
        """Return the answer that streams the table which the steps lead to.

        :raises KpiError: there is none, or too many exports are under way.
        """
        self._take(reader)
        running = None
        try:
            table = await self._database.answer(steps)
            number = await self._database.change(
                access_log.begin(reader, f"export.{what}", {**asked, "format": kind})
            )
            export = Export(
                self.settings.database_dsn,
                table,
                kind,
                timeout_s=self.settings.export_timeout_s,
                bom=bom,
            )
            running = _Running(self, reader, number, export)
            first = await running.begin(request)
        except ExportStoppedError:
            return Response(status_code=503)  # to nobody: the client has gone
        except BaseException:
            if running is None:  # else it has given its place back itself
                self._leave(reader)
            raise
        name = re.sub(r"[^A-Za-z0-9._-]", "-", table.name)
        day = datetime.now(table.zone).strftime("%Y%m%d")
        return _ExportResponse(
            running,
            first,
            self.settings.export_timeout_s,
            media_type=kind.media_type,
            headers={
                "Content-Disposition": f'attachment; filename="{name}-{day}.{kind.value}"',
                "Cache-Control": "no-store",
                "Vary": "Authorization",
            },
        )

    def _take(self, reader: str) -> None:
        if self._running.get(reader):
            raise TooManyExportsError(
                "Your other export is not finished.", status=429, remedy="Wait for it, or break it off."
            )
        if sum(self._running.values()) >= self._most:
            raise TooManyExportsError(
                f"{self._most} exports are under way.", status=503, remedy="Try again in a minute."
            )
        self._running[reader] = 1

    def _leave(self, reader: str) -> None:
        self._running.pop(reader, None)

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        """Run a part of an export in one of the desk's threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def finish(self, reader: str, number: int, rows: int, outcome: Outcome) -> None:
        """Free the export's place and complete its entry in the access log."""
        self._leave(reader)
        try:
            await self._database.rows(*access_log.end(number, rows=rows, outcome=outcome))
        except IocError as error:
            _log.warning("an export's end could not be noted", entry=number, error=str(error))


class _Running:
    """One export that is under way."""

    def __init__(self, desk: Desk, reader: str, number: int, export: Export) -> None:
        self._desk = desk
        self._reader = reader
        self._number = number
        self._export = export
        self._outcome = Outcome.BROKEN_OFF

    async def begin(self, request: Request) -> bytes:
        """Return the first piece: the first rows are read then, and what fails before is told as a problem."""
        try:
            first = asyncio.ensure_future(self._desk.in_thread(self._export.next))
            gone = asyncio.ensure_future(_goes_away(request))
            try:
                await asyncio.wait({first, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not first.done():
                    await asyncio.to_thread(self._export.close)
            finally:
                gone.cancel()
            piece: bytes | None = await first
            return piece or b""
        except (asyncio.CancelledError, ExportStoppedError, TooSlowError):
            await self.end(Outcome.BROKEN_OFF)
            raise
        except BaseException:
            await self.end(Outcome.FAILED)
            raise

    async def _piece(self) -> bytes | None:
        while (piece := await self._desk.in_thread(self._export.next)) == b"":
            pass
        found: bytes | None = piece
        return found

    async def pieces(self, first: bytes) -> AsyncIterator[bytes]:
        yield first
        try:
            while (piece := await self._piece()) is not None:
                yield piece
        except (ExportStoppedError, TooSlowError):
            # raised, so that the server breaks the connection: half a file must not pass for a whole one
            raise
        except Exception:
            self._outcome = Outcome.FAILED
            raise
        self._outcome = Outcome.GIVEN

    async def end(self, outcome: Outcome | None = None) -> None:
        """Give everything back, whatever happened; what the database still does for it is cancelled."""
        await asyncio.to_thread(self._export.close)
        await self._desk.finish(self._reader, self._number, self._export.rows, outcome or self._outcome)


async def _goes_away(request: Request) -> None:
    """Return when the client does not wait any longer."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _ExportResponse(StreamingResponse):
    """Streams an export; a client that goes away, or does not take its answer in time, ends it."""

    def __init__(self, running: _Running, first: bytes, timeout_s: float, **more: Any) -> None:
        super().__init__(running.pieces(first), **more)
        self._running = running
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await super().__call__(scope, receive, send)
        finally:
            await _shielded(self._running.end)


async def _shielded(work: Callable[[], Awaitable[None]]) -> None:
    """Do it even when whoever waits is cancelled meanwhile."""
    task = asyncio.ensure_future(_coroutine(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _coroutine(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def _desk(request: Request) -> Desk:
    found: Desk = request.app.state.exports
    return found


_CurrentDesk = Annotated[Desk, Depends(_desk)]
_Kind = Annotated[Format, Query(alias="format", description="csv, xlsx, parquet or arrow.")]
_Unit = Annotated[str | None, Query(description="Code of a unit, with all below it.")]
_Device = Annotated[str | None, Query(description="Code of one device.")]
_From = Annotated[str | None, Query(alias="from", description="Without it, a day before the end.")]
_To = Annotated[str | None, Query(alias="to", description="End, not included; without it, now.")]
_Bom = Annotated[bool, Query(description="Begin a CSV with a byte order mark, by which Excel knows UTF-8.")]


@router.get("/series", response_class=Response, summary="Series of indicators as a file")
async def export_series(
    request: Request,
    reader: NamedReader,
    desk: _CurrentDesk,
    ids: Ids,
    asked: WantedSeries,
    units: Units = None,
    kind: _Kind = Format.CSV,
    bom: _Bom = False,
) -> Response:
    """One row a point: kpi, version, unit, bucket, time, value, numerator, denominator. Unknown is empty."""
    _check_bom(kind, bom)
    wanted, places = split(ids, "ids") or [], split(units, "units")
    noted: dict[str, object] = {
        "kpis": wanted,
        "unit": places,
        "from": asked.start,
        "to": asked.end,
        "bucket": asked.bucket,
        "by": asked.by,
        "as_of": asked.as_of,
        "areas": asked.areas,
    }
    steps = series.table(reader, wanted, places or [None], asked)
    return await desk.give(request, reader, "series", noted, steps, kind, bom=bom)


@router.get(
    "/dossiers", response_class=Response, summary="Dossiers as a file, or de-identified counts of them"
)
async def export_dossiers(
    request: Request,
    reader: NamedReader,
    desk: _CurrentDesk,
    database: CurrentDatabase,
    wanted: WantedDossiers,
    deidentified: Annotated[
        bool,
        Query(
            description="Counts by month, unit, procedure, channel and outcome, in which no small group can be told, "
            "instead of single dossiers. Only with unit, from and to, by whole months."
        ),
    ] = False,
    kind: _Kind = Format.CSV,
    bom: _Bom = False,
) -> Response:
    """Single dossiers remain personal data under the law even without names; what leaves the house should be counts."""
    _check_bom(kind, bom)
    noted = {**wanted.noted, "deidentified": deidentified or None}
    if not deidentified:
        return await desk.give(
            request, reader, "dossiers", noted, dossiers.table(reader, wanted), kind, bom=bom
        )
    beside = [name for name in ("state", "procedure", "field", "channel") if getattr(wanted, name)]
    if beside:
        raise BadQuestionError(
            f"De-identified counts can't be asked with {', '.join(beside)}: differences could tell what is hidden.",
            remedy="Ask for all counts of a unit, and filter the file.",
        )
    asked = editions.Wanted(unit=wanted.unit, start=wanted.start, end=wanted.end)
    found, zone = await database.answer(editions.months(reader, asked, desk.settings.settle_days))
    await database.change(editions.ensure(found, desk.settings.smallest_group))
    steps = editions.table(reader, asked, found, zone)
    return await desk.give(request, reader, "dossiers", noted, steps, kind, bom=bom)


@router.get("/samples", response_class=Response, summary="Samples of devices as a file")
async def export_samples(
    request: Request,
    reader: NamedReader,
    desk: _CurrentDesk,
    device_kind: Annotated[
        str, Query(alias="kind", pattern="^(camera|wifi)$", description="camera or wifi.", examples=["wifi"])
    ],
    unit: _Unit = None,
    device: _Device = None,
    start: _From = None,
    end: _To = None,
    kind: _Kind = Format.CSV,
    bom: _Bom = False,
) -> Response:
    """Device by device in order of time."""
    _check_bom(kind, bom)
    wanted = devices.Wanted(kind=device_kind, unit=unit, device=device, start=start, end=end)
    steps = devices.samples_table(reader, wanted)
    return await desk.give(request, reader, "samples", wanted.noted, steps, kind, bom=bom)


@router.get("/states", response_class=Response, summary="Devices' runs of equal state as a file")
async def export_states(
    request: Request,
    reader: NamedReader,
    desk: _CurrentDesk,
    device_kind: Annotated[
        str | None, Query(alias="kind", pattern="^(camera|wifi|kiosk)$", description="camera, wifi or kiosk.")
    ] = None,
    unit: _Unit = None,
    device: _Device = None,
    start: _From = None,
    end: _To = None,
    kind: _Kind = Format.CSV,
    bom: _Bom = False,
) -> Response:
    """Silence is a run of state unknown; the run that lasts has no end."""
    _check_bom(kind, bom)
    wanted = devices.Wanted(kind=device_kind, unit=unit, device=device, start=start, end=end)
    steps = devices.states_table(reader, wanted)
    return await desk.give(request, reader, "states", wanted.noted, steps, kind, bom=bom)


def _check_bom(kind: Format, bom: bool) -> None:
    if bom and kind is not Format.CSV:
        raise BadQuestionError(
            f"A byte order mark goes with CSV, and format is {kind}.",
            remedy="Leave bom out, or ask for format=csv.",
        )
