"""What differs between cameras and access points: columns of their samples, and when two samples are equal."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from ioc import topics
from ioc.events import CameraProbed, CameraSample, Status, WifiProbed, WifiSample
from streams.copying import Column, encode, jsonb, optional, text, timestamps
from streams.devices import booking

Ints = npt.NDArray[np.int64]

STATES: Final = {
    Status.UNKNOWN: booking.UNKNOWN,
    Status.OK: booking.OK,
    Status.DEGRADED: booking.DEGRADED,
    Status.DOWN: booking.DOWN,
    Status.MAINTENANCE: booking.MAINTENANCE,
}

_json = msgspec.json.Encoder()


class SampleTable(Protocol):
    """A kind of device."""

    @property
    def kind(self) -> int: ...
    @property
    def topic(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that follow device, time, recorded_at, unit, state and validity."""

    @property
    def clients_column(self) -> str: ...

    def statuses(self, data: Sequence[Any]) -> list[Status]: ...
    def clients(self, data: Sequence[Any]) -> Sequence[int | None]: ...
    def fixed(self, events: Sequence[Any]) -> list[Column]: ...
    def texts(self, events: Sequence[Any]) -> list[list[bytes | None]]: ...
    def content(self, event: Any) -> tuple[object, ...]: ...
    def stored_content(self, row: Sequence[object]) -> tuple[object, ...]: ...


def _single(value: object) -> float | None:
    """A number as PostgreSQL's ``real`` keeps it."""
    if value is None:
        return None
    kept: float = struct.unpack("f", struct.pack("f", float(str(value))))[0]
    return kept


class CameraTable:
    """Samples of cameras."""

    kind = 1
    topic = topics.CAMERAS
    name = "ioc.camera_sample"
    columns = (
        "last_frame_age_s",
        "fps",
        "bitrate_kbps",
        "clock_offset_s",
        "frozen",
        "stalled",
        "rung",
        "reason",
    )
    clients_column = "NULL::int"

    def statuses(self, data: Sequence[CameraSample]) -> list[Status]:
        return [d.verdict for d in data]

    def clients(self, data: Sequence[CameraSample]) -> list[int | None]:
        return [None] * len(data)

    def fixed(self, events: Sequence[CameraProbed]) -> list[Column]:
        data = [e.data for e in events]
        return [
            optional([d.last_frame_age_s for d in data], ">f4"),
            optional([d.fps for d in data], ">f4"),
            optional([d.bitrate_kbps for d in data], ">f4"),
            optional([d.clock_offset_s for d in data], ">f8"),
            optional([d.frozen for d in data], "u1"),
            optional([d.stalled for d in data], "u1"),
        ]

    def texts(self, events: Sequence[CameraProbed]) -> list[list[bytes | None]]:
        return [[text(e.data.rung) for e in events], [text(e.data.reason) for e in events]]

    def content(self, event: CameraProbed) -> tuple[object, ...]:
        d = event.data
        return (
            _single(d.last_frame_age_s),
            _single(d.fps),
            _single(d.bitrate_kbps),
            d.clock_offset_s,
            d.frozen,
            d.stalled,
            d.rung,
            d.reason,
        )

    def stored_content(self, row: Sequence[object]) -> tuple[object, ...]:
        return (_single(row[0]), _single(row[1]), _single(row[2]), *row[3:])


class WifiTable:
    """Samples of access points."""

    kind = 2
    topic = topics.WIFI
    name = "ioc.wifi_sample"
    columns = ("clients", "rtt_ms", "loss", "internet_ok", "reason", "detail")
    clients_column = "clients"

    def statuses(self, data: Sequence[WifiSample]) -> list[Status]:
        return [d.status for d in data]

    def clients(self, data: Sequence[WifiSample]) -> list[int | None]:
        return [d.clients for d in data]

    def fixed(self, events: Sequence[WifiProbed]) -> list[Column]:
        data = [e.data for e in events]
        return [
            optional([d.clients for d in data], ">i4"),
            optional([d.rtt_ms for d in data], ">f4"),
            optional([d.loss for d in data], ">f4"),
            optional([d.internet_ok for d in data], "u1"),
        ]

    def texts(self, events: Sequence[WifiProbed]) -> list[list[bytes | None]]:
        return [[text(e.data.reason) for e in events], [jsonb(self._detail(e)) for e in events]]

    @staticmethod
    def _detail(event: WifiProbed) -> bytes | None:
        d = event.data
        if d.model is None and d.firmware is None and not d.radios and not d.interfaces:
            return None
        detail = {"model": d.model, "firmware": d.firmware, "radios": d.radios, "interfaces": d.interfaces}
        return _json.encode({k: v for k, v in detail.items() if v})

    def content(self, event: WifiProbed) -> tuple[object, ...]:
        d = event.data
        detail = self._detail(event)
        return (
            d.clients,
            _single(d.rtt_ms),
            _single(d.loss),
            d.internet_ok,
            d.reason,
            None if detail is None else msgspec.json.decode(detail),
        )

    def stored_content(self, row: Sequence[object]) -> tuple[object, ...]:
        return (row[0], _single(row[1]), _single(row[2]), *row[3:])


def copy_columns(table: SampleTable) -> str:
    """Column list of COPY into the table, in the order of :func:`copy_rows`."""
    return ", ".join(("device_id", "time", "unit_id", "state", "valid_ms", "recorded_at", *table.columns))


def copy_rows(
    table: SampleTable,
    events: Sequence[Any],
    *,
    device_id: Ints,
    time_us: Ints,
    unit: Ints,
    state: Ints,
    valid_ms: Ints,
    recorded_us: Ints,
) -> bytes:
    """Return the samples as a binary COPY stream."""
    return encode(
        [
            Column(device_id, ">i4"),
            timestamps(time_us),
            Column(unit, ">i4"),
            Column(state, ">i2"),
            Column(valid_ms, ">i4"),
            timestamps(recorded_us),
            *table.fixed(events),
        ],
        table.texts(events),
    )
