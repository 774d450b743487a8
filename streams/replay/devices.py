"""Device-time and runs of equal state, held against the samples that are kept.

Only closed time is looked at: what is still open changes while one looks. Samples that retention has taken away can't
be held against anything; the replay begins where the kept ones do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ioc.storage.device_minutes import ADD_UP
from streams.devices.booking import FLAG_SHIFT, STATE_MASK
from streams.devices.runs import OPEN, Run, runs_of
from streams.devices.tables import SampleTable
from streams.instants import micros, moment
from streams.ownership import Connection
from streams.replay.finding import Finding, Progress

#: Time looked at in one statement.
_STEP: Final = timedelta(hours=1)
#: Devices whose samples are read at a time.
_DEVICES: Final = 50
#: States and silences are written some seconds after the facts: so much of the newest closed time is left out.
_MARGIN: Final = timedelta(minutes=2)

_RANGE: Final = """
SELECT (SELECT min(time) FROM {table}), (SELECT max(valid_ms) FROM {table}),
       (SELECT min(closed_until) FROM ioc.window_close WHERE right(topic, length(%s)) = %s)
"""
# A sample holds until the next one of its device or until its validity ends; whole milliseconds, as they are booked.
_DIFFERENCES: Final = """
WITH held AS (
    SELECT unit_id, state, {clients} AS clients, time AS begins,
           least(time + valid_ms * interval '1 ms', lead(time) OVER (PARTITION BY device_id ORDER BY time)) AS ends
    FROM {table} WHERE time >= %(low)s - %(longest)s AND time < %(high)s + %(longest)s
), whole AS (
    SELECT unit_id, state, clients, floor(extract(epoch FROM begins) * 1000)::bigint AS begins,
           floor(extract(epoch FROM ends) * 1000)::bigint AS ends
    FROM held WHERE ends > %(low)s AND begins < %(high)s
), cut AS (
    SELECT w.unit_id, w.state, w.clients, g.minute,
           least(w.ends, (g.minute + 1) * 60000) - greatest(w.begins, g.minute * 60000) AS ms
    FROM whole w
    CROSS JOIN generate_series(
        greatest(w.begins, %(low_ms)s) / 60000, (least(w.ends, %(high_ms)s) - 1) / 60000) AS g (minute)
), told AS (
    SELECT unit_id, to_timestamp(minute * 60) AS bucket,
        coalesce(sum(ms) FILTER (WHERE state IN (1, 2)), 0) AS up_ms,
        coalesce(sum(ms) FILTER (WHERE state = 2), 0) AS degraded_ms,
        coalesce(sum(ms) FILTER (WHERE state = 3), 0) AS down_ms,
        coalesce(sum(ms) FILTER (WHERE state = 4), 0) AS maintenance_ms,
        coalesce(sum(ms * clients) FILTER (WHERE state NOT IN (0, 3)), 0) AS client_ms,
        coalesce(sum(ms) FILTER (WHERE state NOT IN (0, 3) AND clients IS NOT NULL), 0) AS client_known_ms,
        0 AS samples
    FROM cut GROUP BY 1, 2
    UNION ALL
    SELECT unit_id, date_trunc('minute', time), 0, 0, 0, 0, 0, 0, count(*) FROM {table}
    WHERE time >= %(low)s AND time < %(high)s GROUP BY 1, 2
), sums AS (
    SELECT * FROM told
    UNION ALL
    SELECT unit_id, bucket, -up_ms, -degraded_ms, -down_ms, -maintenance_ms, -client_ms, -client_known_ms, -samples
    FROM ioc.device_minute WHERE kind = %(kind)s AND bucket >= %(low)s AND bucket < %(high)s
)
SELECT unit_id, bucket, sum(up_ms)::bigint, sum(degraded_ms)::bigint, sum(down_ms)::bigint,
       sum(maintenance_ms)::bigint, sum(client_ms)::bigint, sum(client_known_ms)::bigint, sum(samples)::bigint
FROM sums GROUP BY 1, 2
"""
# As a partial, so that it is folded and rolled up like any fact that came late.
_CORRECT: Final = f"""
INSERT INTO ioc.device_minute AS m (kind, unit_id, bucket, part, up_ms, degraded_ms, down_ms, maintenance_ms, client_ms,
    client_known_ms, samples)
