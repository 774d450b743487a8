"""Cameras' and access points' way into the database: samples, runs, states, device-time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress
from operator import not_
from typing import Any

import numpy as np
import numpy.typing as npt

from ioc.alerts.book import RuleBook
from ioc.settings import Settings
from streams.batch import Batch, Records
from streams.decode import BatchDecoder, Decoded
from streams.devices import booking, watching, writing
from streams.devices.booking import MINUTE_MS, Minutes, sum_by_minute
from streams.devices.following import Arrivals, Followed, follow, part_late
from streams.devices.late import LateSample, settle
from streams.devices.memory import DeviceMemory, Ints, StateRows
from streams.devices.runs import Run
from streams.devices.tables import STATES, Payload, SampleTable, copy_rows
from streams.devices.watching import Watch
from streams.instants import micros, moment
from streams.ownership import Claim, Connection, Moved
from streams.registry import Registry
from streams.unreadable import Unreadable
from streams.work import Outcome

#: Seconds between writes of ``ioc.device_state`` for devices whose state did not change.
_FLUSH_S = 5.0
#: Records read at a time: what is decoded is turned into arrays and let go while it is still in the cache.
_PIECE = 500

_LOCK = "SELECT FROM ioc.device WHERE code = ANY(%s) ORDER BY device_id FOR NO KEY UPDATE"


@dataclass(slots=True)
class DeviceWork:
    """A prepared batch of samples. What follows from what is remembered is filled in by the projector."""

    projector: DeviceProjector
    batch: Batch
    #: Of the samples, in order of arrival.
    offsets: list[int] = field(default_factory=list)
    arrivals: Arrivals = field(default_factory=lambda: Arrivals.joined([]))
    #: Reasons of those samples that have one, by their place.
    reasons: dict[int, str] = field(default_factory=dict)
    #: Absent where there is no sample.
    payload: Payload | None = None
    unreadable: list[Unreadable] = field(default_factory=list)
    watermark: datetime | None = None
    #: Rules of alerts in force when the batch was prepared.
    rules: RuleBook = field(default_factory=RuleBook)
    follows: npt.NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    followed: Followed | None = None
    late: list[LateSample] = field(default_factory=list)
    #: Newest states to write with this batch, and runs that silence ended.
    states: StateRows | None = None
    lapses: list[tuple[int, Run]] = field(default_factory=list)

    @property
    def exclusive(self) -> bool:
        """Late samples change what is remembered: the next batch must wait for them."""
        return bool(self.late)

    async def apply(self, connection: Connection, moved: Moved) -> Outcome:
        return await self.projector.store(connection, moved, self)


class DeviceProjector:
    """Owner of one partition's devices.

    :param careful: trust nothing that is remembered: lock the devices of a batch and read them again in the
        batch's own transaction. Needed where another partition writes the same devices, as happens when a
        producer uses wrong keys; then both must be careful.
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
        self._client_limit = settings.saturated_clients
        self._grace_us = int(settings.grace_s * 1e6)
        self._decoder: BatchDecoder[Any] = BatchDecoder(table.topic, settings.future_tolerance_s)
        self._memory = DeviceMemory()
        self._newest_us = 0 if claim.watermark is None else micros(claim.watermark)
        self._flushed_at = time.monotonic()
        self.careful = careful

    async def prepare(self, batch: Batch) -> DeviceWork:
        """Decode a batch and book what follows; see :class:`streams.work.Projector`."""
        work = DeviceWork(self, batch)
        parts = [await self._read(piece, work) for piece in batch.pieces(_PIECE)]
        work.arrivals = Arrivals.joined([arrivals for arrivals, _ in parts])
        if work.offsets:
            work.payload = Payload.joined([payload for _, payload in parts])
            newest = int(work.arrivals.time.max())
            self._newest_us = max(self._newest_us, newest)
            work.watermark = moment(newest)
        work.rules = await self._registry.rules()
        if not self.careful:
            self._reckon(work)
        return work

    async def _read(self, piece: Records, work: DeviceWork) -> tuple[Arrivals, Payload]:
        """Decode some records into arrays; offsets, reasons and what can't be read go to the batch's work."""
        found = self._decoder.decode(piece)
        codes = [e.data.unit for e in found.events]
        units = await self._registry.units(set(codes))
        unit_ids = {code: unit.unit_id for code, unit in units.items()}
        if not unit_ids.keys() >= set(codes):
            found = _without([code not in unit_ids for code in codes], piece, found, _unknown_unit)
            codes = [e.data.unit for e in found.events]
        devices = await self._know_devices(found.events, unit_ids)
        if None in devices:
            unknown = [d is None for d in devices]
            found = _without(unknown, piece, found, _unknown_device)
            known = list(map(not_, unknown))
            codes, devices = list(compress(codes, known)), list(compress(devices, known))
        data = [e.data for e in found.events]
        for row, reason in enumerate([d.reason for d in data], start=len(work.offsets)):
            if reason is not None:
                work.reasons[row] = reason
        work.offsets += found.offsets
        work.unreadable += found.bad
        intervals = np.array([d.interval_s for d in data], dtype=np.float64)
        payload = Payload.of(self._table, data)
        place = np.array(devices, dtype=np.int64)
        clients = np.array([-1 if c is None else c for c in self._table.clients(data)], dtype=np.int64)
        state = np.array(list(map(STATES.__getitem__, self._table.statuses(data))), dtype=np.int64)
        limits = self._memory.client_limit[place]
        flags = self._table.flags(data, payload, clients, np.where(limits < 0, self._client_limit, limits))
        arrivals = Arrivals(
            device=place,
            time=found.time_us,
            # whole milliseconds, and one at least: a run has a length
            valid=np.maximum(np.rint(intervals * (self._ttl * 1e3)), 1.0).astype(np.int64) * 1000,
            unit=np.array(list(map(unit_ids.__getitem__, codes)), dtype=np.int64),
            # of a device about which nothing is known nothing is seen either
            state=np.where(state == booking.UNKNOWN, state, state | (flags << booking.FLAG_SHIFT)),
            clients=clients,
            recorded=np.full(len(data), -1) if found.learned_us is None else found.learned_us,
        )
        return arrivals, payload

    def _reckon(self, work: DeviceWork) -> None:
        """Hold a batch against what is remembered, and move the memory on."""
        memory, arrivals = self._memory, work.arrivals
        work.follows, not_following = part_late(memory, arrivals)
        if len(not_following):
            values = work.batch.by_offset()
            work.late = [
                self._late_sample(row, values[work.offsets[row]], arrivals) for row in not_following.tolist()
            ]
        changed = None
        if len(work.follows):
            place = np.full(len(work.offsets), -1, dtype=np.int64)
            place[work.follows] = np.arange(len(work.follows))
            reasons = {int(place[row]): reason for row, reason in work.reasons.items() if place[row] >= 0}
            watch = Watch.of(work.rules, self._table.kind)
            work.followed = follow(memory, arrivals.take(work.follows), reasons, watch)
            changed = work.followed.changed
        work.states, work.lapses = self._take_states(changed)

    def _take_states(self, changed: Ints | None) -> tuple[StateRows, list[tuple[int, Run]]]:
        """Choose the state rows to write: what changed; and all that moved, with silences, when it is time."""
        devices = np.empty(0, np.int64) if changed is None else changed
        lapses: list[tuple[int, Run]] = []
        if self.careful or time.monotonic() - self._flushed_at >= _FLUSH_S:
            self._flushed_at = time.monotonic()
            silent = self._memory.silent(self._newest_us - self._grace_us)
            lapses = self._memory.lapse(silent)
            devices = np.union1d(devices, np.union1d(silent, self._memory.unflushed()))
        return self._memory.take(devices), lapses

    async def _know_devices(self, events: list[Any], units: dict[str, int]) -> list[int | None]:
        """Return each event's place in the memory, loading or entering the devices that are new to it.

        None where there is no more room for undeclared devices, or the code is another kind of device's.
        """
        index = self._memory.index
        devices: list[int | None] = list(map(index.get, [e.subject for e in events]))
        if None not in devices:
            return devices
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
        return [index.get(e.subject) for e in events]

    def _late_sample(self, row: int, value: bytes | None, a: Arrivals) -> LateSample:
        # few are late: reading them twice costs less than keeping every sample as it was
        event = self._decoder.decode_one(value or b"")
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
        if self.careful:
            await self._look_again(connection, work.arrivals.device, self._newest_us - self._grace_us)
            self._reckon(work)
        outcome = Outcome(facts=len(work.follows), unreadable=work.unreadable)
        now_us = micros(moved.now)
        recorded_us = work.arrivals.recorded
        recorded_us = np.where(recorded_us < 0, now_us, np.minimum(recorded_us, now_us))
        if len(work.follows):
            await self._copy(connection, work, work.follows, recorded_us)
        minutes: list[Minutes] = []
        if work.followed is not None:
            minutes.append(work.followed.minutes)
            await writing.store_runs(connection, self._table.kind, self._memory, work.followed)
        await writing.insert_runs(connection, self._table.kind, self._memory, work.lapses)
        if work.states is not None:
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
            values = work.batch.by_offset()
            outcome.unreadable.extend(
                Unreadable(
                    work.offsets[s.row],
                    "conflict",
                    f"{self._memory.codes[s.device]} has another sample at {moment(s.time).isoformat()}",
                    values[work.offsets[s.row]],
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
        # last of all: alerts that partitions share are locked as shortly as may be, and after all that others lock
        await self._raise(connection, work, moved.now)
        return outcome

    async def _raise(self, connection: Connection, work: DeviceWork, now: datetime) -> None:
        """Tell rules of what follows; what late samples tell of the past is not raised."""
        seen = [] if work.followed is None else work.followed.turned
        silent = [device for device, _ in work.lapses]
        await watching.observe(connection, work.rules, self._table.kind, self._memory, seen, silent, now)

    async def _copy(self, connection: Connection, work: DeviceWork, rows: Any, recorded_us: Ints) -> None:
        assert work.payload is not None  # noqa: S101 - where there are rows there is one
        a = work.arrivals.take(rows)
        stream = copy_rows(
            work.payload,
            rows,
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
        key, place = booking.places(a.unit, minute)
        samples = np.bincount(place, minlength=len(key)).astype(np.int64)
        closed_us = -1 if moved.closed_until is None else micros(moved.closed_until)
        most = np.full(len(key), -1, dtype=np.int64)
        # clients of a device that is down, or about which nothing is known, are in no sum either
        state = a.state & booking.STATE_MASK
        seen = (state != booking.DOWN) & (state != booking.UNKNOWN)
        np.maximum.at(most, place, np.where(seen, a.clients, -1))
        late = np.bincount(place, weights=a.time < closed_us, minlength=len(key)).astype(np.int64)
        found = samples > 0
        key = key[found]
        return writing.Counts(
            unit=key >> 32,
            minute=key & 0xFFFFFFFF,
            samples=samples[found],
            late=late[found],
            client_max=most[found],
        )

    async def idle(self, connection: Connection) -> None:
        """Nothing came: flush, and let devices lapse by the database's clock less the grace."""
        row = await (await connection.execute("SELECT now()")).fetchone()
        now = None if row is None else row[0]
        assert isinstance(now, datetime)  # noqa: S101 - narrows the driver's row
        before_us = micros(now) - self._grace_us
        if self.careful:
            await self._look_again(connection, np.empty(0, np.int64), before_us)
        silent = self._memory.silent(before_us)
        await writing.insert_runs(connection, self._table.kind, self._memory, self._memory.lapse(silent))
        devices = np.union1d(silent, self._memory.unflushed())
        await writing.store_states(connection, self._table.kind, self._memory.take(devices))
        if len(silent):
            rules = await self._registry.rules()
            await watching.observe(
                connection, rules, self._table.kind, self._memory, [], silent.tolist(), now
            )

    async def _look_again(self, connection: Connection, devices: Ints, silent_before_us: int) -> None:
        """Lock these devices and those that seem silent, and read again what others may have written."""
        wanted = np.union1d(devices, self._memory.silent(silent_before_us))
        if len(wanted):
            codes = [self._memory.codes[d] for d in wanted.tolist()]
            await connection.execute(_LOCK, (codes,))
            await self._memory.load(connection, self._table, codes)


def _without(
    wrong: list[bool], records: Records, found: Decoded[Any], fault: Callable[[Any], tuple[str, str]]
) -> Decoded[Any]:
    """Part events that can't be stored from the others, and note why."""
    values = records.by_offset()
    found.bad.extend(
        Unreadable(offset, *fault(event), values[offset])
        for offset, event in compress(zip(found.offsets, found.events, strict=True), wrong)
    )
    right = ~np.array(wrong)
    return Decoded(
        list(compress(found.offsets, right)),
        list(compress(found.events, right)),
        found.bad,
        found.time_us[right],
        None if found.learned_us is None else found.learned_us[right],
    )


def _unknown_unit(event: Any) -> tuple[str, str]:
    return "unknown-unit", f"unit {event.data.unit!r} is in no pack, and too many are not"


def _unknown_device(event: Any) -> tuple[str, str]:
    return "unknown-device", f"device {event.subject!r} is of another kind, or in no pack as too many are"
