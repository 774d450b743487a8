"""``/api/v1/kpis``: the same indicators, questions and documents as the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from ioc.api.asking import NOT_MODIFIED, conditional, only_known_parameters, split
from ioc.api.database import Database, Shared
from ioc.api.identity import CurrentDatabase, CurrentReader
from ioc.api.models.figures import CurrentFigures, KpiDefinition, KpiList, Series, SeriesList
from ioc.api.problems import RESPONSES
from ioc.api.series_parameters import Areas, Ids, Units, WantedSeries
from ioc.history import series
from ioc.kpi import targets
from ioc.kpi.catalogue import CATALOGUE, find
from ioc.kpi.definition import Kpi
from ioc.kpi.document import current_document, kpi_document, series_document, target_document
from ioc.kpi.errors import BadQuestionError, UnknownUnitError
from ioc.kpi.query import Answer, Current, Steps, ask, clock, current
from ioc.kpi.question import Areas as WhichAreas
from ioc.kpi.question import read_areas

router = APIRouter(
    prefix="/api/v1/kpis",
    tags=["kpis"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
_MOST_FIGURES = 2_000
_KpiId = Annotated[str, Path(description="The indicator.", examples=["dossier.on_time_rate"])]
_OfUnit = Annotated[
    str | None, Query(description="Unit whose targets are given; without it, the reader's whole scope.")
]
_NO_STORE = {"Cache-Control": "no-store", "Vary": "Authorization"}


@router.get("", response_model=KpiList, responses=NOT_MODIFIED, summary="Every indicator's definition")
async def list_kpis(
    request: Request, reader: CurrentReader, database: CurrentDatabase, unit: _OfUnit = None
) -> Response:
    found = await _with_targets(reader, database, list(CATALOGUE.values()), unit)
    return conditional(request, {"kpis": found})


async def _with_targets(
    reader: str, database: Database, kpis: Sequence[Kpi], unit: str | None
) -> list[dict[str, Any]]:
    try:
        in_force = await database.answer(targets.ask(reader, [kpi.id for kpi in kpis], [unit]))
        zone, _ = await database.answer(clock(reader, unit))
    except UnknownUnitError:
        if unit is not None:
            raise
        # no district yet: what indicators mean can be told all the same
        in_force, zone = targets.NO_TARGETS, ZoneInfo("UTC")
    return [
        {
            **kpi_document(kpi),
            "targets": [target_document(target, zone) for target in in_force.of(kpi.id, unit)],
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
    areas: Areas = None,
) -> dict[str, Any]:
    """Figures of today, of the last hour or minutes, or of now; each says which in `window`.

    Answers may be up to one second old: those who ask within it are given the same one.
    """
    wanted = split(ids, "ids") or list(CATALOGUE)
    places = split(units, "units")
    if len(wanted) * len(places or [""]) > _MOST_FIGURES:
        raise BadQuestionError(
            f"{len(wanted)} indicators for {len(places or [])} units are more than {_MOST_FIGURES} figures.",
            remedy="Ask for fewer units or indicators.",
        )
    shared: Shared = request.app.state.shared
    which = read_areas(areas)
    key = ("current", reader, tuple(wanted), None if places is None else tuple(places), which)

    response.headers.update(_NO_STORE)
    return await shared.get(key, lambda: wall(database, reader, wanted, places, which))


async def wall(
    database: Database, reader: str, wanted: list[str], places: list[str] | None, which: WhichAreas
) -> dict[str, Any]:
    """The document of the newest figures."""
    figures, in_force, zone, now = await database.answer(_wall(reader, wanted, places, which))
    return {
        "time": now.astimezone(zone).isoformat(),
        "figures": [
            current_document(
                figure, CATALOGUE[figure.kpi], zone, which, in_force.at(figure.kpi, figure.unit, now)
            )
            for figure in figures
        ],
    }


def _wall(
    reader: str, wanted: list[str], places: list[str] | None, which: WhichAreas
) -> Steps[tuple[tuple[Current, ...], targets.Targets, ZoneInfo, datetime]]:
    """Steps to the figures, the targets in force, the first unit's zone and the moment: of one snapshot."""
    figures = yield from current(reader, wanted, places, which)
    in_force = yield from targets.ask(reader, wanted, places or [None])
    zone, now = yield from clock(reader, None if places is None else places[0])
    return figures, in_force, zone, now


@router.get(
    "/series", response_model=SeriesList, responses=NOT_MODIFIED, summary="Several series in one call"
)
async def many_series(
    request: Request,
    reader: CurrentReader,
    database: CurrentDatabase,
    ids: Ids,
    asked: WantedSeries,
    units: Units = None,
) -> Response:
    """Each indicator for each unit, in one snapshot; at most 50,000 points together, an export gives more."""
    wanted, places = split(ids, "ids") or [], split(units, "units")
    found = await database.answer(series.answers(reader, wanted, places or [None], asked))
    return series_list(request, found, fixed_end=asked.has_fixed_end)


@router.get(
    "/{kpi_id}", response_model=KpiDefinition, responses=NOT_MODIFIED, summary="One indicator's definition"
)
async def one_kpi(
    request: Request,
    kpi_id: _KpiId,
    reader: CurrentReader,
    database: CurrentDatabase,
    unit: _OfUnit = None,
) -> Response:
    (found,) = await _with_targets(reader, database, [find(kpi_id)], unit)
    return conditional(request, found)


@router.get(
    "/{kpi_id}/series",
    response_model=Series,
    responses=NOT_MODIFIED,
    summary="An indicator's figures over time",
)
async def kpi_series(
    request: Request,
    kpi_id: _KpiId,
    reader: CurrentReader,
    database: CurrentDatabase,
    asked: WantedSeries,
    unit: Annotated[
        str | None, Query(description="Code of a unit, with all below it; without it, the district.")
    ] = None,
) -> Response:
    """A series without gaps. What is unknown is `null`, never zero. With `by`, points carry the dimension's name.

    Where a target is in force, points carry it with a `status`: `met`, `near`, `missed` or `unknown`.
    """
    document = series_document(await database.answer(ask(reader, kpi_id, replace(asked, unit=unit))))
    return conditional(
        request, document, same_without=document if asked.has_fixed_end else _without_end(document)
    )


def series_list(request: Request, found: Sequence[Answer], *, fixed_end: bool) -> Response:
    """Return several series as one document with its entity tag.

    :param fixed_end: the range ends where the question says, and not with the moment of asking.
    """
    documents = [series_document(answer) for answer in found]
    same = documents if fixed_end else [_without_end(document) for document in documents]
    return conditional(request, {"series": documents}, same_without={"series": same})


def _without_end(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out the moment of asking, which makes no other answer."""
    provenance = {name: value for name, value in document["provenance"].items() if name != "to"}
    return {**document, "provenance": provenance}
