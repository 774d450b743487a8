"""What a device's row says for its probe: address, secret, options; and what must hold of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ioc.district.model import Device, DeviceKind, Pack
from ioc.district.problems import Problems
from ioc.district.secrets import read_secret
from ioc.errors import InputError

FILE: Final = "devices.csv"
#: Options of a kind: seconds, each above 0 and up to the number.
OPTIONS: Final[Mapping[DeviceKind, Mapping[str, float]]] = {
    DeviceKind.CAMERA: {"connect_s": 60.0, "first_frame_s": 60.0, "watch_s": 60.0},
    DeviceKind.WIFI: {"timeout_s": 60.0},
    DeviceKind.KIOSK: {},
}
_SCHEMES: Final = {DeviceKind.CAMERA: "rtsp", DeviceKind.WIFI: "snmp"}


def endpoint(device: Device) -> tuple[str, int | None]:
    """Host and port of a device's address, such as ``snmp://10.0.0.1:161``.

    :raises InputError: when the address can't be used for this kind of device; it is not repeated.
    """
    scheme = _SCHEMES.get(device.kind)
    try:
        parts = urlsplit(device.address or "")
        port, host = parts.port, parts.hostname
    except ValueError:
        host = port = None
        parts = urlsplit("")
    fits = scheme is None or parts.scheme == scheme
    if not host or not fits or port == 0 or re.search(r"\s", device.address or ""):
        shape = {
            "rtsp": "rtsp://host[:port]/path",
            "snmp": "snmp://host[:port]",
            None: "scheme://host[:port]",
        }
        raise InputError(
            f"The address of {device.code} can't be used.",
            remedy=f"Write it as {shape[scheme]}, without a login.",
        )
    return host, port


def probed(device: Device) -> bool:
    """Whether the platform asks this kind of device itself; kiosks report by themselves."""
    return device.kind in _SCHEMES


def check_probing(pack: Pack, folder: Path, problems: Problems) -> None:
    """Find addresses, secrets and options that can't serve; a secret that is not here is a note."""
    seen: dict[tuple[DeviceKind, str], Device] = {}
    for device in pack.devices:
        for message in _wrong_options(device):
            problems.error(FILE, device.line, message)
        if device.secret is not None:
            try:
                read_secret(device.secret, folder)
            except InputError as error:
                problems.note(FILE, device.line, error.message, error.remedy or "")
        if device.address is None:
            continue
        try:
            endpoint(device)
        except InputError as error:
            problems.error(FILE, device.line, error.message, error.remedy or "")
        other = seen.setdefault((device.kind, device.address.casefold()), device)
        if other is not device and other.period.overlaps(device.period):
            problems.error(
                FILE,
                device.line,
                f"{device.code} has the address of {other.code} on line {other.line}.",
                "Correct one of them, or end the earlier row with valid_to.",
            )
    silent = [device.code for device in pack.devices if probed(device) and device.address is None]
    if silent:
        shown = ", ".join(silent[:5]) + (", …" if len(silent) > 5 else "")
        problems.note(
            FILE,
            0,
            f"{len(silent)} devices are not probed and stay unknown: no address in the pack ({shown}).",
        )


def _wrong_options(device: Device) -> list[str]:
    known = OPTIONS[device.kind]
    found = []
    for name, value in device.options.items():
        limit = known.get(name)
        if limit is None:
            found.append(f"Option {name!r} is unknown here; known are: {', '.join(known) or 'none'}.")
        elif not 0 < value <= limit:
            found.append(f"Option {name} is not above 0 and up to {limit:g} seconds.")
    return found
