"""Cameras' and access points' way into the database: samples, runs, states, device-time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from ioc.settings import Settings
from streams.batch import Batch
from streams.decode import BatchDecoder
from streams.devices import writing
from streams.devices.booking import MINUTE_MS, Minutes, sum_by_minute
from streams.devices.following import Arrivals, Followed, follow, part_late
from streams.devices.late import LateSample, settle
from streams.devices.memory import DeviceMemory, Ints, StateRows, micros, moment
from streams.devices.runs import Run
from streams.devices.tables import STATES, SampleTable, copy_rows
from streams.ownership import Claim, Connection, Moved
from streams.registry import Registry
from streams.unreadable import Unreadable
from streams.work import Outcome

#: Seconds between writes of ``ioc.device_state`` for devices whose state did not change.
_FLUSH_S = 5.0


@dataclass(slots=True)
class DeviceWork:
    """A prepared batch of samples."""

    projector: DeviceProjector
    values: dict[int, bytes | None]
    events: list[Any]
    arrivals: Arrivals
    recorded_us: Ints
    follows: Any
    followed: Followed | None
    late: list[LateSample]
    offsets: list[int]
    unreadable: list[Unreadable]
    watermark: datetime | None
    #: Newest states to write with this batch, and runs that silence ended.
    states: StateRows
    lapses: list[tuple[int, Run]]

    @property
    def exclusive(self) -> bool:
        """Late samples change what is remembered: the next batch must wait for them."""
        return bool(self.late)

    async def apply(self, connection: Connection, moved: Moved) -> Outcome:
        return await self.projector.store(connection, moved, self)


class DeviceProjector:
    """Owner of one partition's devices.

    :param careful: forget between batches, so that each batch is held against the database alone. Needed where
        another partition writes the same devices, as happens when a producer uses wrong keys.
    """

    def __init__(
        self,
        table: SampleTable,
        claim: Claim,
        registry: Registry,
        settings: Settings,
        *,
        careful: bool = False,
    ) -> None:
        self._table = table
        self._part = claim.partition.partition
        self._registry = registry
        self._ttl = settings.device_ttl_intervals
        self._grace_us = int(settings.grace_s * 1e6)
        self._decoder: BatchDecoder[Any] = BatchDecoder(table.topic, settings.future_tolerance_s)
        self._memory = DeviceMemory()
        self._newest_us = 0 if claim.watermark is None else micros(claim.watermark)
        self._flushed_at = time.monotonic()
        self.careful = careful

    async def prepare(self, batch: Batch) -> DeviceWork:
        """Decode a batch and book what follows; see :class:`streams.work.Projector`."""
        if self.careful:
            self._memory = DeviceMemory()
        offsets, events, bad = self._decoder.decode(batch)
        units = await self._registry.units({e.data.unit for e in events})
        unit_ids = {code: unit.unit_id for code, unit in units.items()}
        if any(e.data.unit not in unit_ids for e in events):
            offsets, events = self._drop_unknown_units(batch, offsets, events, bad, unit_ids.keys())
        devices = await self._know_devices(events, unit_ids)
        memory = self._memory
        arrivals = self._arrivals(events, devices, unit_ids)
        follows, not_following = part_late(memory, arrivals)
        late = [self._late_sample(row, events[row], arrivals) for row in not_following.tolist()]
        followed = follow(memory, arrivals.take(follows)) if len(follows) else None
        if memory.reasons or any(e.data.reason is not None for e in events):
            for device, event in zip(devices, events, strict=True):
                self._remember_reason(device, event)
        values = dict(zip(batch.offsets, batch.values, strict=True)) if late else {}
        newest = int(arrivals.time.max()) if len(events) else None
        self._newest_us = max(self._newest_us, newest or 0)
        states, lapses = self._take_states(None if followed is None else followed.changed)
        return DeviceWork(
            projector=self,
            values=values,
            events=events,
            arrivals=arrivals,
            recorded_us=np.array(
                [-1 if e.recordedat is None else micros(e.recordedat) for e in events], dtype=np.int64
            ),
            follows=follows,
            followed=followed,
            late=late,
            offsets=offsets,
            unreadable=bad,
            watermark=None if newest is None else moment(newest),
            states=states,
            lapses=lapses,
        )

    def _take_states(self, changed: Ints | None) -> tuple[StateRows, list[tuple[int, Run]]]:
        """Choose the state rows to write: what changed; and all that moved, with silences, when it is time."""
        devices = np.empty(0, np.int64) if changed is None else changed
        lapses: list[tuple[int, Run]] = []
        if time.monotonic() - self._flushed_at >= _FLUSH_S:
            self._flushed_at = time.monotonic()
            silent = self._memory.silent(self._newest_us - self._grace_us)
            lapses = self._memory.lapse(silent)
            devices = np.union1d(devices, np.union1d(silent, self._memory.unflushed()))
        return self._memory.take(devices), lapses

    def _remember_reason(self, device: int, event: Any) -> None:
        if event.data.reason is None:
            self._memory.reasons.pop(device, None)
        else:
            self._memory.reasons[device] = event.data.reason

    def _drop_unknown_units(
        self, batch: Batch, offsets: list[int], events: list[Any], bad: list[Unreadable], known: Iterable[str]
    ) -> tuple[list[int], list[Any]]:
        values = dict(zip(batch.offsets, batch.values, strict=True))
        names = set(known)
        kept = [(o, e) for o, e in zip(offsets, events, strict=True) if e.data.unit in names]
        bad.extend(
            Unreadable(
                o, "unknown-unit", f"unit {e.data.unit!r} is in no pack, and too many are not", values[o]
            )
            for o, e in zip(offsets, events, strict=True)
            if e.data.unit not in names
        )
        return [o for o, _ in kept], [e for _, e in kept]

    async def _know_devices(self, events: list[Any], units: dict[str, int]) -> list[int]:
        """Return each event's place in the memory, loading or entering the devices that are new to it."""
        index = self._memory.index
        devices: list[int | None] = [index.get(e.subject) for e in events]
        if None in devices:
            new = {
                e.subject: (units[e.data.unit], e.data.interval_s)
                for e, device in zip(events, devices, strict=True)
                if device is None
            }
            async with self._registry.pool.connection() as connection:
                await self._memory.load(connection, self._table, new)
                missing = {code: found for code, found in new.items() if code not in index}
                if missing:
                    await self._registry.add_devices(connection, self._table.kind, missing)
                    await self._memory.load(connection, self._table, missing)
        return [index[e.subject] for e in events] if None in devices else devices  # type: ignore[return-value]

    def _arrivals(self, events: list[Any], devices: list[int], units: dict[str, int]) -> Arrivals:
        data = [e.data for e in events]
        times = np.array([e.time.timestamp() for e in events], dtype=np.float64)
        intervals = np.array([d.interval_s for d in data], dtype=np.float64)
        return Arrivals(
            device=np.array(devices, dtype=np.int64),
            time=np.rint(times * 1e6).astype(np.int64),
            valid=np.rint(intervals * (self._ttl * 1e3)).astype(np.int64) * 1000,
            unit=np.array([units[d.unit] for d in data], dtype=np.int64),
            state=np.array([STATES[d] for d in self._table.statuses(data)], dtype=np.int64),
            clients=np.array([-1 if c is None else c for c in self._table.clients(data)], dtype=np.int64),
        )

    def _late_sample(self, row: int, event: Any, a: Arrivals) -> LateSample:
        return LateSample(
            row=row,
            device=int(a.device[row]),
            time=int(a.time[row]),
            valid=int(a.valid[row]),
            unit=int(a.unit[row]),
            state=int(a.state[row]),
            clients=int(a.clients[row]),
            reason=event.data.reason,
            content=self._table.content(event),
        )

    async def store(self, connection: Connection, moved: Moved, work: DeviceWork) -> Outcome:
        """Write a prepared batch inside the caller's transaction."""
        outcome = Outcome(facts=len(work.follows), unreadable=work.unreadable)
        recorded_us = np.where(work.recorded_us < 0, micros(moved.now), work.recorded_us)
        if len(work.follows):
            await self._copy(connection, work, work.follows, recorded_us)
        minutes: list[Minutes] = []
        if work.followed is not None:
            minutes.append(work.followed.minutes)
            await writing.store_runs(connection, self._table.kind, self._memory, work.followed)
        await writing.insert_runs(connection, self._table.kind, self._memory, work.lapses)
        await writing.store_states(connection, self._table.kind, work.states)
        if work.late:
            settled = await settle(connection, self._table, self._memory, work.late)
            rows = np.array([s.row for s in settled.accepted], dtype=np.int64)
            if len(rows):
                await self._copy(connection, work, rows, recorded_us)
                minutes.append(sum_by_minute(settled.booked()))
                await writing.replace_runs(connection, self._table.kind, self._memory, settled.runs)
                moved_devices = np.unique(np.array([s.device for s in settled.accepted], dtype=np.int64))
                await writing.store_states(connection, self._table.kind, self._memory.take(moved_devices))
            outcome.facts += len(rows)
            outcome.duplicates = settled.repeated
            outcome.unreadable.extend(
                Unreadable(
                    work.offsets[s.row],
                    "conflict",
                    f"{work.events[s.row].subject} has another sample at {moment(s.time).isoformat()}",
                    work.values[work.offsets[s.row]],
                )
                for s in settled.conflicts
            )
            stored = np.concatenate([work.follows, rows]).astype(np.int64)
        else:
            stored = work.follows
        counts = self._count(work.arrivals.take(stored), moved)
        for unit, facts in zip(counts.unit.tolist(), counts.late.tolist(), strict=True):
            if facts:
                outcome.late[unit] += facts
        await writing.store_minutes(connection, self._table.kind, self._part, minutes, counts)
        return outcome

    async def _copy(self, connection: Connection, work: DeviceWork, rows: Any, recorded_us: Ints) -> None:
        a = work.arrivals.take(rows)
        stream = copy_rows(
            self._table,
            [work.events[row] for row in rows.tolist()],
            device_id=self._memory.device_id[a.device],
            time_us=a.time,
            unit=a.unit,
            state=a.state,
            valid_ms=a.valid // 1000,
            recorded_us=recorded_us[rows],
        )
        await writing.copy(connection, self._table, stream)

    @staticmethod
    def _count(a: Arrivals, moved: Moved) -> writing.Counts:
        """Samples, late ones and most clients per unit and minute of the samples' own times."""
        minute = a.time // 1000 // MINUTE_MS
        key, place = np.unique((a.unit << 32) | minute, return_inverse=True)
        closed_us = -1 if moved.closed_until is None else micros(moved.closed_until)
        most = np.full(len(key), -1, dtype=np.int64)
        np.maximum.at(most, place, a.clients)
        return writing.Counts(
            unit=key >> 32,
            minute=key & 0xFFFFFFFF,
            samples=np.bincount(place, minlength=len(key)).astype(np.int64),
            late=np.bincount(place, weights=a.time < closed_us, minlength=len(key)).astype(np.int64),
            client_max=most,
        )

    async def idle(self, connection: Connection) -> None:
        """Nothing came: flush, and let devices lapse by the database's clock less the grace."""
        row = await (await connection.execute("SELECT now()")).fetchone()
        now = None if row is None else row[0]
        assert isinstance(now, datetime)  # noqa: S101 - narrows the driver's row
        silent = self._memory.silent(micros(now) - self._grace_us)
        await writing.insert_runs(connection, self._table.kind, self._memory, self._memory.lapse(silent))
        devices = np.union1d(silent, self._memory.unflushed())
        await writing.store_states(connection, self._table.kind, self._memory.take(devices))
