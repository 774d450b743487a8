"""``/api/v1/rules`` and ``/api/v1/audit``: what alerts are raised by, and who did what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from ioc.alerts import asking, audit
from ioc.alerts.document import entry_document, rules_document
from ioc.api.asking import NOT_MODIFIED, After, Limit, conditional, only_known_parameters
from ioc.api.identity import CurrentDatabase, NamedReader
from ioc.api.models.alerts import AlertRules, AuditTrail
from ioc.api.problems import RESPONSES
from ioc.history import cursor

router = APIRouter(
    prefix="/api/v1",
    tags=["alerts"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)


@router.get("/rules", response_model=AlertRules, responses=NOT_MODIFIED, summary="Alert rules in force")
async def list_rules(request: Request, reader: NamedReader, database: CurrentDatabase) -> Response:
    """As the district pack says them, with the open alerts of each that the reader sees, and what is wrong with one."""
    return conditional(request, rules_document(await database.answer(asking.rules(reader))))


@router.get("/audit", response_model=AuditTrail, responses=NOT_MODIFIED, summary="Who did what")
async def get_trail(
    request: Request,
    reader: NamedReader,
    database: CurrentDatabase,
    actor: Annotated[str | None, Query(description="A reader's name or a person's code; everybody.")] = None,
    start: Annotated[str | None, Query(alias="from", description="From this date or time on.")] = None,
    end: Annotated[str | None, Query(alias="to", description="Before this date or time.")] = None,
    platform: Annotated[bool, Query(description="With what the platform did to alerts by itself.")] = False,
    limit: Limit = 200,
    after: After = None,
) -> Response:
    """What people did to alerts, duty and maintenance windows that the reader may know of, newest first."""
    asked = {"actor": actor, "from": start, "to": end, "platform": platform}
    place = None if after is None else cursor.read(after, audit.Place, asked)
    found = await database.answer(
        audit.trail(reader, actor=actor, start=start, end=end, platform=platform, after=place, limit=limit)
    )
    return conditional(
        request,
        {
            "entries": [entry_document(entry, found.zone) for entry in found.entries],
            "next": None if found.next is None else cursor.write(found.next, asked),
        },
    )