VALUES (%s, %s, %s, 0, %s, %s, %s, %s, %s, %s, %s)
{ADD_UP}"""  # noqa: S608 - a constant of ours
_SAMPLES: Final = """
SELECT time, valid_ms, unit_id, state | (flags << 3), reason FROM {table}
WHERE device_id = %s AND time >= %s ORDER BY time
"""
_RUNS: Final = """
SELECT device_id, started, ended, unit_id, state | (flags << 3), reason FROM ioc.device_run
WHERE device_id = ANY(%s) AND started > %s AND ended <= %s ORDER BY device_id, started
"""


@dataclass(frozen=True, slots=True)
class _Closed:
    """The stretch of time that can be looked at."""

    low: datetime
    high: datetime
    longest: timedelta


async def devices(
    connection: Connection, table: SampleTable, *, since: datetime | None, repair: bool, progress: Progress
) -> list[Finding]:
    """Hold device-time by unit and minute, and runs of equal state, against the samples.

    :param since: look at nothing before this moment.
    """
    row = await (
        await connection.execute(_RANGE.format(table=table.name).encode(), (table.topic, table.topic))
    ).fetchone()
    first, longest_ms, closed_until = row if row is not None else (None, None, None)
    names = (f"minutes of {table.topic}", f"runs of {table.topic}")
    if not isinstance(first, datetime) or not isinstance(closed_until, datetime):
        return [Finding(name, 0, 0) for name in names]
    longest = timedelta(milliseconds=int(str(longest_ms)))
    low = max(first, since) if since is not None else first
    high = (closed_until - _MARGIN).replace(second=0, microsecond=0)
    closed = _Closed(low, high, longest)
    minutes = await _minutes(connection, table, closed, names[0], repair=repair, progress=progress)
    runs = await _runs(connection, table, closed, names[1], repair=repair, progress=progress)
    return [minutes, runs]


async def _minutes(
    connection: Connection,
    table: SampleTable,
    closed: _Closed,
    name: str,
    *,
    repair: bool,
    progress: Progress,
) -> Finding:
    checked = different = 0
    # what came before the first kept sample may still hold in the minutes after it
    low = (closed.low + closed.longest).replace(second=0, microsecond=0) + timedelta(minutes=1)
    while low < closed.high:
        high = min(low + _STEP, closed.high)
        async with connection.transaction():
            if repair:
                await connection.execute("LOCK TABLE ioc.device_minute IN SHARE ROW EXCLUSIVE MODE")
            found: list[Any] = await (
                await connection.execute(
                    _DIFFERENCES.format(table=table.name, clients=table.clients_column).encode(),
                    {
                        "low": low,
                        "high": high,
                        "low_ms": micros(low) // 1000,
                        "high_ms": micros(high) // 1000,
                        "longest": closed.longest,
                        "kind": table.kind,
                    },
                )
            ).fetchall()
            wrong = [row for row in found if any(row[2:])]
            if repair:
                for row in wrong:
                    await connection.execute(_CORRECT, (table.kind, *row))
        checked += len(found)
        different += len(wrong)
        progress(f"{name} until {high:%Y-%m-%d %H:%M}")
        low = high
    return Finding(name, checked, different)


async def _runs(
    connection: Connection,
    table: SampleTable,
    closed: _Closed,
    name: str,
    *,
    repair: bool,
    progress: Progress,
) -> Finding:
    rows: list[Any] = await (
        await connection.execute(
            "SELECT device_id FROM ioc.device WHERE kind = %s ORDER BY device_id", (table.kind,)
        )
    ).fetchall()
    numbers = [number for (number,) in rows]
    checked = different = 0
    for place in range(0, len(numbers), _DEVICES):
        some = numbers[place : place + _DEVICES]
        async with connection.transaction():
            told = {
                device: set(_ended(await _samples(connection, table, device, closed.low), closed.high))
                for device in some
            }
            # the run that the first kept sample belongs to may have begun before it, and so may all before `since`
            begins = {
                device: max(closed.low, moment(min(run.started for run in runs)))
                for device, runs in told.items()
                if runs
            }
            stored: list[Any] = await (
                await connection.execute(_RUNS, (some, closed.low, closed.high))
            ).fetchall()
            kept: dict[int, set[Run]] = {device: set() for device in some}
            for device, started, ended, unit, state, reason in stored:
                kept[device].add(Run(micros(started), micros(ended), unit, state, reason))
            for device in some:
                after = micros(begins.get(device, closed.low))
                right = {run for run in told[device] if run.started > after}
                have = {run for run in kept[device] if run.started > after}
                checked += len(right | have)
                different += len(right ^ have)
                if repair and right != have:
                    await _replace(connection, table.kind, device, have - right, right - have)
        progress(f"{name}: {min(place + _DEVICES, len(numbers))} of {len(numbers)} devices")
    return Finding(name, checked, different)


async def _samples(
    connection: Connection, table: SampleTable, device: int, since: datetime
) -> list[tuple[int, int, int, int, str | None]]:
    """Return a device's kept samples as :func:`runs_of` takes them; one device's are held at a time."""
    rows: list[Any] = await (
        await connection.execute(_SAMPLES.format(table=table.name).encode(), (device, since))
    ).fetchall()
    return [(micros(time), valid * 1000, unit, state, reason) for time, valid, unit, state, reason in rows]


def _ended(samples: list[tuple[int, int, int, int, str | None]], until: datetime) -> Iterator[Run]:
    """Runs that ended by ``until``, the newest one by silence too."""
    limit = micros(until)
    for run in runs_of(samples):  # without samples there is none
        ended = samples[-1][0] + samples[-1][1] if run.ended == OPEN else run.ended
        if ended <= limit:
            yield Run(run.started, ended, run.unit, run.state, run.reason)


async def _replace(connection: Connection, kind: int, device: int, wrong: set[Run], right: set[Run]) -> None:
    await connection.execute(
        "DELETE FROM ioc.device_run WHERE device_id = %s AND started = ANY(%s)",
        (device, [moment(run.started) for run in wrong]),
    )
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO ioc.device_run (device_id, kind, unit_id, state, flags, started, ended, reason)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (device_id, started) DO UPDATE SET unit_id = excluded.unit_id, state = excluded.state,"
            " flags = excluded.flags, ended = excluded.ended, reason = excluded.reason",
            [
                (
                    *(device, kind, run.unit, run.state & STATE_MASK, run.state >> FLAG_SHIFT),
                    *(moment(run.started), moment(run.ended), run.reason),
                )
                for run in sorted(right, key=lambda run: run.started)
            ],
        )
