"""``/api/v1/alerts``: what is wrong now and was, and what people do about it; for readers by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from ioc.alerts import asking, detail
from ioc.alerts.actions import Acted
from ioc.alerts.asking import Filter
from ioc.alerts.document import alert_document, counts_document, event_document, row_document
from ioc.alerts.model import Kind
from ioc.alerts.ordering import Action, BulkOrder, Order, carry_out
from ioc.alerts.states import Held, State
from ioc.api.asking import NOT_MODIFIED, After, Limit, conditional, only_known_parameters
from ioc.api.bodies import read_json
from ioc.api.identity import ActingReader, CurrentDatabase, CurrentReader, NamedReader
from ioc.api.models.alerts import (
    Alert,
    AlertActed,
    AlertBulkOrder,
    AlertCounts,
    AlertEvents,
    AlertList,
    AlertOrder,
    AlertsActed,
)
from ioc.api.problems import OF_ROLE, RESPONSES
from ioc.history import cursor

router = APIRouter(
    prefix="/api/v1/alerts",
    tags=["alerts"],
    responses=RESPONSES,
    dependencies=[Depends(only_known_parameters)],
)
_Many = list[str] | None
_Number = Annotated[int, Path(description="The alert's number.", examples=[4711])]
_Unit = Annotated[str | None, Query(description="Code of a unit, with all below it.", examples=["go-dau"])]
_MOST_BYTES: Final = 64 * 1024
_VIA: Final = "api"
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    **OF_ROLE,
    413: {"description": "The body is too large."},
    415: {"description": "The body does not say that it is JSON."},
}


def _body(model: type[AlertOrder], *, required: bool) -> dict[str, Any]:
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": required, "content": content}}


def _wanted(
    state: Annotated[
        State, Query(description="open, waiting (nobody acknowledged), acknowledged, cleared or all.")
    ] = State.OPEN,
    severity: Annotated[
        _Many, Query(description="info, warning, minor, major, critical; repeated: any of them.")
    ] = None,
    kind: Annotated[
        list[Kind] | None, Query(description="What the rule looks at; repeated likewise.")
    ] = None,
    rule: Annotated[_Many, Query(description="Code of a rule; repeated likewise.")] = None,
    unit: _Unit = None,
    point: Annotated[str | None, Query(description="Code of a reception point.")] = None,
    subject: Annotated[
        str | None, Query(description="What opened it or is a member.", examples=["device:cam-04"])
    ] = None,
    assigned: Annotated[str | None, Query(description="Given to this person.")] = None,
    held: Annotated[
        list[Held] | None,
        Query(
            description="Why nobody is called: inhibited, snoozed, maintenance, flapping; not: none of these."
        ),
    ] = None,
    text: Annotated[
        str | None, Query(description="A part of the subject, key, point, rule's code or name.")
    ] = None,
    start: Annotated[str | None, Query(alias="from", description="Opened from this date or time on.")] = None,
    end: Annotated[str | None, Query(alias="to", description="Opened before this date or time.")] = None,
) -> Filter:
    return Filter(
        state=state,
        severity=asking.words(severity or ()),
        kind=tuple(kind or ()),
        rule=tuple(rule or ()),
        unit=unit,
        point=point,
        subject=subject,
        assigned=assigned,
        held=tuple(held or ()),
        text=text,
        start=start,
        end=end,
    )


@router.get("", response_model=AlertList, responses=NOT_MODIFIED, summary="Alerts, in pages")
async def list_alerts(
    request: Request,
    reader: NamedReader,
    database: CurrentDatabase,
    wanted: Annotated[Filter, Depends(_wanted)],
    order: Annotated[
        asking.Order | None,
        Query(description="-severity (the worst first; open alerts only), -opened or opened."),
    ] = None,
    limit: Limit = 200,
    after: After = None,
) -> Response:
    """Those of the reader's units; of no unit (the platform's own) for readers of the whole district.

    Without `order`, open alerts come the worst first, others the newest first.
    """
    if order is None:
        is_open = wanted.state not in (State.CLEARED, State.ALL)
        order = asking.Order.WORST if is_open else asking.Order.NEWEST
    asked = {**wanted.noted, "order": order}
    place = None if after is None else cursor.read(after, asking.Place, asked)
    found = await database.answer(asking.page(reader, wanted, order=order, after=place, limit=limit))
    return conditional(
        request,
        {
            "alerts": [row_document(row, found.zone) for row in found.rows],
            "next": None if found.next is None else cursor.write(found.next, asked),
        },
    )


@router.get(
    "/counts",
    response_model=AlertCounts,
    responses=NOT_MODIFIED,
    summary="How many alerts are open, for a wall",
)
async def count_alerts(
    request: Request, reader: CurrentReader, database: CurrentDatabase, unit: _Unit = None
) -> Response:
    """By severity, and by unit. Numbers alone: the guest may ask for them too."""
    found = await database.answer(asking.counts(reader, unit))
    return conditional(request, counts_document(found))


@router.get(
    "/{alert}", response_model=Alert, responses=NOT_MODIFIED, summary="One alert with all that is known"
)
async def get_alert(
    request: Request, reader: NamedReader, database: CurrentDatabase, alert: _Number
) -> Response:
    """Its members, events, the steps ahead, the delivery log, and who was told; people by their codes."""
    return conditional(request, alert_document(await database.answer(detail.one(reader, alert))))


@router.get(
    "/{alert}/events",
    response_model=AlertEvents,
    responses=NOT_MODIFIED,
    summary="What happened to one alert, in order",
)
async def get_events(
    request: Request,
    reader: NamedReader,
    database: CurrentDatabase,
    alert: _Number,
    limit: Limit = 200,
    after: After = None,
) -> Response:
    asked = {"alert": str(alert)}
    place = None if after is None else cursor.read(after, detail.EventPlace, asked)
    found, following, zone = await database.answer(detail.events(reader, alert, after=place, limit=limit))
    return conditional(
        request,
        {
            "events": [event_document(event, zone) for event in found],
            "next": None if following is None else cursor.write(following, asked),
        },
    )


@router.post(
    "/actions",
    response_model=AlertsActed,
    responses=_REFUSED,
    openapi_extra=_body(AlertBulkOrder, required=True),
    summary="Do something about several alerts: all of them, or none",
)
async def act_on_many(request: Request, reader: ActingReader, database: CurrentDatabase) -> dict[str, Any]:
    """May be repeated: what is so already succeeds with a note. `action` is the last part of the addresses below."""
    example = '{"action": "ack", "alerts": [4711, 4712], "comment": "..."}'
    order = await read_json(request, BulkOrder, most=_MOST_BYTES, example=example)
    plain = Order(
        comment=order.comment, to=order.to, until=order.until, minutes=order.minutes, reason=order.reason
    )
    return {"alerts": await _act(reader, database, order.action, order.alerts, plain)}


@router.post(
    "/{alert}/{action}",
    response_model=AlertActed,
    responses=_REFUSED,
    openapi_extra=_body(AlertOrder, required=False),
    summary="Do something about one alert",
)
async def act_on_one(
    request: Request, reader: ActingReader, database: CurrentDatabase, alert: _Number, action: Action
) -> dict[str, Any]:
    """`ack` and `unack`, `assign` (with `to`), `comment`, `snooze` (with `until` or `minutes`) and `unsnooze`, `close`
    (with `reason`). Each but `close` takes a `comment`. May be repeated: what is so already succeeds with a note.

    An acknowledged alert calls nobody until its policy's time is over. One closed by hand stays closed for as long as
    its conditions go on. Requests say `Content-Type: application/json`, with a body or without.
    """
    example = '{"comment": "..."}'
    order = await read_json(request, Order, most=_MOST_BYTES, example=example)
    (acted,) = await _act(reader, database, action, [alert], order)
    return acted


async def _act(
    reader: str, database: CurrentDatabase, action: Action, alerts: Sequence[int], order: Order
) -> list[dict[str, Any]]:
    done = await database.change(carry_out(reader, action, alerts, order, actor=reader, via=_VIA))
    return [_acted(acted) for acted in done]


def _acted(acted: Acted) -> dict[str, Any]:
    told = asdict(acted)
    return {"id": told.pop("alert_id"), **told}
