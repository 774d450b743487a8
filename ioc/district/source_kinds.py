"""Kinds of sources that a pack may name, and what a line of each kind must say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Need(StrEnum):
    """Whether a line of a kind has a field."""

    MUST = "must"
    MAY = "may"
    NEVER = "never"


@dataclass(frozen=True)
class Kind:
    """What a line of one kind says."""

    name: str
    about: str
    """What it is, for a person who writes the line."""
    schemes: tuple[str, ...] = ()
    """Of its address; a folder has none."""
    example: str = ""
    """An address of this kind."""
    address: Need = Need.MUST
    secret: Need = Need.MAY
    login_is: str = "user:password"
    mapping: Need = Need.NEVER
    interval_s: float | None = None
    """Seconds between two looks unless the line says otherwise; None: it reports by itself."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Name → what it says."""


_HTTP: Final = ("http", "https")
_MQTT: Final = ("mqtt", "mqtts")
_BROKER: Final = {
    "topic": "topics to read; {…} stands for the code of the machine",
    "ca": "file of the certificate authority to trust (PEM), from the pack's folder on",
    "client": "name of our session at the broker; nobody else may use it",
}

_CONTROLLER: Final = {
    "calls_a_minute": "what the host allows, 60 when absent",
    "ca": "file of the certificate authority to trust (PEM), from the pack's folder on",
}

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "portal",
            "a one-stop system that calls us as it calls the national portal; the address is where calls are passed on",
            _HTTP,
            "https://portal.example/VXPAdapter/RestService/forward/mapi/g",
            address=Need.MAY,
            options={
                "clients": "networks that it calls from, separated by blanks",
                "handlers": "drop (also without it) or hash: what becomes of officers' names",
            },
        ),
        Kind(
            "http",
            "a system that posts events or tickets to /ingest/v1 with an API key",
            address=Need.NEVER,
            secret=Need.NEVER,
        ),
        Kind(
            "rest",
            "a system that is asked for what changed since last time",
            _HTTP,
            "https://host/api/dossiers",
            login_is="a token, or user:password",
            mapping=Need.MUST,
            interval_s=60.0,
        ),
        Kind(
            "folder",
            "a folder in which finished files appear",
            example="/srv/spool/dossiers",
            secret=Need.NEVER,
            mapping=Need.MAY,
            interval_s=1.0,
            options={"holds": "what the files hold: dossiers or tickets"},
        ),
        Kind(
            "mqtt-queues",
            "a broker to which queue kiosks publish",
            _MQTT,
            "mqtts://broker:8883",
            mapping=Need.MAY,
            options=_BROKER,
        ),
        Kind(
            "mqtt-wifi",
            "a broker to which access points publish",
            _MQTT,
            "mqtts://broker:8883",
            options=_BROKER,
        ),
        Kind(
            "openwisp",
            "an OpenWISP controller",
            _HTTP,
            "https://controller",
            secret=Need.MUST,
            login_is="its API token",
            interval_s=60.0,
            options={
                "site": "slug of the organization; all when absent",
                "devices": "access points expected, 50 when absent: each is a call",
                **_CONTROLLER,
            },
        ),
        Kind(
            "unifi",
            "a UniFi controller",
            _HTTP,
            "https://controller:8443",
            secret=Need.MUST,
            login_is="user:password, or an API key,",
            interval_s=60.0,
            options={"site": "name of the site; default when absent", **_CONTROLLER},
        ),
        Kind(
            "radius",
            "an access server that sends RADIUS accounting to us; the address is where it sends from",
            ("udp",),
            "udp://10.0.0.5",
            secret=Need.MUST,
            login_is="the shared secret",
            interval_s=60.0,
            options={"listen": "UDP port of ours that all of this kind send to; 1813 when absent"},
        ),
    )
}
