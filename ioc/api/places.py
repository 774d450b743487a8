"""``/api/v1/units`` and ``/api/v1/devices``: what there is and was, as far as the reader may see."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from ioc.api.asking import NOT_MODIFIED, After, Limit, conditional, only_known_parameters
from ioc.api.identity import CurrentDatabase, CurrentReader
from ioc.api.models.places import DeviceList, DeviceSamples, DeviceStates, UnitList
from ioc.api.problems import RESPONSES
from ioc.history import cursor, device_now
from ioc.history import devices as history
from ioc.history.columns import Kind
from ioc.kpi.units import UNITS, read_day, units_document

router = APIRouter(
    prefix="/api/v1", tags=["places"], responses=RESPONSES, dependencies=[Depends(only_known_parameters)]
)


class _Order(StrEnum):
    CODE = "code"
    NAME = "name"


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """The last entry of a page: what it is ordered by, and its code."""

    by: str
    code: str


@router.get(
    "/units", response_model=UnitList, responses=NOT_MODIFIED, summary="Units that the reader may ask about"
)
async def units(
    request: Request,
    reader: CurrentReader,
    database: CurrentDatabase,
    kind: Annotated[str | None, Query(description="Only units of this kind.", examples=["commune"])] = None,
    parent: Annotated[str | None, Query(description="Only units directly below this one.")] = None,
    at: Annotated[
        str | None,
        Query(
            description="Only units that hold on this day; without it, of all days.", examples=["2025-06-30"]
        ),
    ] = None,
    order: Annotated[_Order, Query(description="code, or name (Vietnamese).")] = _Order.CODE,
    limit: Limit = 1000,
    after: After = None,
) -> Response:
    """Units with their validity, and what they came from and became."""
    asked = {"kind": kind, "parent": parent, "at": at, "order": order}
    place = None if after is None else cursor.read(after, _Place, asked)
    day = None if at is None else read_day(at)
    # few enough to be looked through: a province has a hundred
    document = units_document(day, await database.rows(UNITS, {"reader": reader, "day": day}))
    found = sorted(
        (
            (_Place(unit["name"]["vi"] if order is _Order.NAME else unit["code"], unit["code"]), unit)
            for unit in document["units"]
            if (kind is None or unit["kind"] == kind) and (parent is None or unit["parent"] == parent)
        ),
        key=lambda entry: (entry[0].by, entry[0].code),
    )
    if place is not None:
        found = [entry for entry in found if (entry[0].by, entry[0].code) > (place.by, place.code)]
    more = cursor.write(found[limit - 1][0], asked) if len(found) > limit else None
    units = [unit for _, unit in found[:limit]]
    return conditional(request, {**document, "units": units, "next": more})


@router.get(
    "/devices",
    response_model=DeviceList,
    responses=NOT_MODIFIED,
    summary="Devices with the state that holds now",
)
async def devices(
    request: Request,
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
    point: Annotated[str | None, Query(description="Only devices of this reception point.")] = None,
    limit: Limit = 200,
    after: After = None,
) -> Response:
    asked = {"unit": unit, "kind": kind, "state": state, "point": point}
    place = None if after is None else cursor.read(after, device_now.Place, asked)
    wanted = device_now.Wanted(unit=unit, kind=kind, state=state, point=point)
    page = await database.answer(device_now.listed(reader, wanted, after=place, limit=limit))
    more = page.next and cursor.write(page.next, asked)
    return conditional(request, {"devices": [_device(one) for one in page.devices], "next": more})


def _device(found: device_now.Device) -> dict[str, Any]:
    def local(moment: datetime | None) -> datetime | None:
        return moment and moment.astimezone(found.zone)

    return {
        "code": found.code,
        "kind": found.kind,
        "unit": found.unit,
        "point": found.point,
        "name": found.name,
        "state": found.state,
        "since": local(found.since),
        "last_time": local(found.last_time),
        "clients": found.clients,
        "reason": found.reason,
    }


_Code = Annotated[str, Path(max_length=50, description="The device's code.", examples=["cam-go-dau-1"])]
_From = Annotated[
    str | None, Query(alias="from", description="Start, included; without it, a day before the end.")
]
_To = Annotated[str | None, Query(alias="to", description="End, not included; without it, now.")]


@router.get(
    "/devices/{code}/states",
    response_model=DeviceStates,
    responses=NOT_MODIFIED,
    summary="How a device's state went, in pages",
)
async def device_states(
    request: Request,
    reader: CurrentReader,
    database: CurrentDatabase,
    code: _Code,
    start: _From = None,
    end: _To = None,
    limit: Limit = 200,
    after: After = None,
) -> Response:
    """Runs of equal state that touch the range, in order of time. Silence is a run of state unknown."""
    asked = ("states", code, start, end)
    place = None if after is None else cursor.read(after, history.Place, asked)
    wanted = history.Wanted(start=start, end=end)
    found = await database.answer(history.states(reader, code, wanted, after=place, limit=limit))
    return _history(request, "states", found, asked)


@router.get(
    "/devices/{code}/samples",
    response_model=DeviceSamples,
    responses=NOT_MODIFIED,
    summary="What the probes of a device found, in pages",
)
async def device_samples(
    request: Request,
    reader: CurrentReader,
    database: CurrentDatabase,
    code: _Code,
    start: _From = None,
    end: _To = None,
    limit: Limit = 200,
    after: After = None,
) -> Response:
    """Samples of a camera or an access point, in order of time."""
    asked = ("samples", code, start, end)
    place = None if after is None else cursor.read(after, history.Place, asked)
    wanted = history.Wanted(start=start, end=end)
    found = await database.answer(history.samples(reader, code, wanted, after=place, limit=limit))
    return _history(request, "samples", found, asked)


def _history(request: Request, what: str, page: history.Page, asked: object) -> Response:
    names = [column.name for column in page.columns]
    moments = [column.name for column in page.columns if column.kind is Kind.MOMENT]
    found = [dict(zip(names, row, strict=True)) for row in page.rows]
    for entry in found:
        for name in moments:
            entry[name] = entry[name] and entry[name].astimezone(page.device.zone)
    return conditional(
        request,
        {
            "device": page.device.code,
            "unit": page.device.unit,
            what: found,
            "next": page.next and cursor.write(page.next, asked),
        },
    )
