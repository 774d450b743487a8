"""``/api/v1/duty/changes``, ``preview`` and ``log``: what changes duty, who did it, and what the shifts wrote down."""

from __future__ import annotations

from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from ioc.api.asking import NOT_MODIFIED, After, Limit, conditional, only_known_parameters
from ioc.api.identity import ActingReader, CurrentDatabase, NamedReader
from ioc.api.models.duty_changes import (
    DutyChange,
    DutyChangeBody,
    DutyChangeList,
    DutyChangeMade,
    DutyLog,
    DutyLogBody,
    DutyLogEntry,
    DutySupposed,
    DutySuppositionBody,
)
from ioc.api.problems import MEDIA_TYPE, OF_ROLE, RESPONSES
from ioc.duty import asking, log, store
from ioc.duty.changing import the_roster
from ioc.duty.document import change_document, duty_document, log_document
from ioc.duty.model import Change, Plan
from ioc.kpi.errors import BadQuestionError

router = APIRouter(
    prefix="/api/v1/duty",
    tags=["duty"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    403: {
        "description": "The reader may not act, or it would change the duty of units beyond his.",
        "content": _PROBLEM,
    },
    409: {"description": "It contradicts a change in force, which is named.", "content": _PROBLEM},
}
_Number = Annotated[int, Path(ge=1, le=2**62, description="Number of the change.", examples=[12])]
_Roster = Annotated[
    str | None,
    Query(description="Code of a roster; the only one there is, or all.", examples=["truc-ioc"]),
]


@router.get(
    "/changes", response_model=DutyChangeList, responses=NOT_MODIFIED, summary="Changes to duty, newest first"
)
async def list_changes(
    request: Request,
    reader: NamedReader,
    database: CurrentDatabase,
    roster: _Roster = None,
    withdrawn: Annotated[bool, Query(description="Also those that were withdrawn.")] = False,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """What, who made it and when, who withdrew it; people by their codes. Leave, of every roster, comes with each."""
    plan = await database.answer(store.rosters_of(reader))
    found = await database.answer(
        store.changes_of(reader, roster, withdrawn=withdrawn, before=_number(after), limit=limit + 1)
    )
    page = found[:limit]
    return conditional(
        request,
        {
            "changes": [_document(plan, change) for change in page],
            "next": str(page[-1].id) if len(found) > limit else None,
        },
    )


@router.post(
    "/changes",
    status_code=201,
    response_model=DutyChangeMade,
    responses=_REFUSED,
    summary="Change duty for a time",
)
async def make_change(body: DutyChangeBody, reader: ActingReader, database: CurrentDatabase) -> Response:
    """Add, remove or replace somebody, swap two shifts, give leave, or put a temporary schedule in place.

    The roster must be one that the reader may see. It is kept who made the change; notes say what it does not do.
    """
    (made,) = await database.change(store.make_worded(reader, (body.wording(),), reader))
    plan = await database.answer(store.rosters_of(reader))
    document = {"change": _document(plan, made.change), "notes": list(made.notes)}
    return Response(msgspec.json.encode(document), status_code=201, media_type="application/json")


@router.delete(
    "/changes/{number}", response_model=DutyChange, responses=_REFUSED, summary="Take a change back"
)
async def withdraw_change(
    number: _Number,
    reader: ActingReader,
    database: CurrentDatabase,
    from_start: Annotated[bool, Query(description="It never was so: the past is put right, too.")] = False,
) -> Response:
    """From now on; until then it was in force. It stays in the list, with who took it back."""
    change = await database.change(store.withdraw(reader, number, reader, from_start=from_start))
    plan = await database.answer(store.rosters_of(reader))
    return Response(msgspec.json.encode(_document(plan, change)), media_type="application/json")


@router.post(
    "/preview",
    response_model=DutySupposed,
    responses={409: _REFUSED[409]},
    summary="Duty as it would be with other changes",
)
async def preview(body: DutySuppositionBody, reader: NamedReader, database: CurrentDatabase) -> Response:
    """What if: nothing is stored. Without `from` and `to`, for the time that the changes speak of."""
    wordings = tuple(change.wording() for change in body.changes)
    duty, notes = await database.answer(
        asking.suppose(reader, wordings, roster=body.roster, start=body.start, end=body.end)
    )
    document = {**duty_document(duty, named=True), "notes": list(notes)}
    return Response(msgspec.json.encode(document), media_type="application/json")


@router.get(
    "/log", response_model=DutyLog, responses=NOT_MODIFIED, summary="A roster's shift log, newest first"
)
async def get_log(
    request: Request,
    reader: NamedReader,
    database: CurrentDatabase,
    roster: _Roster = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """The platform notes each hand-over by itself, as `system`."""
    plan = await database.answer(store.rosters_of(reader))
    code = roster or the_roster(plan, None).code
    found = await database.answer(log.log_of(reader, code, before=_number(after), limit=limit + 1))
    zone = _zone(plan, code)
    page = found[:limit]
    return conditional(
        request,
        {
            "roster": code,
            "entries": [log_document(entry, zone) for entry in page],
            "next": str(page[-1].id) if len(found) > limit else None,
        },
    )


@router.post(
    "/log",
    status_code=201,
    response_model=DutyLogEntry,
    responses=OF_ROLE,
    summary="Write into a roster's shift log",
)
async def write_log(body: DutyLogBody, reader: ActingReader, database: CurrentDatabase) -> Response:
    """Kept with who wrote it; it can't be changed or deleted. Write no personal data."""
    entry = await database.change(log.note(reader, body.roster, body.text, reader))
    plan = await database.answer(store.rosters_of(reader))
    document = log_document(entry, _zone(plan, entry.roster))
    return Response(msgspec.json.encode(document), status_code=201, media_type="application/json")


def _document(plan: Plan, change: Change) -> dict[str, Any]:
    return change_document(change, _zone(plan, change.roster))


def _zone(plan: Plan, roster: str | None) -> ZoneInfo:
    """The roster's; the district's for leave, and for a roster that is gone."""
    found = None if roster is None else plan.roster(roster)
    return plan.calendar.zone if found is None else found.zone


def _number(after: str | None) -> int | None:
    if after is None:
        return None
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise BadQuestionError(
            "after can't be read.", remedy="Give `next` of the page before, as it was given."
        )
    return int(after)
