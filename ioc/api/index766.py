"""``/api/v1/index766``: the index of Decision 766 component by component, and what its points were lost on."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from ioc.access import GUEST
from ioc.api.asking import only_known_parameters
from ioc.api.dossiers import note
from ioc.api.identity import CurrentDatabase, CurrentReader
from ioc.api.models.figures import Names
from ioc.api.problems import RESPONSES
from ioc.index766.scores import DEFAULT_LATE, MOST_LATE, ask_month, losses_document, month_document

router = APIRouter(
    prefix="/api/v1/index766",
    tags=["index766"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
_NO_STORE: Final = {"Cache-Control": "no-store", "Vary": "Authorization"}

_Unit = Annotated[
    str | None, Query(description="Code of a unit, with all below it; without it, the district.")
]
_Month = Annotated[str | None, Query(description="2026-03; without it, the running one so far.")]
_AsOf = Annotated[str | None, Query(description="As known at this moment.")]


class FormulaInForce(BaseModel):
    """The formula that scored the month."""

    version: int
    basis: str


class Certainty(BaseModel):
    """V read in a public page, C in code or data of systems in use, I inferred."""

    points: str
    formula: str


class ComponentScore(BaseModel):
    """One component."""

    component: str
    name: Names
    points: float | None = Field(description="Null while unknown; never 0 for that.")
    of: float = Field(description="Most points that it can give.")
    numerator: float | int | None
    denominator: float | int | None
    origin: str | None = Field(
        description="live: from our facts; imported: published by the portal; null: unknown."
    )
    published_points: float | None = Field(description="What the portal published, beside a live figure too.")
    published_at: str | None
    formula: str = Field(description="A is numerator over denominator.")
    certainty: Certainty


class Points(BaseModel):
    """Points of a group or of the whole."""

    value: float | None = Field(description="Null while any component is unknown.")
    points_known: float | None
    of_known: float = Field(description="Most points that the components that are known can give.")
    of: float


class GroupScore(Points):
    """One group."""

    group: str
    components: list[ComponentScore]


class _Head(BaseModel):
    unit: str | None
    month: str
    as_of: str | None
    formula: FormulaInForce


class IndexMonth(_Head, Points):
    """A unit's index of a month."""

    grade: str | None = Field(
        description="By IOC_INDEX766_GRADES; null where none are set or the value is unknown."
    )
    groups: list[GroupScore]


class ProcedureLoss(BaseModel):
    """What a component lost on a procedure; null: on dossiers of no known procedure."""

    procedure: str | None
    missing: float | int | None = Field(
        description="Dossiers that miss the mark; 1 where procedures are counted."
    )
    counted: float | int | None
    points: float | None


class LateDossier(BaseModel):
    """A dossier that was late in the month."""

    code: str | None
    unit: str
    procedure: str | None
    field: str | None
    how: str = Field(description="completed late, or overdue (at the month's end, or now).")
    due_on: str | None = Field(
        description="By what is known now; null where the dossier changed since as_of."
    )
    days_late: int | None = Field(description="Calendar days.")
    points: float | None = Field(description="What it cost.")


class ComponentLoss(BaseModel):
    """Points that a component lost; its procedures add up to them."""

    component: str
    origin: str | None
    lost: float | None
    missing: float | int | None
    procedures: list[ProcedureLoss] = Field(
        description="Most points first; empty for what the portal published."
    )
    late_dossiers: int | None = Field(None, description="How many dossiers were late; progress only.")
    dossiers: list[LateDossier] | None = Field(
        None, description="Longest late first; null for the guest, who is told no dossier."
    )


class IndexLosses(_Head):
    """What a month's points were lost on."""

    components: list[ComponentLoss]
    unknown: list[str] = Field(
        description="Components that are unknown, so that nothing can be said of them."
    )


@router.get("", response_model=IndexMonth, summary="The index of Decision 766 of a unit and month")
async def index_month(
    request: Request,
    response: Response,
    reader: CurrentReader,
    database: CurrentDatabase,
    unit: _Unit = None,
    month: _Month = None,
    as_of: _AsOf = None,
) -> dict[str, Any]:
    """Each component with its points, what they are made of, and how sure the formula is.

    The value of a group is null while a component is unknown; beside it stand the points that are known.
    """
    response.headers.update(_NO_STORE)
    found = await database.answer(ask_month(reader, unit, month, as_of))
    return month_document(found, request.app.state.grades)


@router.get("/losses", response_model=IndexLosses, summary="What the points of the index were lost on")
async def index_losses(
    response: Response,
    reader: CurrentReader,
    database: CurrentDatabase,
    unit: _Unit = None,
    month: _Month = None,
    as_of: _AsOf = None,
    limit: Annotated[
        int, Query(ge=1, le=MOST_LATE, description="Most late dossiers to list.")
    ] = DEFAULT_LATE,
) -> dict[str, Any]:
    """For each component that lost points the procedures that cost them; for progress the late dossiers too.

    A component's procedures add up to the points that it lost, and so do all late dossiers.
    """
    response.headers.update(_NO_STORE)
    named = reader != GUEST
    found = await database.answer(
        ask_month(reader, unit, month, as_of, losses=True, late=limit if named else 1)
    )
    if named:
        asked = {"unit": unit, "as_of": as_of}
        await note(database, reader, "dossiers.losses", asked, rows=len(found.late))
    return losses_document(found, with_dossiers=named)
