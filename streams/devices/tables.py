"""What differs between cameras and access points: columns of their samples, and when two samples are equal."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from ioc import topics
from ioc.events import CameraProbed, CameraSample, Status, WifiProbed, WifiSample
from streams.copying import Column, encode, jsonb, optional, text, timestamps
from streams.devices import booking
from streams.devices.booking import FROZEN, SATURATED, STALLED

Ints = npt.NDArray[np.int64]

STATES: Final = {
    Status.UNKNOWN: booking.UNKNOWN,
    Status.OK: booking.OK,
    Status.DEGRADED: booking.DEGRADED,
    Status.DOWN: booking.DOWN,
    Status.MAINTENANCE: booking.MAINTENANCE,
}

#: Share of time for which a radio's channel is busy, from which on an access point counts as saturated.
_FULL_AIR: Final = 0.8

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
        """Columns that follow device, time, recorded_at, unit, state, flags and validity."""

    @property
    def clients_column(self) -> str: ...

    def statuses(self, data: Sequence[Any]) -> list[Status]: ...
    def clients(self, data: Sequence[Any]) -> Sequence[int | None]: ...
    def fixed(self, data: Sequence[Any]) -> list[Column]:
        """Return those of ``columns`` that have a fixed width; they come first."""

    def texts(self, data: Sequence[Any]) -> list[dict[int, bytes]]:
        """Return the others in COPY's wire form, by place in ``data``."""

    def flags(self, data: Sequence[Any], payload: Payload, clients: Ints, limits: Ints) -> Ints:
        """Return what lasts beside each sample's state, see :mod:`streams.devices.booking`.

        :param payload: of the same samples.
        :param clients: -1 where not known.
        :param limits: most clients that each sample's device serves well.
        """

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
        "moved",
        "stalls_per_minute",
        "observed_s",
        "rung",
        "reason",
        "detail",
    )
    clients_column = "NULL::int"

    def statuses(self, data: Sequence[CameraSample]) -> list[Status]:
        return [d.verdict for d in data]

    def clients(self, data: Sequence[CameraSample]) -> list[int | None]:
        return [None] * len(data)

    def fixed(self, data: Sequence[CameraSample]) -> list[Column]:
        return [
            optional([d.last_frame_age_s for d in data], ">f4"),
            optional([d.fps for d in data], ">f4"),
            optional([d.bitrate_kbps for d in data], ">f4"),
            optional([d.clock_offset_s for d in data], ">f8"),
            optional([d.frozen for d in data], "u1"),
            optional([d.stalled for d in data], "u1"),
            optional([d.moved for d in data], "u1"),
            optional([d.stalls_per_minute for d in data], ">f4"),
            optional([d.observed_s for d in data], ">f4"),
        ]

    def texts(self, data: Sequence[CameraSample]) -> list[dict[int, bytes]]:
        details = {row: detail for row, d in enumerate(data) if (detail := self._detail(d)) is not None}
        return [
            _texts([d.rung for d in data]),
            _texts([d.reason for d in data]),
            {row: jsonb(detail) for row, detail in details.items()},
        ]

    @staticmethod
    def _detail(d: CameraSample) -> bytes | None:
        if d.model is None and d.firmware is None and d.uptime_s is None and not d.disks:
            return None
        detail = {"model": d.model, "firmware": d.firmware, "uptime_s": d.uptime_s, "disks": d.disks}
        return _json.encode({name: value for name, value in detail.items() if value not in (None, ())})

    def flags(self, data: Sequence[CameraSample], payload: Payload, clients: Ints, limits: Ints) -> Ints:  # noqa: ARG002
        frozen, stalled = payload.fixed[4], payload.fixed[5]
        return frozen.values.astype(np.int64) * FROZEN | stalled.values.astype(np.int64) * STALLED

    def content(self, event: CameraProbed) -> tuple[object, ...]:
        d = event.data
        return (
            _single(d.last_frame_age_s),
            _single(d.fps),
            _single(d.bitrate_kbps),
            d.clock_offset_s,
            d.frozen,
            d.stalled,
            d.moved,
            _single(d.stalls_per_minute),
            _single(d.observed_s),
            d.rung,
            d.reason,
            None if (detail := self._detail(d)) is None else msgspec.json.decode(detail),
        )

    def stored_content(self, row: Sequence[object]) -> tuple[object, ...]:
        singles = (0, 1, 2, 7, 8)
        return tuple(_single(value) if place in singles else value for place, value in enumerate(row))


