"""The careful way: samples that are late, repeated or contradictory, one by one against what is stored."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

import numpy as np

from streams.devices.booking import STATE_MASK, Spans
from streams.devices.memory import DeviceMemory, note
from streams.devices.runs import OPEN, Run, splice
from streams.devices.tables import SampleTable
from streams.instants import micros, moment
from streams.ownership import Connection


@dataclass(frozen=True, slots=True)
class LateSample:
    """One sample that does not follow; times in microseconds, ``clients`` -1 where not known."""

    row: int
    device: int
    time: int
    valid: int
    unit: int
    state: int
    clients: int
    reason: str | None
    content: tuple[object, ...]


@dataclass(slots=True)
class LateOutcome:
    """What is to be written for late samples."""

    accepted: list[LateSample] = field(default_factory=list)
    repeated: int = 0
    conflicts: list[LateSample] = field(default_factory=list)
    #: Runs to rewrite: device index, from when on the stored ones go, and the ended ones that take their place.
    runs: list[tuple[int, int, int, list[Run]]] = field(default_factory=list)
    spans: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)

    def booked(self) -> Spans:
        """The device-time that moved."""
        columns = np.array(self.spans, dtype=np.int64).reshape(-1, 6)
        return Spans(*(columns[:, place] for place in range(6)))


_SAME_TIME = """
SELECT f.device_id, f.time, f.unit_id, f.state, f.valid_ms, {columns}
FROM unnest(%s::int[], %s::timestamptz[]) AS w (device_id, time) JOIN {table} f USING (device_id, time)
"""
_AROUND = """
SELECT w.device_id, s.time, s.valid_ms, s.unit_id, s.state, s.clients, s.reason
FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) AS w (device_id, low, high)
CROSS JOIN LATERAL (
    (SELECT time, valid_ms, unit_id, state | (flags << 3) AS state, {clients} AS clients, reason FROM {table} f
     WHERE f.device_id = w.device_id AND f.time < w.low ORDER BY f.time DESC LIMIT 1)
    UNION ALL
    (SELECT time, valid_ms, unit_id, state | (flags << 3), {clients}, reason FROM {table} f
     WHERE f.device_id = w.device_id AND f.time BETWEEN w.low AND w.high)
    UNION ALL
    (SELECT time, valid_ms, unit_id, state | (flags << 3), {clients}, reason FROM {table} f
     WHERE f.device_id = w.device_id AND f.time > w.high ORDER BY f.time LIMIT 1)
) s
"""
_RUNS = """
SELECT started, ended, unit_id, state | (flags << 3), reason FROM ioc.device_run
WHERE device_id = %s AND ended >= %s AND started <= %s ORDER BY started
"""


async def settle(
    connection: Connection, table: SampleTable, memory: DeviceMemory, samples: list[LateSample]
) -> LateOutcome:
    """Decide about samples that do not follow; the batch's following ones must be stored already."""
    outcome = LateOutcome()
    fresh = await _sort_out_known(connection, table, memory, samples, outcome)
    by_device: dict[int, list[LateSample]] = {}
    for sample in fresh:
        by_device.setdefault(sample.device, []).append(sample)
    if not by_device:
        return outcome
    around = await _neighbours(connection, table, memory, by_device)
    for device, late in by_device.items():
        known = around.get(device, [])
        pieces = _insert(known, sorted(late, key=lambda s: s.time), outcome)
        reasons = {time: reason for time, *_, reason in known}
        await _rewrite_runs(connection, memory, device, pieces, reasons, outcome)
    outcome.accepted = fresh
    return outcome


