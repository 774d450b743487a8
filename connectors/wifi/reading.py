"""Reads an access point, or a controller with many, by the table of vendors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from connectors.camera.units import identify
from connectors.shared.snmp.agent import Agent, Value
from connectors.shared.snmp.cells import Row, at, count, recognise, rows, scalar, text, whole
from connectors.shared.snmp.interfaces import Port, ports
from connectors.wifi.channels import centre_mhz
from connectors.wifi.vendors import AccessPoints, Radios, Vendor, vendors
from ioc.events import Radio

_MOST_CLIENTS: Final = 100_000
"""More clients are a mistake of the device, and would spoil the sums of its unit."""
_MOST_RADIOS: Final = 4_096
_ANY_AIR: Final = r"^(wlan|wifi\d+ap|ath|ra[ix]?|wl)\d"
"""A radio's own interface (wifi0) is none of them: it carries again what those of its networks (ath0, ath1) carry."""


@dataclass(frozen=True)
class Reading:
    """What was read of one access point. Unknown is None or empty, never zero."""

    key: str = ""
    """Serial number within a controller; empty for the device that was asked."""
    name: str | None = None
    up: bool | None = None
    model: str | None = None
    firmware: str | None = None
    clients: int | None = None
    radios: tuple[Radio, ...] = ()
    ports: tuple[Port, ...] = ()
    air: str = _ANY_AIR
    """Regular expression of the names of the ports that carry clients' traffic."""
    air_by_type: bool = False
    """Ports that say they are wireless carry it too."""


async def read(agent: Agent) -> tuple[str | None, list[Reading]]:
    """Read everything that the device's vendor shows.

    :returns: the vendor's name (None when it is not in the table: model and interfaces only), and the access points;
        one reading of the device itself when it is no controller, or a controller that tells of none, or beside them
        when it alone tells how many clients they have.
    :raises SilentAgentError: when the agent does not answer.
    """
    await agent.begin()
    table = vendors()
    position = await recognise(agent, [vendor.match for vendor in table])
    vendor = None if position is None else table[position]
    found = await ports(agent)
    if vendor is None:
        unit = await identify(agent)
        readings = [
            Reading(
                model=unit.model,
                firmware=unit.firmware,
                ports=found,
                air_by_type=not any(re.search(_ANY_AIR, port.name) for port in found),
            )
        ]
    else:
        readings = await _known(agent, vendor, found)
    agent.keep()
    return vendor.name if vendor else None, readings


async def _known(agent: Agent, vendor: Vendor, found: tuple[Port, ...]) -> list[Reading]:
    model = text(await scalar(agent, vendor.model))
    firmware = text(await scalar(agent, vendor.firmware))
    radios: list[tuple[str, Radio]] = []
    for radio_table in vendor.radios:
        if radio_table.also or not radios:
            radios += await _radios(agent, radio_table)
    readings: list[Reading] = []
    if vendor.access_points is not None:
        readings = await _access_points(
            agent, vendor.access_points, model, firmware, radios, found, vendor.air
        )
        if any(reading.clients is not None for reading in readings):
            return readings
    total = count(await scalar(agent, vendor.clients), _MOST_CLIENTS)
    if readings and total is None:
        return readings
    own = () if readings else tuple(radio for _, radio in radios)
    itself = Reading(
        model=model,
        firmware=firmware,
        clients=total if total is not None else sum_clients(own),
        radios=own,
        ports=found,
        air=vendor.air or _ANY_AIR,
        air_by_type=vendor.air_by_type,
    )
    return [itself, *readings]


async def _access_points(
    agent: Agent,
    table: AccessPoints,
    model: str | None,
    firmware: str | None,
    radios: list[tuple[str, Radio]],
    found: tuple[Port, ...],
    air: str | None,
) -> list[Reading]:
    conductor = text(await scalar(agent, table.conductor))
    by_index: dict[str, list[Radio]] = {}
    for index, radio in radios:
        by_index.setdefault(index.rpartition(".")[0], []).append(radio)
    # without the table of access points, those whose radios are told
    found_rows = await rows(agent, table.rows) or [Row(index, "", None) for index in by_index if index]
    counted = None
    if table.counted is not None and table.counted.column and _all_unknown(by_index, found_rows):
        counted = await agent.tally(table.counted.column)
    readings = []
    for row in found_rows:
        own = tuple(by_index.get(row.index, ()))
        up = await at(agent, table.up, row)
        address = text(await at(agent, table.address, row))
        clients = count(await at(agent, table.clients, row), _MOST_CLIENTS)
        if counted and address is not None and up is True:
            clients = count(counted[address], _MOST_CLIENTS)
        shows_its_own = address is not None and address == conductor
        serial = row.key if table.serial is None and table.rows.named else await at(agent, table.serial, row)
        readings.append(
            Reading(
                key=text(serial) or _from_index(row.index),
                name=text(await at(agent, table.name, row)),
                up=up if isinstance(up, bool) else None,
                model=text(await at(agent, table.model, row)) or (model if shows_its_own else None),
                firmware=text(await at(agent, table.firmware, row)) or firmware,
                clients=clients if clients is not None else sum_clients(own),
                radios=own,
                ports=found if shows_its_own else (),
                air=air or _ANY_AIR,
            )
        )
    return readings


def _all_unknown(by_index: dict[str, list[Radio]], found: list[Row]) -> bool:
    return all(sum_clients(tuple(by_index.get(row.index, ()))) is None for row in found)


def _from_index(index: str) -> str:
    """An access point without a serial number is known by its own MAC address, which is its row's index."""
    parts = [int(part) for part in index.split(".") if part.isdecimal()][-6:]
    return "".join(f"{part & 255:02x}" for part in parts)


async def _radios(agent: Agent, table: Radios) -> list[tuple[str, Radio]]:
    radios = []
    for row in (await rows(agent, table.rows))[:_MOST_RADIOS]:
        channel = whole(await at(agent, table.channel, row))
        frequency = whole(await at(agent, table.frequency_mhz, row))
        band = await at(agent, table.band, row)
        radio = Radio(
            name=text(await at(agent, table.name, row))
            or row.name
            or f"radio {row.index.rsplit('.', 1)[-1]}",
            ssid=text(await at(agent, table.ssid, row)),
            channel=_within(channel, 1, 255),
            frequency_mhz=_within(frequency, 1, 100_000)
            or centre_mhz(channel, band if isinstance(band, int | float) else None),
            clients=count(await at(agent, table.clients, row), _MOST_CLIENTS),
            noise_dbm=_within(whole(await at(agent, table.noise_dbm, row)), -200, -1),  # 0: not measured
            utilisation=_share(await at(agent, table.utilisation, row)),
        )
        radios.append((row.index, radio))
    return radios


def sum_clients(radios: tuple[Radio, ...]) -> int | None:
    """All radios' clients; unknown when there is no radio, or one radio's count is unknown."""
    known = [radio.clients for radio in radios if radio.clients is not None]
    return sum(known) if known and len(known) == len(radios) else None


def is_air(reading: Reading, port: Port) -> bool:
    """Whether a port carries clients' traffic."""
    return (reading.air_by_type and port.wireless) or re.search(reading.air, port.name) is not None


def _within(value: int | None, least: int, most: int) -> int | None:
    return value if value is not None and least <= value <= most else None


def _share(value: Value | None) -> float | None:
    try:
        number = None if value is None else float(value)
    except ValueError:
        return None
    return number if number is not None and 0 <= number <= 1 else None