class WifiTable:
    """Samples of access points."""

    kind = 2
    topic = topics.WIFI
    name = "ioc.wifi_sample"
    columns = ("clients", "rtt_ms", "loss", "internet_ok", "rx_bytes", "tx_bytes", "reason", "detail")
    clients_column = "clients"

    def statuses(self, data: Sequence[WifiSample]) -> list[Status]:
        return [d.status for d in data]

    def clients(self, data: Sequence[WifiSample]) -> list[int | None]:
        return [d.clients for d in data]

    def fixed(self, data: Sequence[WifiSample]) -> list[Column]:
        return [
            optional([d.clients for d in data], ">i4"),
            optional([d.rtt_ms for d in data], ">f4"),
            optional([d.loss for d in data], ">f4"),
            optional([d.internet_ok for d in data], "u1"),
            # octets of a minute are far below 2**53, up to which this is exact
            optional([d.rx_bytes for d in data], ">f8"),
            optional([d.tx_bytes for d in data], ">f8"),
        ]

    def texts(self, data: Sequence[WifiSample]) -> list[dict[int, bytes]]:
        # most have none: a call for each of them would cost more than all that is read
        detailed = [
            row
            for row, d in enumerate(data)
            if d.radios or d.interfaces or d.model is not None or d.firmware is not None
        ]
        details = {row: self._detail(data[row]) for row in detailed}
        return [
            _texts([d.reason for d in data]),
            {row: jsonb(detail) for row, detail in details.items() if detail is not None},
        ]

    def flags(self, data: Sequence[WifiSample], payload: Payload, clients: Ints, limits: Ints) -> Ints:
        full = clients >= limits
        # radios are in the detail, and hardly any sample has one
        for row in payload.texts[1]:
            if any((radio.utilisation or 0.0) >= _FULL_AIR for radio in data[row].radios):
                full[row] = True
        return full * SATURATED

    @staticmethod
    def _detail(d: WifiSample) -> bytes | None:
        if d.model is None and d.firmware is None and not d.radios and not d.interfaces:
            return None
        detail = {"model": d.model, "firmware": d.firmware, "radios": d.radios, "interfaces": d.interfaces}
        return _json.encode({k: v for k, v in detail.items() if v})

    def content(self, event: WifiProbed) -> tuple[object, ...]:
        d = event.data
        detail = self._detail(d)
        return (
            d.clients,
            _single(d.rtt_ms),
            _single(d.loss),
            d.internet_ok,
            None if d.rx_bytes is None else float(d.rx_bytes),
            None if d.tx_bytes is None else float(d.tx_bytes),
            d.reason,
            None if detail is None else msgspec.json.decode(detail),
        )

    def stored_content(self, row: Sequence[object]) -> tuple[object, ...]:
        return (row[0], _single(row[1]), _single(row[2]), *row[3:])


def copy_columns(table: SampleTable) -> str:
    """Column list of COPY into the table, in the order of :func:`copy_rows`."""
    common = ("device_id", "time", "unit_id", "state", "flags", "valid_ms", "recorded_at")
    return ", ".join((*common, *table.columns))


@dataclass(frozen=True, slots=True)
class Payload:
    """What a table keeps of samples beside the columns that all devices have, laid out for COPY."""

    fixed: list[Column]
    texts: list[dict[int, bytes]]

    @classmethod
    def of(cls, table: SampleTable, data: Sequence[Any]) -> Payload:
        """Lay out samples."""
        return cls(table.fixed(data), table.texts(data))

    @classmethod
    def joined(cls, parts: Sequence[Payload]) -> Payload:
        """Put one or more parts one after another."""
        texts: list[dict[int, bytes]] = [{} for _ in parts[0].texts]
        base = 0
        for part in parts:
            for whole, some in zip(texts, part.texts, strict=True):
                whole.update({base + row: value for row, value in some.items()})
            base += len(part.fixed[0].values)
        return cls([Column.joined(columns) for columns in zip(*(p.fixed for p in parts), strict=True)], texts)


def copy_rows(
    payload: Payload,
    rows: npt.NDArray[np.intp],
    *,
    device_id: Ints,
    time_us: Ints,
    unit: Ints,
    state: Ints,
    valid_ms: Ints,
    recorded_us: Ints,
) -> bytes:
    """Return some samples as a binary COPY stream.

    :param rows: which of the payload's; the other parameters are arrays over these rows.
    """
    place = dict(zip(rows.tolist(), range(len(rows)), strict=True)) if any(payload.texts) else {}
    return encode(
        [
            Column(device_id, ">i4"),
            timestamps(time_us),
            Column(unit, ">i4"),
            Column(state & booking.STATE_MASK, ">i2"),
            Column(state >> booking.FLAG_SHIFT, ">i2"),
            Column(valid_ms, ">i4"),
            timestamps(recorded_us),
            *(column.take(rows) for column in payload.fixed),
        ],
        [{place[row]: value for row, value in values.items() if row in place} for values in payload.texts],
    )


def _texts(values: Sequence[str | None]) -> dict[int, bytes]:
    if values.count(None) == len(values):
        return {}
    return {row: text(value) for row, value in enumerate(values) if value is not None}