async def _sort_out_known(
    connection: Connection,
    table: SampleTable,
    memory: DeviceMemory,
    samples: list[LateSample],
    outcome: LateOutcome,
) -> list[LateSample]:
    query = _SAME_TIME.format(table=table.name, columns=", ".join(table.columns))
    ids = [int(memory.device_id[s.device]) for s in samples]
    rows: list[Any] = await (
        await connection.execute(query, (ids, [moment(s.time) for s in samples]))
    ).fetchall()
    known: dict[tuple[int, int], tuple[object, ...]] = {
        (int(str(row[0])), micros(row[1])): (row[2], row[3], row[4], *table.stored_content(row[5:]))
        for row in rows
    }
    fresh: list[LateSample] = []
    for sample, device_id in zip(samples, ids, strict=True):
        content = (sample.unit, sample.state & STATE_MASK, sample.valid // 1000, *sample.content)
        stored = known.setdefault((device_id, sample.time), content)
        if stored is content:
            fresh.append(sample)
        elif stored == content:
            outcome.repeated += 1
        else:
            outcome.conflicts.append(sample)
    return fresh


#: time, valid, unit, state, clients, reason
Known = tuple[int, int, int, int, int, str | None]


async def _neighbours(
    connection: Connection,
    table: SampleTable,
    memory: DeviceMemory,
    by_device: dict[int, list[LateSample]],
) -> dict[int, list[Known]]:
    devices = list(by_device)
    query = _AROUND.format(table=table.name, clients=table.clients_column)
    rows: list[Any] = await (
        await connection.execute(
            query,
            (
                [int(memory.device_id[d]) for d in devices],
                [moment(min(s.time for s in by_device[d])) for d in devices],
                [moment(max(s.time for s in by_device[d])) for d in devices],
            ),
        )
    ).fetchall()
    place = {int(memory.device_id[d]): d for d in devices}
    around: dict[int, list[Known]] = {}
    for device_id, time, valid_ms, unit, state, clients, reason in rows:
        around.setdefault(place[device_id], []).append(
            (micros(time), valid_ms * 1000, unit, state, -1 if clients is None else clients, reason)
        )
    for known in around.values():
        known.sort(key=itemgetter(0))
    return around


def _insert(known: list[Known], late: list[LateSample], outcome: LateOutcome) -> list[list[Run]]:
    """Put late samples between their neighbours: note what device-time moves, return how the states change."""
    pieces: list[list[Run]] = []
    for s in late:
        at = bisect_left(known, s.time, key=itemgetter(0))
        following = known[at][0]
        if at:
            p_time, p_valid, p_unit, p_state, p_clients, _ = known[at - 1]
            cut = min(following, p_time + p_valid)
            if cut > s.time:
                outcome.spans.append((p_unit, p_state, p_clients, s.time // 1000, cut // 1000, -1))
        lapses = min(following, s.time + s.valid)
        outcome.spans.append((s.unit, s.state, s.clients, s.time // 1000, lapses // 1000, 1))
        piece = [Run(s.time, lapses, s.unit, s.state, s.reason)]
        if lapses < following:
            piece.append(Run(lapses, following, s.unit, 0))
        pieces.append(piece)
        known.insert(at, (s.time, s.valid, s.unit, s.state, s.clients, s.reason))
    return pieces


async def _rewrite_runs(
    connection: Connection,
    memory: DeviceMemory,
    device: int,
    pieces: list[list[Run]],
    reasons: Mapping[int, str | None],
    outcome: LateOutcome,
) -> None:
    """Splice pieces into the stored runs and the newest one.

    :param reasons: reasons of the samples around by their time; a run has that of the sample it begins with.
    """
    low, high = pieces[0][0].started, max(piece[-1].ended for piece in pieces)
    device_id = int(memory.device_id[device])
    rows: list[Any] = await (
        await connection.execute(_RUNS, (device_id, moment(low), moment(high)))
    ).fetchall()
    runs = [Run(micros(b), micros(e), unit, state, reason) for b, e, unit, state, reason in rows]
    gone_from = min([low, *(r.started for r in runs)])
    gone_to = max([low, *(r.started for r in runs)])
    newest = _newest_run(memory, device)
    reaches_newest = high >= newest.started
    if reaches_newest:
        runs.append(newest)
    for piece in pieces:
        runs = splice(runs, piece)
    runs = [replace(r, reason=reasons.get(r.started, r.reason)) for r in runs]
    # The run of the newest sample: the open one, or the one that silence ended.
    ends = int(memory.end[device]) if memory.lapsed[device] else OPEN
    for run in runs:
        if run.ended == ends:
            memory.since[device] = run.started
            note(memory.run_reasons, device, run.reason)
    outcome.runs.append((device, gone_from, gone_to, [r for r in runs if r.ended != OPEN]))


def _newest_run(memory: DeviceMemory, device: int) -> Run:
    unit, state = int(memory.unit[device]), int(memory.state[device])
    if memory.lapsed[device]:
        return Run(int(memory.end[device]), OPEN, unit, 0)
    return Run(int(memory.since[device]), OPEN, unit, state, memory.run_reasons.get(device))
