"""Devices of every kind and state with a history, for tests of what people see of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.integration.kpi_data import Connection, add_device

_STATES = {"unknown": 0, "ok": 1, "degraded": 2, "down": 3, "maintenance": 4}


def add_devices(connection: Connection, *, spares: int = 0) -> None:
    """Cameras, access points and a kiosk of ``go-1`` and ``go-2``, as of now.

    :param spares: access points besides that are well.
    """
    connection.execute(
        "INSERT INTO ioc.point (code, unit_code, name_vi, name_en, valid_from) VALUES"
        " ('point.go-1', 'go-1', 'Điểm tiếp nhận Bàu Đồn', 'Bàu Đồn point', '2020-01-01'),"
        " ('point.go-2', 'go-2', 'Điểm tiếp nhận Cẩm Giang', 'Cẩm Giang point', '2020-01-01')"
    )
    now = datetime.now(UTC).replace(microsecond=0)
    hours = [
        ("ok", 30.0, 26.0, None),
        ("down", 26.0, 25.0, "no decoded picture within 10 s"),
        ("ok", 25.0, 9.0, None),
        ("maintenance", 9.0, 8.0, None),
        ("ok", 8.0, 5.0, None),
        ("degraded", 5.0, 4.5, "frozen: packets flow, the picture stays the same"),
        ("unknown", 4.5, 3.0, None),
        ("ok", 3.0, 2.0, None),
    ]
    cam = _device(connection, "cam-bau-don-01", 1, "go-1", "Camera sảnh Bàu Đồn")
    _runs(connection, cam, 1, now, hours)
    _now(connection, cam, 1, "down", now, hours=2.0, reason="ECONNREFUSED")
    _camera(connection, cam, now, "down", rung="tcp", reason="ECONNREFUSED")
    well = _device(connection, "cam-bau-don-02", 1, "go-1", "Camera cổng Bàu Đồn")
    _runs(
        connection,
        well,
        1,
        now,
        [("ok", 200.0, 30.0, None), ("down", 30.0, 28.0, "black: every picture is dark")],
    )
    _now(connection, well, 1, "ok", now, hours=28.0)
    _camera(connection, well, now, "ok", rung="clock", age=0.4, model="DS-2CD2143G2", firmware="V5.7.3")
    frozen = _device(connection, "cam-cam-giang-01", 1, "go-2", "Camera sảnh Cẩm Giang")
    _now(
        connection,
        frozen,
        1,
        "degraded",
        now,
        hours=0.7,
        reason="frozen: packets flow, the picture stays the same",
    )
    _camera(
        connection,
        frozen,
        now,
        "degraded",
        rung="content",
        age=0.1,
        reason="frozen: packets flow, the picture stays the same",
    )
    silent = _device(connection, "cam-cam-giang-02", 1, "go-2", "Camera cổng Cẩm Giang")
    _camera(connection, silent, now - timedelta(minutes=95), "ok", rung="clock", age=0.2)
    _now(connection, silent, 1, "ok", now - timedelta(minutes=95), hours=20.0)
    wifi = _device(connection, "ap-bau-don-01", 2, "go-1", "Wifi Bàu Đồn")
    _runs(connection, wifi, 2, now, [("ok", 50.0, 20.0, None), ("unknown", 20.0, 19.0, None)])
    _now(connection, wifi, 2, "ok", now, hours=19.0, clients=17)
    for minute in range(20):
        connection.execute(
            "INSERT INTO ioc.wifi_sample (device_id, time, recorded_at, unit_id, state, valid_ms, clients, rtt_ms,"
            " loss, internet_ok, detail) SELECT device_id, %s, %s, unit_id, 1, 180000, %s, 8.5, 0.01, true, %s"
            " FROM ioc.device WHERE device_id = %s",
            (
                now - timedelta(minutes=minute),
                now,
                17 - minute % 5,
                json.dumps({"model": "UniFi U6", "firmware": "6.6.55"}),
                wifi,
            ),
        )
    off = _device(connection, "ap-cam-giang-01", 2, "go-2", "Wifi Cẩm Giang")
    _now(connection, off, 2, "down", now, hours=5.2, reason="no answer to SNMP, ping fails too")
    _device(connection, "kiosk-01", 3, "go-1", "Máy lấy số")
    for number in range(spares):
        spare = _device(connection, f"ap-spare-{number:03}", 2, "go-2", f"Wifi dự phòng {number}")
        _now(connection, spare, 2, "ok", now, hours=1.0, clients=number % 7)


def _device(connection: Connection, code: str, kind: int, unit: str, name: str) -> int:
    number = add_device(connection, code, kind, unit)
    connection.execute(
        "UPDATE ioc.device SET name = %s, point_code = %s WHERE device_id = %s",
        (name, f"point.{unit}", number),
    )
    return number


def _runs(
    connection: Connection,
    device: int,
    kind: int,
    now: datetime,
    runs: list[tuple[str, float, float, str | None]],
) -> None:
    for state, began, ended, reason in runs:
        connection.execute(
            "INSERT INTO ioc.device_run (device_id, kind, unit_id, state, started, ended, reason)"
            " SELECT device_id, kind, unit_id, %s, %s, %s, %s FROM ioc.device WHERE device_id = %s",
            (_STATES[state], now - timedelta(hours=began), now - timedelta(hours=ended), reason, device),
        )


def _now(
    connection: Connection,
    device: int,
    kind: int,
    state: str,
    last: datetime,
    *,
    hours: float,
    reason: str | None = None,
    clients: int | None = None,
) -> None:
    """The state that holds, for an hour from its newest sample on."""
    connection.execute(
        "INSERT INTO ioc.device_state (device_id, kind, unit_id, state, since, last_time, valid_until, clients, reason)"
        " SELECT device_id, kind, unit_id, %s, %s, %s, %s, %s, %s FROM ioc.device WHERE device_id = %s",
        (
            _STATES[state],
            last - timedelta(hours=hours),
            last,
            last + timedelta(hours=1),
            clients,
            reason,
            device,
        ),
    )


def _camera(
    connection: Connection,
    device: int,
    at: datetime,
    state: str,
    *,
    rung: str,
    age: float | None = None,
    reason: str | None = None,
    model: str | None = None,
    firmware: str | None = None,
) -> None:
    detail = None if model is None else json.dumps({"model": model, "firmware": firmware})
    for minute in range(20):
        connection.execute(
            "INSERT INTO ioc.camera_sample (device_id, time, recorded_at, unit_id, state, valid_ms, last_frame_age_s,"
            " fps, bitrate_kbps, clock_offset_s, frozen, stalled, rung, reason, detail)"
            " SELECT device_id, %s, %s, unit_id, %s, 180000, %s, %s, %s, 0.4, false, false, %s, %s, %s"
            " FROM ioc.device WHERE device_id = %s",
            (
                at - timedelta(minutes=minute),
                at,
                _STATES[state],
                age,
                None if age is None else 25,
                None if age is None else 2048,
                rung,
                reason,
                detail,
                device,
            ),
        )
