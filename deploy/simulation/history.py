"""What the devices would have said in the hours before the simulation began: no probe can look back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from deploy.simulation.district import Place, SimulatedDistrict
from deploy.simulation.incidents import Kind
from deploy.simulation.seeds import rng
from ioc.district.model import Device
from ioc.events import AnyEvent, CameraProbed, CameraSample, Status, WifiProbed, WifiSample, event_id

SOURCE: Final = "//simulation/history"
LENGTH: Final = timedelta(hours=2)
_PERIOD: Final = timedelta(seconds=60)

_CAMERA: Final[dict[Kind | None, dict[str, object]]] = {
    None: {
        "verdict": Status.OK,
        "rung": "content",
        "last_frame_age_s": 0.1,
        "fps": 8.0,
        "frozen": False,
        "stalled": False,
    },
    Kind.FROZEN: {
        "verdict": Status.DEGRADED,
        "rung": "content",
        "reason": "frozen: packets flow, the picture stays the same",
        "fps": 8.0,
        "frozen": True,
        "stalled": False,
    },
    Kind.BLACK: {
        "verdict": Status.DEGRADED,
        "rung": "content",
        "reason": "black: every picture is dark",
        "fps": 8.0,
    },
    Kind.STALLED: {
        "verdict": Status.DEGRADED,
        "rung": "content",
        "reason": "stalled: no packets",
        "stalled": True,
    },
    Kind.GONE: {"verdict": Status.DOWN, "rung": "describe", "reason": "DESCRIBE was answered 404 Not Found"},
    Kind.OUTAGE: {"verdict": Status.DOWN, "rung": "tcp", "reason": "the connection is refused"},
}
_WIFI_REASON: Final = {
    Kind.OUTAGE: (Status.DOWN, "no SNMP answer in 3 tries, ping fails too"),
    Kind.SILENT: (Status.UNKNOWN, "no SNMP answer in 3 tries, ping answers"),
}


def device_history(district: SimulatedDistrict, until: datetime) -> Iterator[AnyEvent]:
    """A sample a minute of each camera and access point over the two hours before ``until``, in order of time."""
    devices: list[tuple[float, Place, Device, bool]] = [
        (
            rng(district.seed, "phase", device.code).uniform(0, _PERIOD.total_seconds()),
            place,
            device,
            is_camera,
        )
        for place in district.places
        for devices, is_camera in ((place.cameras, True), (place.access_points, False))
        for device in devices
    ]
    devices.sort(key=lambda item: item[0])
    begins = until - LENGTH
    while begins + _PERIOD <= until:
        for phase_s, place, device, is_camera in devices:
            moment = (begins + timedelta(seconds=phase_s)).astimezone(UTC)
            moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
            unit = district.unit_of(place.code, moment)
            yield (
                _camera(district, device, unit, moment)
                if is_camera
                else _wifi(district, place, device, unit, moment)
            )
        begins += _PERIOD


def _camera(district: SimulatedDistrict, camera: Device, unit: str, moment: datetime) -> CameraProbed:
    facts = _CAMERA[district.camera_fault(camera, moment)]
    return CameraProbed(
        specversion="1.0",
        id=event_id(SOURCE, camera.code, "ioc.camera.probed.v1", moment),
        source=SOURCE,
        subject=camera.code,
        time=moment,
        data=CameraSample(unit=unit, point=camera.point, interval_s=_PERIOD.total_seconds(), **facts),  # type: ignore[arg-type]  # the table above
    )


def _wifi(
    district: SimulatedDistrict, place: Place, device: Device, unit: str, moment: datetime
) -> WifiProbed:
    fault = district.wifi_fault(device, moment)
    status, reason = _WIFI_REASON[fault] if fault is not None else (Status.OK, None)
    return WifiProbed(
        specversion="1.0",
        id=event_id(SOURCE, device.code, "ioc.wifi.probed.v1", moment),
        source=SOURCE,
        subject=device.code,
        time=moment,
        data=WifiSample(
            unit=unit,
            point=device.point,
            status=status,
            reason=reason,
            clients=district.clients(place, moment) if fault is None else None,
            interval_s=_PERIOD.total_seconds(),
        ),
    )
