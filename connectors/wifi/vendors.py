"""The table of vendors: which OIDs hold what (``vendors.toml``), typed."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from connectors.shared.snmp.cells import Cell, Cells, Match


class Radios(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Radios: what numbers them, and the values of each."""

    rows: Cell
    also: bool = False
    """Read beside the tables before it; otherwise only where they have no row."""
    name: Cells | None = None
    ssid: Cells | None = None
    band: Cells | None = None
    """2.4, 5 or 6 (GHz): tells channels that bands share."""
    channel: Cells | None = None
    frequency_mhz: Cells | None = None
    clients: Cells | None = None
    noise_dbm: Cells | None = None
    utilisation: Cells | None = None


class AccessPoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The access points of a controller; a radio belongs to the one whose index begins its own."""

    rows: Cell
    """The serial number: it makes the device's id."""
    serial: Cells | None = None
    """The serial number where the rows are another column's; without one the row's index, a MAC address, is taken."""
    name: Cells | None = None
    model: Cells | None = None
    firmware: Cells | None = None
    up: Cells | None = None
    clients: Cells | None = None
    """Its own count; without one, the sum of its radios."""
    address: Cells | None = None
    counted: Cell | None = None
    """For agents that count no clients themselves: a column with a row for each client that holds its access point's
    address. Its rows are counted; nothing of them is kept."""
    conductor: Cells | None = None
    """Address of the one whose interfaces the agent shows."""


class Vendor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the table."""

    name: str
    title: str
    """For people: what of whom."""
    mibs: tuple[str, ...]
    match: tuple[Match, ...]
    recorded: bool = False
    """Tried against a recording of a real device."""
    note: str = ""
    model: Cells | None = None
    firmware: Cells | None = None
    clients: Cells | None = None
    """The device's own total."""
    air: str | None = None
    """Regular expression of the names of the interfaces that carry clients' traffic."""
    air_by_type: bool = False
    """Those that say they are wireless (ifType) carry it too, whatever their name."""
    radios: tuple[Radios, ...] = ()
    access_points: AccessPoints | None = None


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vendor: tuple[Vendor, ...]


@cache
def vendors() -> tuple[Vendor, ...]:
    """Every known vendor, in the order in which they are tried."""
    text = (files("connectors.wifi") / "vendors.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _Table).vendor
