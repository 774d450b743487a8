"""``/api/v1/deliveries``, ``policies`` and ``channels``: what was sent to whom, and by what; for readers by name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from ioc.alerts import deliveries
from ioc.alerts.deliveries import DeliveryState, Place, Wanted
from ioc.alerts.document import delivery_document
from ioc.api.asking import NOT_MODIFIED, After, Limit, conditional, only_known_parameters
from ioc.api.identity import CurrentDatabase, NamedReader
from ioc.api.models.deliveries import ChannelList, DeliveryLog, PolicyList
from ioc.api.problems import RESPONSES
from ioc.history import cursor

router = APIRouter(
    prefix="/api/v1",
    tags=["alerts"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)


@router.get("/deliveries", response_model=DeliveryLog, responses=NOT_MODIFIED, summary="The delivery log")
async def list_deliveries(
    request: Request,
    reader: NamedReader,
    database: CurrentDatabase,
    state: Annotated[DeliveryState | None, Query(description="How the message stands.")] = None,
    channel: Annotated[str | None, Query(description="Code of a channel.")] = None,
    person: Annotated[str | None, Query(description="Code of a person.")] = None,
    kind: Annotated[
        str | None, Query(description="alert, reminder, resolved, digest, hand_over, gap, synthetic or test.")
    ] = None,
    limit: Limit = 200,
    after: After = None,
) -> Response:
    """Newest first: messages about alerts of the reader's units; for readers of the whole district also those of no
    alert, such as the morning's digest. Addresses are never given."""
    wanted = Wanted(state, channel, person, kind)
    place = None if after is None else cursor.read(after, Place, wanted.noted)
    found, following, zone = await database.answer(deliveries.log(reader, wanted, after=place, limit=limit))
    return conditional(
        request,
        {
            "deliveries": [delivery_document(one, zone) for one in found],
            "next": None if following is None else cursor.write(following, wanted.noted),
        },
    )


@router.get(
    "/policies", response_model=PolicyList, responses=NOT_MODIFIED, summary="Escalation policies in force"
)
async def list_policies(request: Request, _reader: NamedReader, database: CurrentDatabase) -> Response:
    """As the district pack says them. An alert keeps the one that it opened with."""
    return conditional(request, {"policies": await database.answer(deliveries.policies())})


@router.get("/channels", response_model=ChannelList, responses=NOT_MODIFIED, summary="Channels in force")
async def list_channels(request: Request, reader: NamedReader, database: CurrentDatabase) -> Response:
    """As the district pack says them, and what waits at each; secrets are never given."""
    return conditional(request, {"channels": await database.answer(deliveries.channels(reader))})
