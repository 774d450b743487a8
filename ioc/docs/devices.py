"""``devices.md``: the devices that are read over SNMP, from the tables by which the connectors read them."""

from __future__ import annotations

from connectors.camera.units import units
from connectors.wifi.vendors import vendors
from ioc.docs.markdown import document, table

_TRIED = {True: "a recording of a real device", False: "its MIBs"}


def page() -> str:
    """Return the page."""
    intro = (
        "Every camera with RTSP is watched, every one with ONVIF tells its clock; every SNMP agent tells its "
        "interfaces. Beyond that, these families tell what stands here. A new one is a few lines of data in "
        "`connectors/camera/units.toml` or `connectors/wifi/vendors.toml`."
    )
    cameras = table(
        ("family", "MIBs", "model", "firmware", "disks", "tried against", "note"),
        (
            (
                unit.title,
                ", ".join(unit.mibs),
                _mark(unit.model or unit.kind),
                _mark(unit.firmware),
                _mark(unit.disks),
                _TRIED[unit.recorded],
                unit.note,
            )
            for unit in units()
        ),
    )
    wifi = table(
        (
            "family",
            "MIBs",
            "model",
            "firmware",
            "radios",
            "one event per access point",
            "tried against",
            "note",
        ),
        (
            (
                vendor.title,
                ", ".join(vendor.mibs),
                _mark(vendor.model or (vendor.access_points and vendor.access_points.model)),
                _mark(vendor.firmware or (vendor.access_points and vendor.access_points.firmware)),
                _mark(vendor.radios),
                _mark(vendor.access_points),
                _TRIED[vendor.recorded],
                vendor.note,
            )
            for vendor in vendors()
        ),
    )
    return document(
        "Supported devices",
        intro,
        "## Cameras and recorders",
        cameras,
        "## Access points and controllers",
        wifi,
    )


def _mark(value: object) -> str:
    return "yes" if value else "-"
