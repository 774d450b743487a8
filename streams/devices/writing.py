"""The statements that write device facts, runs, states and measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import psycopg

from ioc.storage.device_minutes import ADD_UP
from streams.devices.booking import Minutes
from streams.devices.following import Followed
from streams.devices.memory import DeviceMemory, StateRows
from streams.devices.runs import Run
from streams.devices.tables import SampleTable, copy_columns
from streams.instants import moment
from streams.ownership import Connection

Ints = npt.NDArray[np.int64]

_MINUTES = f"""
INSERT INTO ioc.device_minute AS m (kind, unit_id, bucket, part, up_ms, degraded_ms, down_ms, maintenance_ms,
    client_ms, client_known_ms, samples, late, client_max)
SELECT %s, unit_id, to_timestamp(minute * 60::bigint), %s, up_ms, degraded_ms, down_ms, maintenance_ms,
    client_ms, client_known_ms, samples, late, nullif(client_max, -1)
FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::int[])
    AS n (unit_id, minute, up_ms, degraded_ms, down_ms, maintenance_ms, client_ms, client_known_ms, samples, late,
        client_max)
{ADD_UP}"""  # noqa: S608 - a constant of ours
_STATES = """
INSERT INTO ioc.device_state AS d (device_id, kind, unit_id, state, flags, since, last_time, valid_until, clients,
    reason)
SELECT device_id, %s, unit_id, state & 7, state >> 3, timestamptz 'epoch' + since * interval '1 microsecond',
    timestamptz 'epoch' + newest * interval '1 microsecond', timestamptz 'epoch' + lapses * interval '1 microsecond',
    nullif(clients, -1), reason
FROM unnest(%s::int[], %s::int[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %s::text[])
    AS n (device_id, unit_id, state, since, newest, lapses, clients, reason)
ON CONFLICT (device_id) DO UPDATE SET unit_id = excluded.unit_id, state = excluded.state, flags = excluded.flags,
    since = excluded.since, last_time = excluded.last_time, valid_until = excluded.valid_until,
    clients = excluded.clients, reason = excluded.reason
"""
_RUNS = """
INSERT INTO ioc.device_run AS r (device_id, kind, unit_id, state, flags, started, ended, reason)
SELECT device_id, %s, unit_id, state & 7, state >> 3, started, ended, reason
FROM unnest(%s::int[], %s::int[], %s::smallint[], %s::timestamptz[], %s::timestamptz[], %s::text[])
    AS n (device_id, unit_id, state, started, ended, reason)
"""
_RESUMED = """
DELETE FROM ioc.device_run r USING unnest(%s::int[], %s::timestamptz[]) AS g (device_id, started)
WHERE r.device_id = g.device_id AND r.started = g.started
"""
_REPLACED = """
DELETE FROM ioc.device_run r USING unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) AS g (device_id, low, high)
WHERE r.device_id = g.device_id AND r.started BETWEEN g.low AND g.high
"""


_OTHERS = """
SELECT count(*) FROM unnest(%s::int[], %s::bigint[]) AS n (device_id, replaces)
JOIN ioc.device_state d USING (device_id)
WHERE d.last_time <> timestamptz 'epoch' + replaces * interval '1 microsecond'
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts per unit and minute of the samples' own times; ``client_max`` is -1 where not known."""

    unit: Ints
    minute: Ints
    samples: Ints
    late: Ints
    client_max: Ints


async def copy(connection: Connection, table: SampleTable, stream: bytes) -> None:
    """Send a binary COPY stream into the table of samples."""
    async with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({copy_columns(table)}) FROM STDIN (FORMAT BINARY)") as pipe,
    ):
        await pipe.write(stream)


def _array(values: Ints) -> str:
    """An array as PostgreSQL reads it: many times quicker than adapting the elements one by one."""
    return "{" + ",".join(map(str, values.tolist())) + "}"


