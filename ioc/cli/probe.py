"""``ioc probe``: ask one device now, and print what would be published."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ioc.events import AnyEvent

app = typer.Typer(
    name="probe",
    no_args_is_help=True,
    help="Ask one device now and print what would be published.\n\nExample: ioc probe camera rtsp://192.0.2.10/stream",
)

_CAMERA_KEYS = (
    "verdict",
    "rung",
    "reason",
    "last_frame_age_s",
    "fps",
    "clock_offset_s",
    "model",
    "firmware",
    "uptime_s",
    "disks",
)
_WIFI_KEYS = ("status", "reason", "clients", "radios", "interfaces", "model", "firmware")

_Unit = Annotated[str, typer.Option(help="Code of the unit that the event would name.")]
_Device = Annotated[
    str | None, typer.Option(help="Device id of the event; made from the address when absent.")
]
_Json = Annotated[bool, typer.Option("--json", help="Compact JSON, and no summary on standard error.")]


def register(parent: typer.Typer) -> None:
    """Put the commands of this file under ``parent``."""
    parent.add_typer(app)


@app.command("camera")
def camera(
    url: Annotated[str, typer.Argument(metavar="URL", help="rtsp[s]://[user:password@]host[:port]/path")],
    device: _Device = None,
    unit: _Unit = "unassigned",
    watch_s: Annotated[float, typer.Option(min=0.5, max=60, help="Seconds of pictures to watch.")] = 4.0,
    first_frame_s: Annotated[
        float, typer.Option(min=1, max=60, help="Longest wait for a picture, in seconds.")
    ] = 10.0,
    connect_s: Annotated[
        float, typer.Option(min=0.1, max=60, help="Longest wait for the connection, and for each answer.")
    ] = 5.0,
    onvif: Annotated[
        str, typer.Option(help="Where its clock is asked for: auto (port 80), none, a port, or a URL.")
    ] = "auto",
    snmp: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT]", help="Its SNMP agent: model, uptime, disks.")
    ] = None,
    community: Annotated[
        str, typer.Option(help="SNMP v2c community, or a v3 user as JSON.", envvar="IOC_PROBE_COMMUNITY")
    ] = "public",
    insecure: Annotated[bool, typer.Option("--insecure", help="Take any certificate.")] = False,
    ca_file: Annotated[
        Path | None, typer.Option(help="Certificates to trust in place of the system's.", show_default=False)
    ] = None,
    as_json: _Json = False,
) -> None:
    """Climb the ladder of a camera: TCP, RTSP DESCRIBE, a decoded picture, what the pictures show, its clock.

    The verdict is ok, degraded (frozen, black, blurred, stalled, wrong clock), down or unknown (the fault is on our
    side); rung is the first that failed. The URL's password is printed nowhere. Exit codes: 0 there is a verdict, 2 no
    such URL.

    Example: ioc probe camera rtsp://user:password@192.0.2.7/Streaming/Channels/102 --json
    """
    from connectors.camera import address
    from connectors.camera.describe import Tls
    from connectors.camera.onvif import service_of
    from connectors.camera.probe import CameraTarget, probe
    from connectors.camera.targets import snmp_address
    from ioc.errors import UsageError

    found = address.parse(url)
    if device is not None and not 1 <= len(device) <= 50:
        raise UsageError("A device id has 1 to 50 characters.")
    target = CameraTarget(
        device or found.device,
        unit,
        found,
        connect_s=connect_s,
        first_frame_s=first_frame_s,
        watch_s=watch_s,
        tls=Tls(not insecure, None if ca_file is None else str(ca_file)),
        onvif=service_of(found.host, onvif),
        onvif_sure=onvif not in ("auto", "none"),
        snmp=None if snmp is None else snmp_address(snmp, community, found.host),
    )
    event = asyncio.run(probe(target))
    _print(_explicit(event, _CAMERA_KEYS), as_json)
    if not as_json:
        data = event.data
        why = f": {data.reason}" if data.reason else ""
        typer.echo(f"{found.shown}: {data.verdict} at rung {data.rung}{why}", err=True)


@app.command("wifi")
def wifi(
    host: Annotated[str, typer.Argument(metavar="HOST", help="Access point or controller.")],
    port: Annotated[int, typer.Option(min=1, max=65_535, help="UDP port of its SNMP agent.")] = 161,
    community: Annotated[str, typer.Option(help="SNMP v2c community.")] = "public",
    secret: Annotated[
        str | None,
        typer.Option(help="Where the community or a v3 user (JSON) is kept instead: env:NAME or file:PATH."),
    ] = None,
    device: _Device = None,
    unit: _Unit = "unassigned",
    ping: Annotated[str, typer.Option(help="Second source: icmp, tcp:PORT or none.")] = "icmp",
    timeout_s: Annotated[float, typer.Option(min=0.1, max=30, help="Wait for each of three tries.")] = 1.5,
    as_json: _Json = False,
) -> None:
    """Ask an access point, or a controller with many, over SNMP v2c or v3.

    Prints one event, or for a controller a list with one for each access point. Counts only: no client's address is
    ever kept. Down is said when SNMP and ping fail; SNMP alone failing is unknown.
    Exit codes: 0 there is a status, 2 wrong use, 3 the secret can't be used.

    Example: ioc probe wifi 192.0.2.20 --community public --json
    """
    from connectors.shared.snmp.login import parse_secret
    from connectors.wifi.probe import Place, WifiTarget, probe
    from ioc.district.secrets import read_secret
    from ioc.errors import UsageError

    name = (device or f"{host}-{port}")[:50]
    if not name:
        raise UsageError("HOST is empty.")
    login = parse_secret(read_secret(secret, Path()).get_secret_value()) if secret else community
    target = WifiTarget(Place(name, unit), host, port, login, ping, timeout_s=timeout_s)
    events = asyncio.run(probe(target))
    shown = [_explicit(event, _WIFI_KEYS) for event in events]
    itself = len(events) == 1 and events[0].subject == name
    _print(shown[0] if itself else shown, as_json)
    if not as_json:
        for event in events:
            data = event.data
            clients = "unknown" if data.clients is None else data.clients
            why = f": {data.reason}" if data.reason else ""
            typer.echo(f"{event.subject}: {data.status}, {clients} clients{why}", err=True)


def _explicit(event: AnyEvent, keys: tuple[str, ...]) -> dict[str, Any]:
    """The event as it would travel, with an explicit null for each contract field that is unknown."""
    import msgspec

    from ioc.events import encode

    shown: dict[str, Any] = msgspec.json.decode(encode(event))
    data = shown["data"]
    for key in keys:
        data.setdefault(key, [] if key in ("radios", "interfaces", "disks") else None)
    return shown


def _print(shown: Any, compact: bool) -> None:
    import json

    typer.echo(json.dumps(shown, ensure_ascii=False, indent=None if compact else 2))
