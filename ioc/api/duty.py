"""``/api/v1/duty``: who is on duty, now and in a time; contacts are never given."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from ioc.access import GUEST
from ioc.api.asking import NOT_MODIFIED, conditional, only_known_parameters
from ioc.api.identity import CurrentDatabase, CurrentReader, NamedReader
from ioc.api.models.duty import DutyAnswer, DutyWarnings
from ioc.api.problems import RESPONSES
from ioc.duty.asking import ask
from ioc.duty.document import calendar_file, duty_document, warnings_document

router = APIRouter(
    prefix="/api/v1",
    tags=["duty"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
_Roster = Annotated[
    str | None, Query(description="Code of a roster; every one in the reader's scope.", examples=["truc-ioc"])
]
_At = Annotated[
    str | None, Query(description="The moment asked about: date or time, in the district's zone; now.")
]
_From = Annotated[
    str | None,
    Query(
        alias="from",
        description="Preview from here, included. With `to`, or alone for 14 days.",
        examples=["2026-11-25"],
    ),
]
_To = Annotated[str | None, Query(description="Preview until here, not included.")]
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The calendar.", "content": {"text/calendar": {"schema": {"type": "string"}}}}
}


@router.get(
    "/duty",
    response_model=DutyAnswer,
    responses=NOT_MODIFIED,
    summary="Who is on duty, gaps and hand-overs ahead",
)
async def get_duty(
    request: Request,
    reader: CurrentReader,
    database: CurrentDatabase,
    roster: _Roster = None,
    at: _At = None,
    start: _From = None,
    to: _To = None,
) -> Response:
    """Readers by name see people's names and titles, the guest how many there are; nobody sees contacts.

    Without `from` and `to`, warnings and hand-overs are those of the next 14 days; with them, those of that time.
    """
    found = await database.answer(ask(reader, roster=roster, at=at, start=start, end=to))
    return conditional(request, duty_document(found, named=reader != GUEST))


@router.get(
    "/duty/warnings",
    response_model=DutyWarnings,
    responses=NOT_MODIFIED,
    summary="Gaps, shifts with too few people, and people who are not there",
)
async def get_warnings(
    request: Request,
    reader: CurrentReader,
    database: CurrentDatabase,
    roster: _Roster = None,
    start: _From = None,
    to: _To = None,
) -> Response:
    """Of every roster in the reader's scope by time; without `from` and `to`, of the next 14 days."""
    found = await database.answer(ask(reader, roster=roster, start=start, end=to))
    document = warnings_document(found, named=reader != GUEST)
    return conditional(request, document, same_without={"warnings": document["warnings"]})


@router.get("/duty.ics", response_class=Response, responses=_FILE, summary="Duty as an iCalendar file")
async def get_calendar(
    reader: NamedReader,
    database: CurrentDatabase,
    roster: _Roster = None,
    person: Annotated[str | None, Query(description="Code of a person; everybody.")] = None,
    start: _From = None,
    to: _To = None,
) -> Response:
    """For calendars to subscribe to; without `from` and `to`, 14 days back and ahead. Names only, no contacts."""
    found = await database.answer(ask(reader, roster=roster, start=start, end=to))
    return Response(
        calendar_file(found, person),
        media_type="text/calendar; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="lich-truc.ics"',
            "Cache-Control": "private, no-cache",
        },
    )