def _merge(minutes: list[Minutes], counts: Counts) -> tuple[Ints, Ints, list[Ints]]:
    """Bring sums and counts under one list of units and minutes, sorted: unit, minute, nine columns."""
    keys = [(m.unit << 32) | m.minute for m in minutes] + [(counts.unit << 32) | counts.minute]
    key, place = np.unique(np.concatenate(keys), return_inverse=True)
    columns = [np.zeros(len(key), dtype=np.int64) for _ in range(8)]
    most = np.full(len(key), -1, dtype=np.int64)
    begin = 0
    for sums in minutes:
        at = place[begin : begin + len(sums.unit)]
        begin += len(sums.unit)
        parts = (
            sums.up_ms,
            sums.degraded_ms,
            sums.down_ms,
            sums.maintenance_ms,
            sums.client_ms,
            sums.client_known_ms,
        )
        for column, part in zip(columns, parts, strict=False):
            # each unit and minute stands in a Minutes once, so that plain indexed addition is enough
            column[at] += part
    at = place[begin:]
    columns[6][at] += counts.samples
    columns[7][at] += counts.late
    most[at] = counts.client_max
    return key >> 32, key & 0xFFFFFFFF, [*columns, most]


async def store_minutes(
    connection: Connection, kind: int, part: int, minutes: list[Minutes], counts: Counts
) -> None:
    """Add device-time and counts to this partition's partials."""
    unit, minute, columns = _merge(minutes, counts)
    if len(unit):
        await connection.execute(
            _MINUTES, (kind, part, _array(unit), _array(minute), *(_array(column) for column in columns))
        )


async def store_runs(connection: Connection, kind: int, memory: DeviceMemory, followed: Followed) -> None:
    """Write runs that ended, and take back silences that were none."""
    if followed.resumed:
        await connection.execute(
            _RESUMED,
            (
                [int(memory.device_id[d]) for d, _ in followed.resumed],
                [moment(started) for _, started in followed.resumed],
            ),
        )
    await insert_runs(connection, kind, memory, followed.ended)


async def replace_runs(
    connection: Connection, kind: int, memory: DeviceMemory, changes: list[tuple[int, int, int, list[Run]]]
) -> None:
    """Put rewritten runs in the place of those that began in the same stretch."""
    await connection.execute(
        _REPLACED,
        (
            [int(memory.device_id[d]) for d, _, _, _ in changes],
            [moment(low) for _, low, _, _ in changes],
            [moment(high) for _, _, high, _ in changes],
        ),
    )
    await insert_runs(connection, kind, memory, [(d, run) for d, _, _, runs in changes for run in runs])


async def insert_runs(
    connection: Connection, kind: int, memory: DeviceMemory, runs: list[tuple[int, Run]]
) -> None:
    if not runs:
        return
    await connection.execute(
        _RUNS,
        (
            kind,
            [int(memory.device_id[d]) for d, _ in runs],
            [run.unit for _, run in runs],
            [run.state for _, run in runs],
            [moment(run.started) for _, run in runs],
            [moment(run.ended) for _, run in runs],
            [run.reason for _, run in runs],
        ),
    )


async def store_states(connection: Connection, kind: int, rows: StateRows) -> None:
    """Write newest states as they were when the rows were taken.

    :raises UniqueViolation: when a row is not the one that this partition wrote: another partition has the device too.
    """
    if not len(rows.device_id):
        return
    cursor = await connection.execute(_OTHERS, (_array(rows.device_id), _array(rows.replaces)))
    if await cursor.fetchone() != (0,):
        raise psycopg.errors.UniqueViolation(
            "a device comes through two partitions: its producer uses wrong keys"
        )
    await connection.execute(
        _STATES,
        (
            kind,
            *map(
                _array,
                (
                    rows.device_id,
                    rows.unit,
                    rows.state,
                    rows.since,
                    rows.newest,
                    rows.end,
                    rows.clients,
                ),
            ),
            rows.reasons,
        ),
    )
