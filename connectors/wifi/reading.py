"""Reads an access point, or a controller with many, by the table of vendors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from connectors.wifi.agent import Agent, Value
from connectors.wifi.vendors import Cell, Radios, Vendor, vendors
from ioc.events import Interface, Radio

SYS_DESCR: Final = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID: Final = "1.3.6.1.2.1.1.2.0"
_IF_DESCR: Final = "1.3.6.1.2.1.2.2.1.2"
_IF_OPER_STATUS: Final = "1.3.6.1.2.1.2.2.1.8"
_IF_NAME: Final = "1.3.6.1.2.1.31.1.1.1.1"
_OCTETS: Final = (
    ("1.3.6.1.2.1.31.1.1.1.6", "1.3.6.1.2.1.2.2.1.10"),
    ("1.3.6.1.2.1.31.1.1.1.10", "1.3.6.1.2.1.2.2.1.16"),
)
"""In and out: ifHC*Octets (64 bits), and the 32-bit counters for devices that have no others."""
_EXTEND_LINE: Final = "1.3.6.1.4.1.8072.1.3.2.3.1.1"
"""nsExtendOutput1Line; its neighbour .2 has all lines."""
_EXTEND_FULL: Final = "1.3.6.1.4.1.8072.1.3.2.3.1.2"
_UP: Final = 1


@dataclass(frozen=True)
class Reading:
    """What was read of one access point. Unknown is None or empty, never zero."""

    key: str
    """Serial number within a controller; empty for the device that was asked."""
    name: str | None
    up: bool | None
    model: str | None
    firmware: str | None
    clients: int | None
    radios: tuple[Radio, ...]
    interfaces: tuple[Interface, ...]


@dataclass(frozen=True)
class _Row:
    index: str
    key: str
    name: str | None


async def read(agent: Agent) -> tuple[str | None, list[Reading]]:
    """Read everything that the device's vendor shows.

    :returns: the vendor's name (None when it is not in the table: interfaces only), and the access points.
    :raises SilentAgentError: when the agent does not answer.
    """
    vendor = await _recognise(agent)
    interfaces = await _interfaces(agent)
    if vendor is None:
        return None, [Reading("", None, None, None, None, None, (), interfaces)]
    model = _text(await _scalar(agent, vendor.model))
    firmware = _text(await _scalar(agent, vendor.firmware))
    radios = await _radios(agent, vendor.radios) if vendor.radios else []
    if vendor.access_points is None:
        total = _count(await _scalar(agent, vendor.clients))
        if total is None:
            total = _sum_clients([radio for _, radio in radios])
        found = tuple(radio for _, radio in radios)
        return vendor.name, [Reading("", None, None, model, firmware, total, found, interfaces)]
    return vendor.name, await _access_points(agent, vendor, model, firmware, radios, interfaces)


async def _recognise(agent: Agent) -> Vendor | None:
    probes = [vendor.match.exists for vendor in vendors() if vendor.match.exists]
    known = await agent.get([SYS_DESCR, SYS_OBJECT_ID, *probes])
    descr = str(known.get(SYS_DESCR, ""))
    identity = str(known.get(SYS_OBJECT_ID, "")).lstrip(".")
    for vendor in vendors():
        match = vendor.match
        if match.sys_object_id and not f"{identity}.".startswith(f"{match.sys_object_id}."):
            continue
        if match.sys_descr and not re.search(match.sys_descr, descr):
            continue
        if match.exists and match.exists not in known:
            continue
        return vendor
    return None


async def _access_points(
    agent: Agent,
    vendor: Vendor,
    model: str | None,
    firmware: str | None,
    radios: list[tuple[str, Radio]],
    interfaces: tuple[Interface, ...],
) -> list[Reading]:
    table = vendor.access_points
    if table is None:
        raise ValueError(f"{vendor.name} has no access points")
    conductor = _text(await _scalar(agent, table.conductor))
    found = []
    for row in await _rows(agent, table.rows):
        own = tuple(radio for index, radio in radios if index.startswith(f"{row.index}."))
        up = _count(await _cell(agent, table.up, row))
        address = _text(await _cell(agent, table.address, row))
        shows_its_own = address is not None and address == conductor
        found.append(
            Reading(
                key=row.key,
                name=_text(await _cell(agent, table.name, row)),
                up=None if up is None else up == _UP,
                model=_text(await _cell(agent, table.model, row)) or model,
                firmware=firmware,
                clients=_sum_clients(list(own)),
                radios=own,
                interfaces=interfaces if shows_its_own else (),
            )
        )
    return found


async def _radios(agent: Agent, table: Radios) -> list[tuple[str, Radio]]:
    radios = []
    for row in await _rows(agent, table.rows):
        channel = _whole(await _cell(agent, table.channel, row))
        frequency = _whole(await _cell(agent, table.frequency_mhz, row))
        utilisation = await _cell(agent, table.utilisation, row)
        radio = Radio(
            name=_text(await _cell(agent, table.name, row))
            or row.name
            or f"radio {row.index.rsplit('.', 1)[-1]}",
            ssid=_text(await _cell(agent, table.ssid, row)),
            channel=channel,
            frequency_mhz=frequency or centre_mhz(channel),
            clients=_count(await _cell(agent, table.clients, row)),
            noise_dbm=_whole(await _cell(agent, table.noise_dbm, row)),
            utilisation=min(max(float(utilisation), 0.0), 1.0)
            if isinstance(utilisation, int | float)
            else None,
        )
        radios.append((row.index, radio))
    return radios


async def _rows(agent: Agent, cell: Cell) -> list[_Row]:
    if cell.extend is not None:
        oid = _extend(_EXTEND_FULL, cell.extend)
        text = str((await agent.get([oid])).get(oid, "")).strip('"')  # some agents quote it
        rows = []
        for line in text.splitlines():
            key, _, label = line.partition(",")
            if key.strip():
                rows.append(_Row(key.strip(), key.strip(), label.strip() or key.strip()))
        return rows
    column = await agent.column(cell.oid or "")
    return [_Row(index, str(value), str(value) if cell.named else None) for index, value in column.items()]


async def _scalar(agent: Agent, cell: Cell | None) -> Value | None:
    """Value of a scalar, or the first of a column that reads as something."""
    if cell is None:
        return None
    if cell.extend is not None or (cell.oid or "").endswith(".0"):
        return await _cell(agent, cell, _Row("", "", None))
    for value in (await agent.column(cell.oid or "")).values():
        shaped = _shape(cell, value)
        if shaped not in (None, ""):
            return shaped
    return None


async def _cell(agent: Agent, cell: Cell | None, row: _Row) -> Value | None:
    if cell is None:
        return None
    if cell.extend is not None:
        oid = _extend(_EXTEND_LINE, cell.extend.replace("{row}", row.key))
        return _shape(cell, (await agent.get([oid])).get(oid))
    oid = cell.oid or ""
    if oid.endswith(".0"):
        return _shape(cell, (await agent.get([oid])).get(oid))
    column = await agent.column(oid)
    if cell.key is None:
        return _shape(cell, column.get(row.index))
    keys = await agent.column(cell.key)
    values = [_shape(cell, column.get(index)) for index, key in keys.items() if str(key) == row.key]
    present = [value for value in values if value not in (None, "")]
    if not present:
        return None
    if cell.how == "sum":
        numbers = [number for value in present if (number := _whole(value)) is not None]
        return sum(numbers) if numbers else None
    return ", ".join(dict.fromkeys(str(value) for value in present)) if cell.how == "join" else present[0]


def _shape(cell: Cell, value: Value | None) -> Value | None:
    if value is None:
        return None
    if cell.pattern is not None:
        match = re.search(cell.pattern, str(value))
        if match is None:
            return None
        value = match.group(1)
    if cell.scale is not None:
        try:
            scaled = float(value) * cell.scale
        except ValueError:
            return None
        return round(scaled, 6)
    return value


def _extend(base: str, name: str) -> str:
    """OID of a NET-SNMP extend: its name as a length and character codes."""
    encoded = name.encode()
    return f"{base}.{len(encoded)}." + ".".join(str(byte) for byte in encoded)


async def _interfaces(agent: Agent) -> tuple[Interface, ...]:
    names = await agent.column(_IF_NAME)
    names = {**await agent.column(_IF_DESCR), **{index: name for index, name in names.items() if name != ""}}
    status = await agent.column(_IF_OPER_STATUS)
    octets: list[dict[str, Value]] = []
    for wide, narrow in _OCTETS:
        column = await agent.column(wide)
        octets.append(column or await agent.column(narrow))
    found = []
    for index, name in sorted(names.items(), key=lambda item: [int(part) for part in item[0].split(".")]):
        if not index.isdecimal():
            continue
        up = status.get(index)
        found.append(
            Interface(
                index=int(index),
                name=str(name)[:200],
                up=None if up is None else up == _UP,
                rx_bytes=_count(octets[0].get(index)),
                tx_bytes=_count(octets[1].get(index)),
            )
        )
    return tuple(found)


def centre_mhz(channel: int | None) -> int | None:
    """Centre frequency of a 20 MHz channel in MHz; None where the number alone does not tell the band.

    IEEE 802.11: 2407 + 5 n (1 to 13), 2484 (14), 5000 + 5 n (36 to 177). Channels of the 6 GHz band share numbers
    with both; those that only exist there are not guessed.
    """
    if channel is None:
        return None
    if 1 <= channel <= 13:
        return 2407 + 5 * channel
    if channel == 14:
        return 2484
    five = 36 <= channel <= 64 and channel % 4 == 0
    upper = (100 <= channel <= 144 and channel % 4 == 0) or (149 <= channel <= 177 and channel % 4 == 1)
    return 5000 + 5 * channel if five or upper else None


def _sum_clients(radios: list[Radio]) -> int | None:
    known = [radio.clients for radio in radios if radio.clients is not None]
    return sum(known) if known and len(known) == len(radios) else None


def _text(value: Value | None) -> str | None:
    return None if value is None or str(value) == "" else str(value)[:200]


def _whole(value: Value | None) -> int | None:
    try:
        return None if value is None else round(float(value))
    except (ValueError, OverflowError):
        return None


def _count(value: Value | None) -> int | None:
    number = value if isinstance(value, int) else _whole(value)
    return number if number is not None and number >= 0 else None
