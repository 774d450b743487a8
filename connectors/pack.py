"""Jobs of the pollers from the district pack: one row of ``devices.csv`` is one device asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
import structlog

from connectors.camera import targets as camera
from connectors.shared.runner import Job
from connectors.shared.snmp.login import Login, parse_secret
from connectors.wifi import targets as wifi
from ioc.district import Pack, PackError, Problem, examine
from ioc.district.model import Device, DeviceKind
from ioc.district.probing import FILE, SECRETS, behind, endpoint
from ioc.district.secrets import read_secret
from ioc.errors import InputError, IocError

log = structlog.get_logger(__name__)

_Make = Callable[[Device, str, str | None], Job]


def devices_file(folder: Path) -> Path:
    """The file of a pack that pollers read, and read again when it changes."""
    return folder / FILE


def camera_jobs(devices: Path) -> list[Job]:
    """One job for each camera with an address; the secret is ``user:password``.

    :param devices: the pack's ``devices.csv``; the files beside it are read too.
    :raises PackError: when the pack has mistakes.
    """
    return list(
        _jobs(
            devices.parent,
            DeviceKind.CAMERA,
            lambda device, unit, secret: camera.job(camera_entry(device, unit, secret, devices.parent)),
        )
    )


def wifi_jobs(devices: Path) -> list[Job]:
    """One job for each access point with an address; the secret is the SNMP community, or a v3 user.

    :param devices: the pack's ``devices.csv``; the files beside it are read too.
    :raises PackError: when the pack has mistakes.
    """
    pack = usable_pack(devices.parent)
    return list(
        _jobs(
            devices.parent,
            DeviceKind.WIFI,
            lambda device, unit, secret: wifi.job(
                msgspec.structs.replace(
                    wifi_entry(device, unit, secret), access_points=access_points(pack, device.code)
                )
            ),
        )
    )


def access_points(pack: Pack, controller: str) -> dict[str, wifi.PlaceEntry]:
    """Where the access points stand that a controller reports: its name for each, and the pack's."""
    today = datetime.now(ZoneInfo(pack.time_zone)).date()
    found = {}
    for device in pack.devices:
        place = behind(device)
        unit = pack.unit_of(device.point, today)
        if place is None or place[0] != controller or unit is None or not device.period.holds_on(today):
            continue
        found[place[1]] = wifi.PlaceEntry(device.code, unit, device.point)
    return found


def usable_pack(folder: Path) -> Pack:
    """Read a pack; a mistake on the line of a device or source costs that line alone, and is logged.

    :raises PackError: when there are other mistakes.
    """
    reading = examine(folder)
    if reading.usable is None:
        raise PackError(folder, reading.errors)
    for problem in reading.errors:
        log.error("pack.line_left_out", place=f"{problem.file}:{problem.line}", reason=problem.message)
    return reading.usable


def _jobs(folder: Path, kind: DeviceKind, make: _Make) -> Iterator[Job]:
    pack = usable_pack(folder)
    today = datetime.now(ZoneInfo(pack.time_zone)).date()
    for device in pack.devices:
        unit = pack.unit_of(device.point, today)
        if (
            device.kind is not kind
            or device.address is None
            or behind(device) is not None
            or unit is None
            or not device.period.holds_on(today)
        ):
            continue
        try:
            secret = read_secret(device.secret, folder).get_secret_value() if device.secret else None
            job = make(device, unit, secret)
        except IocError as error:
            # its neighbours are asked all the same
            log.error("device.unusable", device=device.code, reason=error.message, remedy=error.remedy)
        else:
            yield job


def examine_devices(pack: Pack, folder: Path) -> Iterator[Problem]:
    """Look closer at each device that is asked: at its options and secrets as its connector reads them.

    A secret that is not here is left to :func:`ioc.district.examine`, which notes it.
    """
    for device in pack.devices:
        if device.address is None or behind(device) is not None:
            continue
        known = {name: value for name, value in device.options.items() if _is_here(name, value, folder)}
        asked = replace(device, options=known)
        secret = None
        if device.secret is not None and _is_here("secret", device.secret, folder):
            secret = read_secret(device.secret, folder).get_secret_value()
        try:
            if device.kind is DeviceKind.CAMERA:
                entry = camera_entry(asked, "unit", secret, folder)
                camera.target_of(entry, folder)
                if entry.tls_ca_file is not None and not Path(entry.tls_ca_file).is_file():
                    raise InputError(
                        f"The file {device.options['tls_ca_file']} is not there.",
                        remedy="Paths count from the pack's folder on.",
                    )
            elif device.kind is DeviceKind.WIFI:
                wifi.job(wifi_entry(asked, "unit", secret))
        except IocError as error:
            yield Problem(FILE, device.line, f"{device.code}: {error.message}", error.remedy)


def _is_here(name: str, value: object, folder: Path) -> bool:
    if name not in ("secret", *SECRETS):
        return True
    try:
        read_secret(str(value), folder)
    except InputError:
        return False
    return True


def camera_entry(device: Device, unit: str, secret: str | None, folder: Path = Path()) -> camera.CameraEntry:
    """How a camera of the pack is asked; ``secret`` is its ``user:password``.

    :param folder: of the pack, from which the files that options name count.
    :raises InputError: when a secret that an option names is not there.
    """
    scheme, _, rest = (device.address or "").partition("://")
    user, colon, password = (secret or "").partition(":")
    login = quote(user, safe="") + colon + quote(password, safe="") + "@" if secret else ""
    entry = camera.CameraEntry(
        device=device.code,
        unit=unit,
        url=f"{scheme}://{login}{rest}",
        point=device.point,
        interval_s=device.interval_s,
    )
    return msgspec.structs.replace(entry, **_camera_options(device, folder))


def _camera_options(device: Device, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = dict(device.options)
    for name in SECRETS:
        if name in found:
            found[name] = read_secret(str(found[name]), folder).get_secret_value()
    for name in ("onvif", "snmp"):  # a port alone reads as a number
        if isinstance(found.get(name), float):
            found[name] = f"{found[name]:g}"
    if "tls_ca_file" in found:
        found["tls_ca_file"] = str(folder / str(found["tls_ca_file"]))
    if "evidence_most" in found:
        found["evidence_most"] = int(found["evidence_most"])
    return found


def wifi_entry(device: Device, unit: str, secret: str | None) -> wifi.WifiEntry:
    """How an access point of the pack is asked; ``secret`` is its SNMP community, or its v3 user as a JSON object.

    :raises InputError: when its address or its user can't be used.
    """
    host, port = endpoint(device)
    credentials = parse_secret(secret or "public")
    login = credentials if isinstance(credentials, Login) else None
    entry = wifi.WifiEntry(
        device=device.code,
        unit=unit,
        host=host,
        point=device.point,
        port=port or 161,
        community=credentials if isinstance(credentials, str) else "",
        login=login,
        interval_s=device.interval_s,
    )
    return msgspec.structs.replace(entry, **device.options)
