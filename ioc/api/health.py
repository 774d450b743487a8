"""``/health/live``, ``/health/ready``. Readiness is progress of offsets, not life of a process."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from ioc.api.identity import CurrentDatabase
from ioc.api.models.operation import Health
from ioc.errors import IocError
from ioc.watch import standing
from ioc.watch.state import Level, Trouble

router = APIRouter(tags=["health"])


@router.get("/health/live", response_model=Health, summary="The process answers")
async def live() -> dict[str, Any]:
    return {"status": "live"}


@router.get(
    "/health/ready",
    response_model=Health,
    responses={503: {"model": Health, "description": "Down; the reasons are in the body."}},
    summary="The database answers and every partition's offset moves on",
)
async def ready(response: Response, database: CurrentDatabase) -> dict[str, Any]:
    found: standing.Standing | None = None
    try:
        found = await database.answer(standing.look())
        troubles = [*found.of(Level.DOWN), *found.of(Level.DEGRADED)]
    except IocError as error:
        troubles = [Trouble(Level.DOWN, error.message, None, error.remedy)]
    level = standing.worst(troubles)
    # what is degraded is told, and no reason to be taken away: what this process answers is right
    if level is Level.DOWN:
        response.status_code = 503
    return {
        "status": level.value,
        "reasons": [_sentence(one) for one in troubles if one.level is Level.DOWN],
        "partitions": None if found is None else found.partitions,
        "halted_sources": [] if found is None else list(found.halted_sources),
        "degraded": [str(one) for one in troubles if one.level is Level.DEGRADED],
        "troubles": [
            {"level": one.level.value, "what": one.what, "since": one.since, "do": one.do} for one in troubles
        ],
    }


def _sentence(one: Trouble) -> str:
    return str(one) if one.do.startswith("run: ioc repair") else one.what
