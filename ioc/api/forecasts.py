"""``/api/v1/forecasts``: surges, clearing times, dossiers that will miss their date."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from ioc.access import GUEST
from ioc.api.asking import only_known_parameters
from ioc.api.database import Shared
from ioc.api.dossiers import note
from ioc.api.identity import CurrentDatabase, CurrentReader
from ioc.api.problems import RESPONSES
from ioc.forecast.document import clearing_document, misses_document, surges_document
from ioc.forecast.query import LIKELY, ask_clearing, ask_misses, ask_surges
from ioc.kpi.errors import BadQuestionError

router = APIRouter(
    prefix="/api/v1/forecasts",
    tags=["forecasts"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
_NO_STORE: Final = {"Cache-Control": "no-store", "Vary": "Authorization"}
_MOST_UNITS: Final = 200

Unit = Annotated[
    str | None, Query(description="Code of a unit, with all below it; without it, the district.")
]
AsOf = Annotated[
    str | None, Query(description="As known at this moment, in the unit's zone without an offset.")
]


class Forecast(BaseModel):
    """What all forecasts say of themselves."""

    unit: str | None
    time: str = Field(description="The moment that it is made for, with the unit's offset.")
    as_of: str | None
    time_zone: str


class Counts(BaseModel):
    """Arrivals until now."""

    observed: float | None
    expected: float | None


class SurgeFigures(BaseModel):
    """Arrivals against what was to be expected."""

    unit: str | None
    subject: str = Field(description="dossiers or tickets.")
    state: str = Field(
        description="surge, none, closed (no worked day) or unknown (fewer than 20 worked days known)."
    )
    since: str | None = Field(description="Where the most unlikely stretch begins; with a surge only.")
    observed: float | None = Field(description="Since then; without a surge, today.")
    expected: float | None
    held_back: float | None = Field(description="The part of it that a closure before brought.")
    chance: float | None = Field(
        description="Of as many or more, were nothing the matter; over all stretches looked at."
    )
    today: Counts
    memory_days: int = Field(description="Worked days looked back on.")
    memory_from: str | None


class SurgeForecast(Forecast):
    """Surges."""

    surges: list[SurgeFigures]


class ClearingFigures(BaseModel):
    """When what is open is worked off; null where the pace is zero or unknown."""

    unit: str | None = Field(description="Null: all of the scope together.")
    open: int
    pace_per_day: float | None = Field(description="Dossiers ended a worked day.")
    pace_days: int | None = Field(description="Worked days that the pace is taken from.")
    working_days: float | None
    working_days_low: float | None
    working_days_high: float | None = Field(description="Null: the spread sets no upper end.")
    at: str | None
    at_low: str | None
    at_high: str | None


class ClearingForecast(Forecast):
    """Clearing times."""

    interval: str
    units: list[ClearingFigures]


class UnitCounts(BaseModel):
    """What is to be expected of a unit's open dossiers."""

    unit: str | None = Field(description="Null: all of the scope together.")
    open: int
    overdue: int
    likely: int = Field(description="Not overdue, and missing their date with a chance of at least one half.")
    sum_of_chances: float | None = Field(description="Misses to be expected among those not overdue.")
    undated: int = Field(description="Without a date, or waiting for somebody else.")
    unknown: int = Field(description="Not judged: too little history.")


class ReasonText(BaseModel):
    """Why a dossier is listed."""

    code: str
    vi: str
    en: str


class ExpectedMiss(BaseModel):
    """One open dossier."""

    code: str
    unit: str
    field: str | None
    procedure: str | None
    received_at: str
    due: str = Field(description="Last day that is on time.")
    chance: float
    reason: ReasonText
    expected_at: str | None
    expected_low: str | None
    expected_high: str | None
    turn: int = Field(description="Place by due date among its unit's open dossiers.")
    turn_at: str | None = Field(description="When that turn comes at the unit's pace.")


class MissForecast(Forecast):
    """Dossiers that will miss their date."""

    units: list[UnitCounts]
    found: int = Field(description="Dossiers with at least the chance asked for.")
    dossiers: list[ExpectedMiss] | None = Field(
        description="Null for the guest: single dossiers need a reader's name."
    )


@router.get("/surge", response_model=SurgeForecast, summary="Whether arrivals stand out")
async def surge(
    request: Request,
    response: Response,
    reader: CurrentReader,
    database: CurrentDatabase,
    units: Annotated[
        str | None,
        Query(description="Units, separated by commas; without it, the reader's whole scope as one."),
    ] = None,
    as_of: AsOf = None,
) -> dict[str, Any]:
    """Dossiers received and queue tickets issued against what the twelve weeks before lead to expect."""
    wanted = (
        None
        if units is None
        else list(dict.fromkeys(part.strip() for part in units.split(",") if part.strip()))
    )
    if wanted is not None and not 1 <= len(wanted) <= _MOST_UNITS:
        raise BadQuestionError(
            f"units names {len(wanted)} units.", remedy=f"Name 1 to {_MOST_UNITS}, or leave it out."
        )

    async def compute() -> dict[str, Any]:
        return surges_document(await database.answer(ask_surges(reader, wanted, as_of)))

    response.headers.update(_NO_STORE)
    return await _shared(request).get(("surge", reader, tuple(wanted or ()), as_of), compute)


@router.get("/clearing", response_model=ClearingForecast, summary="When open dossiers are worked off")
async def clearing(
    request: Request,
    response: Response,
    reader: CurrentReader,
    database: CurrentDatabase,
    unit: Unit = None,
    as_of: AsOf = None,
) -> dict[str, Any]:
    """When as many dossiers will have been ended as are open now, at the pace of the last forty worked days."""

    async def compute() -> dict[str, Any]:
        return clearing_document(await database.answer(ask_clearing(reader, unit, as_of)))

    response.headers.update(_NO_STORE)
    return await _shared(request).get(("clearing", reader, unit, as_of), compute)


@router.get("/misses", response_model=MissForecast, summary="Open dossiers that will miss their date")
async def misses(
    request: Request,
    response: Response,
    reader: CurrentReader,
    database: CurrentDatabase,
    unit: Unit = None,
    as_of: AsOf = None,
    at_least: Annotated[float, Query(ge=0.0, le=1.0, description="List from this chance on.")] = LIKELY,
    limit: Annotated[
        int, Query(ge=1, le=1000, description="Most dossiers listed, the most pressing first.")
    ] = 200,
) -> dict[str, Any]:
    """Open dossiers that have missed their date or will at today's pace, why, and when they will probably be done."""

    async def compute() -> dict[str, Any]:
        found = await database.answer(ask_misses(reader, unit, as_of, most=limit, at_least=at_least))
        return misses_document(found, with_dossiers=reader != GUEST)

    response.headers.update(_NO_STORE)
    if reader != GUEST:
        await note(database, reader, "dossiers.misses", {"unit": unit, "as_of": as_of}, rows=limit)
    return await _shared(request).get(("misses", reader, unit, as_of, at_least, limit), compute)


def _shared(request: Request) -> Shared:
    found: Shared = request.app.state.forecasts
    return found
