"""``/api/v1/dossiers``: single dossiers and their events, for readers by name; who asked is kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from ioc.api.asking import NOT_MODIFIED, After, Limit, conditional, only_known_parameters
from ioc.api.identity import CurrentDatabase, NamedReader
from ioc.api.models.dossiers import DossierEvents, DossierList
from ioc.api.problems import RESPONSES
from ioc.history import access_log, cursor, dossiers

router = APIRouter(
    prefix="/api/v1/dossiers",
    tags=["dossiers"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)

_Many = list[str] | None


def wanted_dossiers(
    unit: Annotated[
        str | None, Query(description="Code of a unit, with all below it.", examples=["go-dau"])
    ] = None,
    state: Annotated[
        dossiers.State | None,
        Query(
            description="open, late, due (within 24 hours), without_apology, paused, completed or withdrawn."
        ),
    ] = None,
    procedure: Annotated[
        _Many, Query(description="Procedure; repeated: any of them; empty: without one.")
    ] = None,
    field: Annotated[_Many, Query(description="Field, likewise.")] = None,
    channel: Annotated[_Many, Query(description="Channel, likewise.", examples=["online"])] = None,
    start: Annotated[
        str | None,
        Query(alias="from", description="Accepted from this date or time on.", examples=["2026-10-01"]),
    ] = None,
    end: Annotated[str | None, Query(alias="to", description="Accepted before this date or time.")] = None,
) -> dossiers.Filter:
    """Return the filter that a request asks for."""
    return dossiers.Filter(
        unit=unit,
        state=state,
        procedure=tuple(procedure or ()),
        field=tuple(field or ()),
        channel=tuple(channel or ()),
        start=start,
        end=end,
    )


WantedDossiers = Annotated[dossiers.Filter, Depends(wanted_dossiers)]
_NAMES: Final = tuple(column.name for column in dossiers.COLUMNS)


@router.get(
    "",
    response_model=DossierList,
    responses=NOT_MODIFIED,
    summary="Accepted dossiers and how they stand, in pages",
)
async def list_dossiers(
    request: Request,
    reader: NamedReader,
    database: CurrentDatabase,
    wanted: WantedDossiers,
    order: Annotated[
        dossiers.Order,
        Query(
            description="-received (newest first), received, or due (soonest due first; open dossiers only)."
        ),
    ] = dossiers.Order.NEWEST,
    limit: Limit = 200,
    after: After = None,
) -> Response:
    """No personal data: none is kept. Each question is noted in the access log (`ioc access-log`)."""
    asked = {**wanted.noted, "order": order}
    place = None if after is None else cursor.read(after, dossiers.Place, asked)
    rows, last = await database.answer(dossiers.page(reader, wanted, order=order, after=place, limit=limit))
    await note(database, reader, "dossiers", asked, rows=len(rows))
    return conditional(
        request,
        {
            "dossiers": [dict(zip(_NAMES, row, strict=True)) for row in rows],
            "next": None if last is None else cursor.write(last, asked),
        },
    )


@router.get(
    "/{code}/events",
    response_model=DossierEvents,
    responses=NOT_MODIFIED,
    summary="What happened to one dossier, in order",
)
async def dossier_events(
    request: Request,
    reader: NamedReader,
    database: CurrentDatabase,
    code: Annotated[
        str,
        Path(
            max_length=50, description="The dossier's code, or a second one.", examples=["H53.18-261103-0042"]
        ),
    ],
    limit: Limit = 200,
    after: After = None,
) -> Response:
    """Facts as they are kept: when each happened and when it was learned. Noted in the access log."""
    place = None if after is None else cursor.read(after, dossiers.EventPlace, code)
    found = await database.answer(dossiers.events(reader, code, after=place, limit=limit))
    await note(database, reader, "dossier", {"dossier": found.code}, rows=len(found.events))
    return conditional(
        request,
        {
            "code": found.code,
            "unit": found.unit,
            "merged_into": found.merged_into,
            "events": [
                {
                    **asdict(event),
                    "time": event.time.astimezone(found.zone),
                    "recorded_at": event.recorded_at.astimezone(found.zone),
                }
                for event in found.events
            ],
            "next": None if found.next is None else cursor.write(found.next, code),
        },
    )


async def note(
    database: CurrentDatabase, reader: str, what: str, asked: dict[str, Any], *, rows: int
) -> None:
    """Keep that an answer is given; without the entry there is no answer."""
    number = await database.change(access_log.begin(reader, what, asked))
    await database.rows(*access_log.end(number, rows=rows, outcome=access_log.Outcome.GIVEN))
