"""``/api/v1/units`` and ``/api/v1/devices``: what there is, as far as the reader may see."""

from __future__ import annotations

from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from ioc.api.identity import CurrentDatabase, CurrentReader
from ioc.api.models import DeviceList, UnitList
from ioc.api.problems import RESPONSES
from ioc.kpi.units import UNITS, read_day, units_document

router = APIRouter(prefix="/api/v1", tags=["places"], responses=RESPONSES)

_KINDS: Final = {1: "camera", 2: "wifi", 3: "kiosk"}
_STATES: Final = {0: "unknown", 1: "ok", 2: "degraded", 3: "down", 4: "maintenance"}

_DEVICES = """
SELECT d.code, d.kind, d.unit, d.point_code, d.name, d.state, d.since, d.last_time, d.clients, d.reason, u.time_zone
FROM ioc.reader_device d JOIN ioc.unit u USING (unit_id)
WHERE d.reader = %(reader)s
  AND (%(kind)s::int IS NULL OR d.kind = %(kind)s)
  AND (%(state)s::int IS NULL OR d.state = %(state)s)
  AND (%(unit)s::text IS NULL OR d.unit_id IN (SELECT unit_id FROM ioc.unit_scope(%(reader)s, %(unit)s)))
  AND (%(after)s::text IS NULL OR d.code > %(after)s)
ORDER BY d.code LIMIT %(limit)s
"""


@router.get("/units", response_model=UnitList, summary="Units that the reader may ask about")
async def units(
    reader: CurrentReader,
    database: CurrentDatabase,
    at: Annotated[
        str | None,
        Query(description="Only units that hold on this day, such as 2025-06-30; without it, of all days."),
    ] = None,
) -> dict[str, Any]:
    """Units with their validity, and what they came from and became."""
    day = None if at is None else read_day(at)
    return units_document(day, await database.rows(UNITS, {"reader": reader, "day": day}))


@router.get("/devices", response_model=DeviceList, summary="Devices with the state that holds now")
async def devices(
    reader: CurrentReader,
    database: CurrentDatabase,
    unit: Annotated[str | None, Query(description="Code of a unit, with all below it.")] = None,
    kind: Annotated[
        str | None, Query(pattern="^(camera|wifi|kiosk)$", description="camera, wifi or kiosk.")
    ] = None,
    state: Annotated[
        str | None,
        Query(pattern="^(unknown|ok|degraded|down|maintenance)$", description="Only devices in this state."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most devices in one answer.")] = 200,
    after: Annotated[str | None, Query(description="`next` of the page before.")] = None,
) -> dict[str, Any]:
    rows = await database.rows(
        _DEVICES,
        {
            "reader": reader,
            "kind": _number(_KINDS, kind),
            "state": _number(_STATES, state),
            "unit": unit,
            "after": after,
            "limit": limit + 1,
        },
    )
    page = rows[:limit]
    names = ("code", "kind", "unit", "point", "name", "state", "since", "last_time", "clients", "reason")
    found = []
    for *values, zone in page:
        device = dict(zip(names, values, strict=True))
        found.append(device)
        for moment in ("since", "last_time"):
            device[moment] = device[moment] and device[moment].astimezone(ZoneInfo(zone))
        device["kind"] = _KINDS[device["kind"]]
        device["state"] = _STATES[device["state"]]
    return {"devices": found, "next": page[-1][0] if len(rows) > limit else None}


def _number(names: dict[int, str], wanted: str | None) -> int | None:
    return next((number for number, name in names.items() if name == wanted), None)
