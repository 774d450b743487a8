"""``/api/v1/connectors``: how the processes are that bring facts in."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends

from ioc.api.asking import only_known_parameters
from ioc.api.identity import CurrentDatabase, CurrentReader
from ioc.api.models.operation import ConnectorList
from ioc.api.problems import RESPONSES

router = APIRouter(
    prefix="/api/v1",
    tags=["connectors"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)

_NAMES: Final = (
    "name",
    "source",
    "state",
    "since",
    "last_report",
    "reason",
    "sources",
    "failing",
    "failing_sources",
    "spooled_events",
    "spooled_bytes",
    "oldest_spooled_s",
    "interval_s",
)
# A reader of one unit is not told the names of other units' devices.
_CONNECTORS = """
SELECT n.name, n.source, n.state, n.since, n.time, CASE WHEN r.root_unit IS NULL THEN n.reason END,
       n.sources, n.failing, CASE WHEN r.root_unit IS NULL THEN n.failing_sources END,
       n.spooled_events, n.spooled_bytes, n.oldest_spooled_s, n.interval_s
FROM ioc.connector_now n JOIN ioc.reader r ON r.name = %s AND r.active ORDER BY n.name, n.source LIMIT 1000
"""


@router.get("/connectors", response_model=ConnectorList, summary="Connectors with the state that holds now")
async def connectors(reader: CurrentReader, database: CurrentDatabase) -> dict[str, Any]:
    rows = await database.rows(_CONNECTORS, (reader,))
    return {"connectors": [dict(zip(_NAMES, row, strict=True)) for row in rows]}
