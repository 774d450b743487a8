"""What a device's row says for its probe: address, secret, options; and what must hold of them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ioc.district.model import Device, DeviceKind, Pack
from ioc.district.problems import Problems
from ioc.district.secrets import HOW, is_reference, read_secret
from ioc.errors import InputError

FILE: Final = "devices.csv"
#: Options of a kind: a number above 0 and up to the one here, ``bool`` for yes or no, ``str`` for a text.
OPTIONS: Final[Mapping[DeviceKind, Mapping[str, float | type]]] = {
    DeviceKind.CAMERA: {
        "connect_s": 60.0,
        "first_frame_s": 60.0,
        "watch_s": 60.0,
        "continuous": bool,
        "scene": bool,
        "scene_version": 1e6,
        "evidence": bool,
        "evidence_most": 1000.0,
        "evidence_days": 366.0,
        "tls_verify": bool,
        "tls_ca_file": str,
        "onvif": str,
        "clock_limit_s": 86_400.0,
        "snmp": str,
        "snmp_secret": str,
    },
    DeviceKind.WIFI: {"timeout_s": 60.0, "ping": str},
    DeviceKind.KIOSK: {},
}
#: How a device's host is asked whether it lives, beside SNMP.
_PINGS: Final = re.compile(
    r"icmp|none|tcp:([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])"
)
#: Kinds of sources that report access points.
CONTROLLERS: Final = ("unifi", "openwisp", "radius")
#: Options that name where a secret is kept, as the column ``secret`` does.
SECRETS: Final = ("snmp_secret",)
_SCHEMES: Final = {DeviceKind.CAMERA: ("rtsp", "rtsps"), DeviceKind.WIFI: ("snmp", "via")}
_SHAPES: Final = {
    DeviceKind.CAMERA: "rtsp://host[:port]/path or rtsps://host[:port]/path",
    DeviceKind.WIFI: "snmp://host[:port], or via://CODE/KEY of the controller that knows it",
}


def endpoint(device: Device) -> tuple[str, int | None]:
    """Host and port of a device's address, such as ``snmp://10.0.0.1:161``.

    :raises InputError: when the address can't be used for this kind of device; it is not repeated.
    """
    schemes = _SCHEMES.get(device.kind)
    try:
        parts = urlsplit(device.address or "")
        port, host = parts.port, parts.hostname
    except ValueError:
        host = port = None
        parts = urlsplit("")
    fits = schemes is None or parts.scheme in schemes
    if not host or not fits or port == 0 or re.search(r"\s", device.address or ""):
        raise InputError(
            f"The address of {device.code} can't be used.",
            remedy=f"Write it as {_SHAPES.get(device.kind, 'scheme://host[:port]')}, without a login.",
        )
    return host, port


def behind(device: Device) -> tuple[str, str] | None:
    """The source or device that reports an access point, and its name there; None when it is asked itself.

    Written ``via://CODE/KEY``: the code of a controller's line, and the serial number or MAC address it knows.
    """
    scheme, _, rest = (device.address or "").partition("://")
    code, _, key = rest.partition("/")
    return (code, key) if scheme == "via" else None


def probed(device: Device) -> bool:
    """Whether the platform asks this kind of device itself; kiosks report by themselves."""
    return device.kind in _SCHEMES


def check_probing(pack: Pack, folder: Path, problems: Problems) -> None:
    """Find addresses, secrets and options that can't serve; a secret that is not here is a note."""
    seen: dict[tuple[DeviceKind, str], Device] = {}
    for device in pack.devices:
        for message in _wrong_options(device):
            problems.error(FILE, device.line, message)
        for reference in (device.secret, *(device.options.get(name) for name in SECRETS)):
            try:
                if reference is not None and is_reference(str(reference)):
                    read_secret(str(reference), folder)
            except InputError as error:
                problems.note(FILE, device.line, error.message, error.remedy or "")
        if device.client_limit is not None and device.kind is not DeviceKind.WIFI:
            problems.error(
                FILE, device.line, "client_limit is for access points only.", "Leave the field empty."
            )
        if device.address is None:
            continue
        if not probed(device):
            problems.note(
                FILE, device.line, f"The address of {device.code} is not used: a kiosk reports by itself."
            )
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
        _check_behind(device, pack, problems)
    silent = [device.code for device in pack.devices if probed(device) and device.address is None]
    if silent:
        shown = ", ".join(silent[:5]) + (", …" if len(silent) > 5 else "")
        problems.note(
            FILE,
            0,
            f"{len(silent)} devices are not probed and stay unknown: no address in the pack ({shown}).",
        )


def _check_behind(device: Device, pack: Pack, problems: Problems) -> None:
    found = behind(device)
    if found is None:
        return
    code, key = found
    known = [source.code for source in pack.sources if source.kind.name in CONTROLLERS]
    known += [other.code for other in pack.devices if other.kind is DeviceKind.WIFI and behind(other) is None]
    if not key:
        problems.error(
            FILE,
            device.line,
            f"The address of {device.code} names no access point.",
            "Write via://CODE/KEY with the serial number or MAC address that the controller knows.",
        )
    elif code not in known:
        near = difflib.get_close_matches(code, known, n=1)
        problems.error(
            FILE,
            device.line,
            f"{device.code} is reported by {code!r}, which is no controller of the pack.",
            f"Did you mean {near[0]}?" if near else f"Add its line to sources.csv: {', '.join(CONTROLLERS)}.",
        )


def _wrong_options(device: Device) -> list[str]:
    known = OPTIONS[device.kind]
    found = []
    for name, value in device.options.items():
        limit = known.get(name)
        if limit is None:
            found.append(f"Option {name!r} is unknown here; known are: {', '.join(known) or 'none'}.")
        elif limit is bool:
            if not isinstance(value, bool):
                found.append(f"Option {name} is neither yes nor no.")
        elif isinstance(limit, float):
            if isinstance(value, bool | str) or not 0 < value <= limit:
                unit = " seconds" if name.endswith("_s") else ""
                found.append(f"Option {name} is not above 0 and up to {limit:g}{unit}.")
        elif isinstance(value, bool):
            found.append(f"Option {name} is no text.")
        elif name == "ping" and not _PINGS.fullmatch(str(value)):
            found.append("Option ping is none of icmp, tcp:PORT and none.")
        elif name in SECRETS and not is_reference(str(value)):
            found.append(f"Option {name} is no reference. {HOW}")
    return found
