"""Where a device keeps a value, as data: the cells of a vendors' table, and reading them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from connectors.shared.snmp.agent import Agent, Value

SYS_DESCR: Final = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID: Final = "1.3.6.1.2.1.1.2.0"
_EXTEND_LINE: Final = "1.3.6.1.4.1.8072.1.3.2.3.1.1"
"""nsExtendOutput1Line; its neighbour .2 has all lines."""
_EXTEND_FULL: Final = "1.3.6.1.4.1.8072.1.3.2.3.1.2"


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where one value stands, and how to read it; one of ``get``, ``column`` and ``extend`` is given."""

    get: str | None = None
    """OID of one instance."""
    column: str | None = None
    """OID of a table's column; as a scalar it gives the first row that reads as something, or all by ``how``."""
    extend: str | None = None
    """Name of a NET-SNMP extend, ``{row}`` stands for the row's key."""
    pattern: str | None = None
    """The value is this regular expression's first group; no match is no value."""
    mask: int | None = None
    """Bits of a whole number that count."""
    scale: float | None = None
    map: dict[str, bool | int | float | str] | None = None
    """Meaning of each value as text; what is not listed is unknown."""
    key: str | None = None
    """Column of the same table that holds the row's key: the value is then looked up by key, not by index."""
    how: Literal["sum", "first", "join"] = "first"
    """``sum`` is unknown when one part of it can't be read: a total is never too small."""
    named: bool = True
    """For rows: whether the value is the row's name."""
    distinct: bool = False
    """For rows: each different value is one row, for tables that have several rows a radio."""
    still: bool = False
    """Does not change while the agent runs."""


Cells = Cell | tuple[Cell, ...]
"""A cell, or several: the first that has a value counts (old and new branches of a MIB)."""


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a device is told; every key given must hold."""

    sys_object_id: str | None = None
    """A prefix, at whole numbers."""
    sys_descr: str | None = None
    """A regular expression."""
    exists: str | None = None
    """An OID that answers."""


@dataclass(frozen=True)
class Row:
    """A row of a table: its index, its key, and its name when it has one."""

    index: str
    key: str
    name: str | None


_NO_ROW: Final = Row("", "", None)


async def recognise(agent: Agent, matches: list[tuple[Match, ...]]) -> int | None:
    """Which of the entries the device is: the position of the first with a match that holds, or None.

    :raises SilentAgentError: when the agent does not answer.
    """
    probes = {match.exists for entry in matches for match in entry if match.exists}
    known = await agent.get([SYS_DESCR, SYS_OBJECT_ID, *sorted(probes)], still=True)
    descr = str(known.get(SYS_DESCR, ""))
    identity = str(known.get(SYS_OBJECT_ID, "")).lstrip(".")
    for position, entry in enumerate(matches):
        if any(_holds(match, descr, identity, known) for match in entry):
            return position
    return None


def _holds(match: Match, descr: str, identity: str, known: dict[str, Value]) -> bool:
    if match.sys_object_id and not f"{identity}.".startswith(f"{match.sys_object_id}."):
        return False
    if match.sys_descr and not re.search(match.sys_descr, descr):
        return False
    return not match.exists or known.get(match.exists) not in (None, "")


async def rows(agent: Agent, cell: Cell) -> list[Row]:
    """The rows that a column's index, or an extend's lines ``key,name``, number."""
    if cell.extend is not None:
        oid = extend_oid(_EXTEND_FULL, cell.extend)
        text = str((await agent.get([oid], still=cell.still)).get(oid, "")).strip('"')  # some agents quote it
        found = []
        for line in text.splitlines():
            key, _, label = line.partition(",")
            if key.strip():
                found.append(Row(key.strip(), key.strip(), label.strip() or key.strip()))
        return found
    column = await agent.column(cell.column or "", still=cell.still)
    if cell.distinct:
        return [Row(key, key, key) for key in dict.fromkeys(map(str, column.values())) if key]
    return [
        Row(index, str(value), str(value) if cell.named else None)
        for index, value in column.items()
        if cell.pattern is None or shape(cell, value) is not None
    ]


async def scalar(agent: Agent, cells: Cells | None) -> Value | None:
    """The device's own value: the first cell that has one."""
    for cell in _alternatives(cells):
        if cell.column is None:
            value = await _at(agent, cell, _NO_ROW)
        else:
            column = await agent.column(cell.column, still=cell.still)
            value = _together(cell, [shape(cell, raw) for raw in column.values()])
        if value not in (None, ""):
            return value
    return None


async def at(agent: Agent, cells: Cells | None, row: Row) -> Value | None:
    """A row's value: the first cell that has one."""
    for cell in _alternatives(cells):
        value = await _at(agent, cell, row)
        if value not in (None, ""):
            return value
    return None


async def _at(agent: Agent, cell: Cell, row: Row) -> Value | None:
    if cell.column is None:
        oid = cell.get or extend_oid(_EXTEND_LINE, (cell.extend or "").replace("{row}", row.key))
        return shape(cell, (await agent.get([oid], still=cell.still)).get(oid))
    column = await agent.column(cell.column, still=cell.still)
    if cell.key is not None:
        keys = await agent.column(cell.key, still=cell.still)
        return _together(
            cell, [shape(cell, column.get(index)) for index, key in keys.items() if str(key) == row.key]
        )
    if cell.how == "sum":  # rows below this one's index
        below = [raw for index, raw in column.items() if index.startswith(f"{row.index}.")]
        return _together(cell, [shape(cell, raw) for raw in below])
    return shape(cell, column.get(row.index))


def _alternatives(cells: Cells | None) -> tuple[Cell, ...]:
    if cells is None:
        return ()
    return cells if isinstance(cells, tuple) else (cells,)


def _together(cell: Cell, values: list[Value | None]) -> Value | None:
    if cell.how == "sum":
        numbers = [count(value) for value in values]
        known = [number for number in numbers if number is not None]
        return sum(known) if known and len(known) == len(numbers) else None
    present = [value for value in values if value not in (None, "")]
    if not present:
        return None
    return ", ".join(dict.fromkeys(str(value) for value in present)) if cell.how == "join" else present[0]


def shape(cell: Cell, value: Value | None) -> Value | None:
    """Read a raw value as its cell says; None when it can't be."""
    if value is None:
        return None
    if cell.pattern is not None:
        match = re.search(cell.pattern, str(value))
        if match is None:
            return None
        value = match.group(1)
    if cell.mask is not None:
        number = whole(value)
        if number is None:
            return None
        value = number & cell.mask
    if cell.map is not None:
        return cell.map.get(str(value))
    if cell.scale is not None:
        try:
            return round(float(value) * cell.scale, 6)
        except (ValueError, OverflowError):
            return None
    return value


def extend_oid(base: str, name: str) -> str:
    """OID of a NET-SNMP extend: its name as a length and character codes."""
    encoded = name.encode()
    return f"{base}.{len(encoded)}." + ".".join(str(byte) for byte in encoded)


def text(value: Value | None) -> str | None:
    """A text of at most 200 characters on one line; None when there is none."""
    return None if value is None or str(value) == "" else " ".join(str(value).split())[:200] or None


def whole(value: Value | None) -> int | None:
    """A whole number, or None for what is none."""
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20:
        return int(value)  # a counter of 64 bits, which a float would round
    try:
        return None if value is None else round(float(value))
    except (ValueError, OverflowError):
        return None


def count(value: Value | None, most: int = 2**64 - 1) -> int | None:
    """A whole number of 0 to ``most``; None for anything else."""
    number = whole(value)
    return number if number is not None and 0 <= number <= most else None
