"""``/api/v1/dossiers``: reports on dossiers that are no indicators."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ioc.access import GUEST
from ioc.api.asking import only_known_parameters
from ioc.api.dossiers import note
from ioc.api.identity import CurrentDatabase, CurrentReader, NamedReader
from ioc.api.problems import RESPONSES
from ioc.district.worktime import stored_calendar
from ioc.dossiers.due_check import ask_due_check, due_check_document
from ioc.dossiers.load import By, ask_load, load_document

router = APIRouter(
    prefix="/api/v1/dossiers",
    tags=["dossiers"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
_NO_STORE: Final = {"Cache-Control": "no-store", "Vary": "Authorization"}
_Unit = Annotated[
    str | None, Query(description="Code of a unit, with all below it; without it, the district.")
]


class DueExample(BaseModel):
    """A dossier whose due date is not that of its procedure."""

    code: str
    given: str | None
    expected: str | None
    days: int | None = Field(description="Calendar days by which the given date lies after the expected one.")


class DueProcedure(BaseModel):
    """Dossiers of one procedure; null: of none that is named."""

    procedure: str | None
    dossiers: int
    agrees: int
    earlier: int = Field(description="Due earlier than the procedure's time allows.")
    later: int = Field(description="Due later: such dossiers are late less often than their procedure says.")
    no_due_date: int
    no_term: int = Field(description="The pack doesn't say how long the procedure may take.")
    most_days_earlier: int
    most_days_later: int
    examples: list[DueExample] | None = Field(description="Widest gaps first; null for the guest.")


class DueReport(BaseModel):
    """Given due dates against those that procedures' times give."""

    model_config = ConfigDict(populate_by_name=True)

    unit: str | None
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    dossiers: int
    disagreeing: int
    procedures: list[DueProcedure]


class LoadCounts(BaseModel):
    """Open dossiers, and what is about them now."""

    open: int
    overdue: int
    due_24h: int
    paused: int


class LoadSpread(BaseModel):
    """How open dossiers are spread over officers; figures are null with fewer than three."""

    officers: int
    known_share: float | None = Field(description="Share of open dossiers of which is known who has them.")
    median: float | None
    most: int | None = Field(description="Open dossiers of the officer with most; never who that is.")
    busiest_share: float | None


class LoadCell(LoadCounts):
    """A department, or a role."""

    name: str | None
    officers: int | None = Field(description="Null where the district vouches for enough.")


class SmallCells(LoadCounts):
    """Departments or roles of fewer than three officers, and those that had to join them, together."""

    cells: int


class LoadUnit(LoadCounts):
    """A unit."""

    unit: str
    spread: LoadSpread
    cells: list[LoadCell]
    too_small: SmallCells | None


class LoadReport(BaseModel):
    """Who has how much to do, without names."""

    unit: str | None
    by: str
    fewest_officers: int
    spread: LoadSpread
    units: list[LoadUnit]


@router.get("/due-check", response_model=DueReport, summary="Given due dates against procedures' times")
async def due_check(
    response: Response,
    reader: CurrentReader,
    database: CurrentDatabase,
    unit: _Unit = None,
    start: Annotated[
        str | None,
        Query(alias="from", description="Accepted from here on; without it, 30 days before the end."),
    ] = None,
    end: Annotated[
        str | None, Query(alias="to", description="Accepted before this; without it, now.")
    ] = None,
    examples: Annotated[int, Query(ge=0, le=100, description="Dossiers to name for each procedure.")] = 5,
) -> dict[str, Any]:
    """The given due date (NgayHenTra) always counts; this only tells where it is not what the procedure's time gives.

    The first due date is compared by local date, before supplements and letters. At most 50,000 dossiers. It names
    dossiers to those who are logged in, which is noted in the access log.
    """
    response.headers.update(_NO_STORE)
    found = await database.answer(
        ask_due_check(reader, unit, start, end, examples=examples, calendar_of=stored_calendar)
    )
    if reader != GUEST:
        shown = sum(len(one.examples) for one in found.procedures)
        await note(
            database, reader, "dossiers.due-check", {"unit": unit, "from": start, "to": end}, rows=shown
        )
    return due_check_document(found, with_dossiers=reader != GUEST)


@router.get("/load", response_model=LoadReport, summary="Who has how much to do, without names")
async def load(
    request: Request,
    response: Response,
    reader: NamedReader,
    database: CurrentDatabase,
    unit: _Unit = None,
    by: Annotated[By, Query(description="department or role.")] = By.DEPARTMENT,
) -> dict[str, Any]:
    """Open and overdue dossiers now by department or role, and how they are spread over officers.

    No figure is one of fewer than three officers: smaller cells stand together in `too_small`, with further ones where
    the rest would tell them. Officers are counted by pseudonym where a source gives any; none is ever shown.
    """
    response.headers.update(_NO_STORE)
    return load_document(
        await database.answer(ask_load(reader, unit, by, request.app.state.load_departments))
    )
