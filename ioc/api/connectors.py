"""``/api/v1/connectors``: how the processes are that bring facts in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends

from ioc.api.asking import only_known_parameters
from ioc.api.identity import CurrentDatabase, CurrentReader
from ioc.api.models.operation import ConnectorList
from ioc.api.problems import RESPONSES
from ioc.watch import flow

router = APIRouter(
    prefix="/api/v1",
    tags=["connectors"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)


@router.get("/connectors", response_model=ConnectorList, summary="Connectors with the state that holds now")
async def connectors(reader: CurrentReader, database: CurrentDatabase) -> dict[str, Any]:
    found = await database.answer(flow.connectors(reader))
    return {"connectors": [asdict(one) for one in found]}
