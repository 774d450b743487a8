"""What a camera or recorder tells of itself over SNMP, by a table of families (``units.toml``)."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from connectors.shared.snmp.agent import Agent, Memory, SilentAgentError, Value
from connectors.shared.snmp.cells import Cell, Cells, Match, Row, at, recognise, rows, scalar, text
from connectors.shared.snmp.login import Credentials
from ioc.events import Disk

_HR_UPTIME: Final = "1.3.6.1.2.1.25.1.1.0"
"""hrSystemUptime: of the machine; sysUpTime is the agent's."""
_MOST_DISKS: Final = 64
_MOST_BYTES: Final = 2.0**62


class Disks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the disks stand."""

    rows: Cell | None = None
    name: Cells | None = None
    state: Cells | None = None
    ok: Cells | None = None
    size_bytes: Cells | None = None
    free_bytes: Cells | None = None
    used_share: Cells | None = None


class Unit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One family of the table."""

    name: str
    title: str
    """For people: what of whom."""
    mibs: tuple[str, ...]
    match: tuple[Match, ...]
    recorded: bool = False
    """Tried against a recording of a real device."""
    note: str = ""
    kind: str | None = None
    """What it is, when it does not tell its model."""
    model: Cells | None = None
    firmware: Cells | None = None
    disks: tuple[Disks, ...] = ()


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    unit: tuple[Unit, ...]


@dataclass(frozen=True)
class SnmpAddress:
    """Where and how a unit is asked."""

    host: str
    port: int = 161
    credentials: Credentials = "public"
    timeout_s: float = 1.5
    """Wait for each of three tries, in seconds."""

    def __repr__(self) -> str:
        return f"SnmpAddress({self.host!r}, {self.port})"


@dataclass(frozen=True)
class UnitReading:
    """What a unit told. Unknown is None or empty, never zero."""

    family: str | None = None
    model: str | None = None
    firmware: str | None = None
    uptime_s: float | None = None
    disks: tuple[Disk, ...] = ()
    reason: str | None = None
    """Why nothing was read."""


@cache
def units() -> tuple[Unit, ...]:
    """Every known family, in the order in which they are tried."""
    table = (files("connectors.camera") / "units.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(table), _Table).unit


async def read_unit(address: SnmpAddress, memory: Memory | None = None) -> UnitReading:
    """Read model, firmware, uptime and disks; never raises for what the network does.

    :param memory: kept by the caller between readings.
    """
    try:
        agent = Agent(address.host, address.port, address.credentials, address.timeout_s, memory)
        await agent.begin()
        found = await _read(agent)
        agent.keep()
    except SilentAgentError as error:
        return UnitReading(reason=error.reason)
    except (OSError, ValueError) as error:
        return UnitReading(reason=f"SNMP failed: {type(error).__name__}")
    return found


async def identify(agent: Agent) -> UnitReading:
    """Read family, model and firmware only, of an agent that has begun.

    :raises SilentAgentError: when the agent does not answer.
    """
    number = await recognise(agent, [unit.match for unit in units()])
    if number is None:
        return UnitReading(reason="its family is not in the table")
    unit = units()[number]
    return UnitReading(
        family=unit.name,
        model=text(await scalar(agent, unit.model)) or unit.kind,
        firmware=text(await scalar(agent, unit.firmware)),
    )


async def _read(agent: Agent) -> UnitReading:
    found = await identify(agent)
    unit = next((unit for unit in units() if unit.name == found.family), None)
    if unit is None:
        return found
    host_ticks = (await agent.get([_HR_UPTIME])).get(_HR_UPTIME)
    ticks = host_ticks if isinstance(host_ticks, int) and host_ticks > 0 else agent.uptime_ticks
    disks: list[Disk] = []
    for table in unit.disks:
        disks = disks or await _disks(agent, table)
    return replace(
        found,
        uptime_s=None if ticks is None or ticks < 0 else ticks / 100,
        disks=tuple(disks[:_MOST_DISKS]),
    )


async def _disks(agent: Agent, table: Disks) -> list[Disk]:
    if table.rows is None:
        disk = await _disk(agent, table, Row("", "", None), "storage")
        return [disk] if disk.size_bytes else []
    found = await rows(agent, table.rows)
    return [
        await _disk(agent, table, row, f"storage {number}")
        for number, row in enumerate(found[:_MOST_DISKS], start=1)
    ]


async def _disk(agent: Agent, table: Disks, row: Row, otherwise: str) -> Disk:
    size = _bytes(await at(agent, table.size_bytes, row))
    free = _bytes(await at(agent, table.free_bytes, row))
    if free is None and size is not None:
        used = await at(agent, table.used_share, row)
        if isinstance(used, int | float) and 0 <= used <= 1:
            free = round(size * (1 - used))
    ok = await at(agent, table.ok, row)
    return Disk(
        name=text(await at(agent, table.name, row)) or otherwise,
        state=text(await at(agent, table.state, row)),
        ok=ok if isinstance(ok, bool) else None,
        size_bytes=size,
        free_bytes=free if free is None or size is None else min(free, size),
    )


def _bytes(value: Value | None) -> int | None:
    if not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value < _MOST_BYTES:
        return None
    return round(value)
