"""``/api/v1/maintenance``: times in which nobody is called."""

from __future__ import annotations

from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from ioc.alerts import windows
from ioc.alerts.actions import by_the_clock
from ioc.alerts.windows import Known, Place, Wanted
from ioc.api.asking import NOT_MODIFIED, After, Limit, conditional, only_known_parameters
from ioc.api.bodies import read_json
from ioc.api.identity import ActingReader, CurrentDatabase, NamedReader
from ioc.api.models.alerts import Maintenance, MaintenanceList, MaintenanceOrder
from ioc.api.problems import OF_ROLE, RESPONSES
from ioc.history import cursor

router = APIRouter(
    prefix="/api/v1/maintenance",
    tags=["alerts"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
_MOST_BYTES: Final = 256 * 1024
_EXAMPLE: Final = '{"name": "...", "from": "2026-11-29T08:00", "hours": 4, "recurs": "FREQ=WEEKLY;BYDAY=SU"}'
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": MaintenanceOrder.model_json_schema()}},
    }
}
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    **OF_ROLE,
    413: {"description": "The body is too large."},
    415: {"description": "The body does not say that it is JSON."},
}
_ZONE: Final = "SELECT ioc.unit_zone(%s, NULL)"


async def _document(reader: str, database: CurrentDatabase, known: Known) -> dict[str, Any]:
    ((zone,),) = await database.rows(_ZONE, (reader,))
    return windows.document(known, ZoneInfo(zone))


@router.get("", response_model=MaintenanceList, responses=NOT_MODIFIED, summary="Maintenance windows")
async def list_windows(
    request: Request,
    reader: NamedReader,
    database: CurrentDatabase,
    ended: Annotated[bool, Query(description="With those that are over or were withdrawn.")] = False,
    limit: Limit = 200,
    after: After = None,
) -> Response:
    """Newest first: those of the reader's units, and for readers of the whole district all of them."""
    asked = {"ended": ended}
    place = None if after is None else cursor.read(after, Place, asked)
    found, following = await database.answer(
        by_the_clock(lambda now: windows.listed(reader, now, ended=ended, after=place, limit=limit))
    )
    ((zone,),) = await database.rows(_ZONE, (reader,))
    return conditional(
        request,
        {
            "windows": [windows.document(known, ZoneInfo(zone)) for known in found],
            "next": None if following is None else cursor.write(following, asked),
        },
    )


@router.post(
    "",
    status_code=201,
    response_model=Maintenance,
    responses=_REFUSED,
    openapi_extra=_BODY,
    summary="Make a maintenance window",
)
async def make_window(request: Request, reader: ActingReader, database: CurrentDatabase) -> Response:
    """Of units, points, subjects or rules, once or recurring, of any length up to ten years.

    Alerts in it are kept and shown, and nobody is called for them; what still holds when it ends is called for then.
    """
    wanted = await read_json(request, Wanted, most=_MOST_BYTES, example=_EXAMPLE)
    known = await database.change(by_the_clock(lambda now: windows.create(reader, wanted, reader, now)))
    return Response(
        msgspec.json.encode(await _document(reader, database, known)),
        status_code=201,
        media_type="application/json",
    )


@router.delete(
    "/{window}", response_model=Maintenance, responses=OF_ROLE, summary="Withdraw a maintenance window"
)
async def withdraw_window(
    reader: ActingReader,
    database: CurrentDatabase,
    window: Annotated[int, Path(description="The window's number.", examples=[12])],
) -> Response:
    """It ends now and for good, and stays in the list as withdrawn. May be repeated."""
    known, _ = await database.change(by_the_clock(lambda now: windows.withdraw(reader, window, reader, now)))
    return Response(
        msgspec.json.encode(await _document(reader, database, known)), media_type="application/json"
    )
