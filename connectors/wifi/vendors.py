"""The table of vendors: which OIDs hold what (``vendors.toml``), typed."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where one value stands, and how to read it."""

    oid: str | None = None
    extend: str | None = None
    pattern: str | None = None
    scale: float | None = None
    key: str | None = None
    how: Literal["sum", "first", "join"] = "first"
    named: bool = True
    """For rows: whether the value is the row's name."""


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a vendor is told; every key given must hold."""

    sys_object_id: str | None = None
    sys_descr: str | None = None
    exists: str | None = None


class Radios(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The radios: a column whose index numbers them, and the columns of their values."""

    rows: Cell
    name: Cell | None = None
    ssid: Cell | None = None
    channel: Cell | None = None
    frequency_mhz: Cell | None = None
    clients: Cell | None = None
    noise_dbm: Cell | None = None
    utilisation: Cell | None = None


class AccessPoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The access points of a controller; a radio belongs to the one whose index begins its own."""

    rows: Cell
    name: Cell | None = None
    model: Cell | None = None
    up: Cell | None = None
    address: Cell | None = None
    conductor: Cell | None = None


class Vendor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the table."""

    name: str
    match: Match
    model: Cell | None = None
    firmware: Cell | None = None
    clients: Cell | None = None
    radios: Radios | None = None
    access_points: AccessPoints | None = None


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vendor: tuple[Vendor, ...]


@cache
def vendors() -> tuple[Vendor, ...]:
    """Every known vendor, in the order in which they are tried."""
    text = (files("connectors.wifi") / "vendors.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _Table).vendor
