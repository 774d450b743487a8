"""``/api/v1/kpis``: the same indicators, questions and documents as the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from ioc.api.database import Database, Shared
from ioc.api.identity import CurrentDatabase, CurrentReader
from ioc.api.models import CurrentFigures, KpiDefinition, KpiList, Series
from ioc.api.problems import RESPONSES
from ioc.kpi import targets
from ioc.kpi.catalogue import CATALOGUE, find
from ioc.kpi.definition import Kpi
from ioc.kpi.document import current_document, kpi_document, series_document, target_document
from ioc.kpi.errors import BadQuestionError, UnknownUnitError
from ioc.kpi.query import ask, current
from ioc.kpi.question import Asked, read_areas

router = APIRouter(prefix="/api/v1/kpis", tags=["kpis"], responses=RESPONSES)
_MOST_FIGURES = 2_000
_NO_STORE = {"Cache-Control": "no-store", "Vary": "Authorization"}

_Areas = Annotated[
    str | None,
    Query(
        description="as_was (also without it): figures of units as they were at the time. remapped: of the areas of "
        "today's units, continued backwards through the units that they came from; a share of a unit is an estimate."
    ),
]
_OfUnit = Annotated[
    str | None, Query(description="Unit whose targets are given; without it, the reader's whole scope.")
]


@router.get("", response_model=KpiList, summary="Every indicator's definition")
async def list_kpis(reader: CurrentReader, database: CurrentDatabase, unit: _OfUnit = None) -> dict[str, Any]:
    return {"kpis": await _with_targets(reader, database, list(CATALOGUE.values()), unit)}


async def _with_targets(
    reader: str, database: Database, kpis: Sequence[Kpi], unit: str | None
) -> list[dict[str, Any]]:
    try:
        in_force = await database.answer(targets.ask(reader, [kpi.id for kpi in kpis], [unit]))
        ((zone,),) = await database.rows("SELECT ioc.unit_zone(%s, %s)", (reader, unit))
    except UnknownUnitError:
        if unit is not None:
            raise
        # no district yet: what indicators mean can be told all the same
        in_force, zone = targets.NO_TARGETS, "UTC"
    return [
        {
            **kpi_document(kpi),
            "targets": [target_document(target, ZoneInfo(zone)) for target in in_force.of(kpi.id, unit)],
        }
        for kpi in kpis
    ]


@router.get(
    "/current",
    response_model=CurrentFigures,
    response_model_exclude_unset=True,
    summary="The newest figures: a wall in one call",
)
async def current_figures(
    request: Request,
    response: Response,
    reader: CurrentReader,
    database: CurrentDatabase,
    ids: Annotated[str | None, Query(description="Indicators, separated by commas; without it, all.")] = None,
    units: Annotated[
        str | None, Query(description="Units, separated by commas; without it, the reader's whole scope.")
    ] = None,
    areas: _Areas = None,
) -> dict[str, Any]:
    """Figures of today, of the last hour or minutes, or of now; each says which in `window`.

    Answers may be up to one second old: those who ask within it are given the same one.
    """
    wanted = _split(ids, "ids") or list(CATALOGUE)
    places = _split(units, "units")
    if len(wanted) * len(places or [""]) > _MOST_FIGURES:
        raise BadQuestionError(
            f"{len(wanted)} indicators for {len(places or [])} units are more than {_MOST_FIGURES} figures.",
            remedy="Ask for fewer units or indicators.",
        )
    shared: Shared = request.app.state.shared
    which = read_areas(areas)
    key = ("current", reader, tuple(wanted), None if places is None else tuple(places), which)

    async def compute() -> dict[str, Any]:
        figures = await database.answer(current(reader, wanted, places, which))
        in_force = await database.answer(targets.ask(reader, wanted, places or [None]))
        ((zone, now),) = await database.rows(
            "SELECT ioc.unit_zone(%s, %s), now()", (reader, None if places is None else places[0])
        )
        local = ZoneInfo(zone)
        return {
            "time": now.astimezone(local).isoformat(),
            "figures": [
                current_document(
                    figure, CATALOGUE[figure.kpi], local, which, in_force.at(figure.kpi, figure.unit, now)
                )
                for figure in figures
            ],
        }

    response.headers.update(_NO_STORE)
    return await shared.get(key, compute)


@router.get("/{kpi_id}", response_model=KpiDefinition, summary="One indicator's definition")
async def one_kpi(
    kpi_id: str, reader: CurrentReader, database: CurrentDatabase, unit: _OfUnit = None
) -> dict[str, Any]:
    (found,) = await _with_targets(reader, database, [find(kpi_id)], unit)
    return found


@router.get(
    "/{kpi_id}/series",
    response_model=Series,
    response_model_exclude_unset=True,
    summary="An indicator's figures over time",
)
async def kpi_series(
    kpi_id: str,
    response: Response,
    reader: CurrentReader,
    database: CurrentDatabase,
    unit: Annotated[
        str | None, Query(description="Code of a unit, with all below it; without it, the district.")
    ] = None,
    start: Annotated[
        str | None,
        Query(
            alias="from", description="Start, included: date or time, in the unit's zone without an offset."
        ),
    ] = None,
    end: Annotated[str | None, Query(alias="to", description="End, not included; without it, now.")] = None,
    bucket: Annotated[str | None, Query(description="1min, 15min, 1h, 1d (also without it) or 1mo.")] = None,
    by: Annotated[str | None, Query(description="Dimension to split by.")] = None,
    where: Annotated[list[str] | None, Query(description="DIM=VALUE; may be repeated.")] = None,
    as_of: Annotated[
        str | None, Query(description="As known at this moment; dossier indicators only.")
    ] = None,
    areas: _Areas = None,
) -> dict[str, Any]:
    """A series without gaps. What is unknown is `null`, never zero. With `by`, points carry the dimension's name.

    Where a target is in force, points carry it with a `status`: `met`, `near`, `missed` or `unknown`.
    """
    asked = Asked(
        unit=unit,
        start=start,
        end=end,
        bucket=bucket,
        by=by,
        where=tuple(where or ()),
        as_of=as_of,
        areas=areas,
    )
    response.headers.update(_NO_STORE)
    return series_document(await database.answer(ask(reader, kpi_id, asked)))


def _split(text: str | None, name: str) -> list[str] | None:
    if text is None:
        return None
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise BadQuestionError(f"{name} names nothing.", remedy="Leave it out, or separate codes by commas.")
    return found
