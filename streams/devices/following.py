"""The fast way: samples that follow their device's newest one, a whole batch as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.devices import watching
from streams.devices.booking import UNKNOWN, Minutes, spans_of_changes, sum_by_minute
from streams.devices.memory import DeviceMemory
from streams.devices.runs import Run
from streams.devices.watching import NOTHING, Turned, Watch

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Arrivals(NamedTuple):
    """Decoded samples of a batch, in order of arrival; times in microseconds."""

    device: Ints
    time: Ints
    valid: Ints
    unit: Ints
    state: Ints
    clients: Ints
    #: When the source learned of the sample; -1 where it does not say.
    recorded: Ints

    def take(self, rows: npt.NDArray[np.intp]) -> Arrivals:
        """Return these rows only, in this order."""
        return Arrivals._make([column[rows] for column in self])

    @classmethod
    def joined(cls, parts: Sequence[Arrivals]) -> Arrivals:
        """Put the parts of a batch one after another."""
        if not parts:
            return cls._make([np.empty(0, np.int64)] * len(cls._fields))
        return cls._make(map(np.concatenate, zip(*parts, strict=True)))


@dataclass(frozen=True, slots=True)
class Followed:
    """What following samples change."""

    minutes: Minutes
    #: Ended runs by index of the device.
    ended: list[tuple[int, Run]]
    #: Device index and start of runs that were written as ended by silence, wrongly as it turns out.
    resumed: list[tuple[int, int]]
    #: Devices whose state row must be written now.
    changed: Ints
    #: What rules of alerts are to hear.
    turned: list[Turned]


def part_late(memory: DeviceMemory, arrivals: Arrivals) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Tell following samples from late or repeated ones.

    :returns: rows that follow, sorted by device and time; rows that do not, in order of arrival.
    """
    order = np.lexsort((arrivals.time, arrivals.device))
    device, time = arrivals.device[order], arrivals.time[order]
    repeated = np.zeros(len(order), dtype=bool)
    repeated[1:] = (device[1:] == device[:-1]) & (time[1:] == time[:-1])
    late = (time <= memory.newest[device]) | repeated
    return order[~late], np.sort(order[late])


def follow(memory: DeviceMemory, a: Arrivals, reasons: Mapping[int, str], watch: Watch = NOTHING) -> Followed:
    """Book samples that follow, and move the memory on.

    :param a: sorted by device and time, each later than what the memory holds.
    :param reasons: reasons of those samples that have one, by their row.
    :param watch: what rules of alerts look at.
    """
    count = len(a.device)
    place = np.arange(count)
    first = np.ones(count, dtype=bool)
    first[1:] = a.device[1:] != a.device[:-1]

    def before(remembered: Ints, values: Ints) -> Ints:
        shifted = np.empty_like(values)
        shifted[1:] = values[:-1]
        shifted[first] = remembered[a.device[first]]
        return shifted

    end = a.time + a.valid
    p_time, p_end = before(memory.newest, a.time), before(memory.end, end)
    p_state, p_unit = before(memory.state, a.state), before(memory.unit, a.unit)
    p_clients = before(memory.clients, a.clients)
    known = p_time >= 0
    gap = known & (a.time > p_end)
    change = ~known | gap | (a.state != p_state) | (a.unit != p_unit)
    lapsed = first & memory.lapsed[a.device]

    minutes = sum_by_minute(
        spans_of_changes(
            unit=a.unit,
            state=a.state,
            clients=a.clients,
            start_ms=a.time // 1000,
            end_ms=end // 1000,
            before_unit=p_unit,
            before_state=p_state,
            before_clients=p_clients,
            before_end_ms=np.where(known, p_end // 1000, 0),
        )
    )

    # When the run that a sample belongs to began: its own time where it begins one, else the run's before it.
    began = np.maximum.accumulate(np.where(change | first, place, 0)) if count else place
    since = np.where(change[began], a.time[began], memory.since[a.device[began]])
    p_since = before(memory.since, since)

    ended: list[tuple[int, Run]] = []
    for k in np.flatnonzero(change & known).tolist():
        device, unit, state = int(a.device[k]), int(p_unit[k]), int(p_state[k])
        if first[k] or not change[began[k - 1]]:
            reason = memory.run_reasons.get(device)
        else:
            reason = reasons.get(int(began[k - 1]))
        if gap[k]:
            if not lapsed[k]:
                ended.append((device, Run(int(p_since[k]), int(p_end[k]), unit, state, reason)))
            ended.append((device, Run(int(p_end[k]), int(a.time[k]), unit, UNKNOWN)))
        else:
            ended.append((device, Run(int(p_since[k]), int(a.time[k]), unit, state, reason)))
    resumed = [
        (int(a.device[k]), int(p_since[k])) for k in np.flatnonzero(lapsed & (a.time <= p_end)).tolist()
    ]

    news = watching.turned(
        watch,
        memory,
        a.device,
        watching.Columns(a.time, end, a.unit, a.state, a.clients),
        watching.Columns(p_time, p_end, p_unit, p_state, p_clients),
        reasons,
        moved=change | lapsed,
        gap=gap,
    )

    last = np.ones(count, dtype=bool)
    last[:-1] = first[1:]
    rows = np.flatnonzero(last)
    devices = a.device[rows]
    memory.newest[devices] = a.time[rows]
    memory.end[devices] = end[rows]
    memory.state[devices] = a.state[rows]
    memory.unit[devices] = a.unit[rows]
    memory.clients[devices] = a.clients[rows]
    memory.since[devices] = since[rows]
    memory.lapsed[devices] = False
    _note(memory.reasons, devices, rows, reasons)
    begun = change[began[rows]]
    _note(memory.run_reasons, devices[begun], began[rows[begun]], reasons)
    devices = np.union1d(a.device[change | lapsed], np.array([t.device for t in news], dtype=np.int64))
    return Followed(minutes, ended, resumed, devices, news)


def _note(noted: dict[int, str], devices: Ints, rows: Ints, reasons: Mapping[int, str]) -> None:
    """Replace what is noted of these devices by their rows' reasons; hardly any row has one."""
    before = np.fromiter(noted, np.int64, len(noted))
    for device in before[np.isin(before, devices)].tolist():
        del noted[device]
    found = np.isin(rows, np.fromiter(reasons, np.int64, len(reasons)))
    for device, row in zip(devices[found].tolist(), rows[found].tolist(), strict=True):
        noted[device] = reasons[row]
