"""What a partition's owner remembers of its devices: the newest sample and the run that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.devices.runs import Run
from streams.devices.tables import SampleTable
from streams.instants import micros
from streams.ownership import Connection

Ints = npt.NDArray[np.int64]

# Of a device whose silence is written, the run before it is the one that ended when its last state ran out.
_LOAD = """
SELECT d.code, d.device_id, w.last_time, w.since, w.valid_until, r.started AS run_began,
    d.client_limit, s.time, s.unit_id, s.state | (s.flags << 3), s.valid_ms, s.clients, s.reason, b.reason AS run_reason
FROM ioc.device d
LEFT JOIN ioc.device_state w USING (device_id)
LEFT JOIN LATERAL (
    SELECT time, unit_id, state, flags, valid_ms, {clients} AS clients, reason FROM {table} f
    WHERE f.device_id = d.device_id AND f.time >= w.last_time ORDER BY f.time DESC LIMIT 1
) s ON w.device_id IS NOT NULL
LEFT JOIN ioc.device_run r ON r.device_id = d.device_id AND w.since >= w.valid_until AND r.ended = w.since
LEFT JOIN {table} b ON b.device_id = d.device_id AND b.time = coalesce(r.started, w.since)
WHERE d.code = ANY(%s) AND d.kind = %s
"""


def note(reasons: dict[int, str], device: int, reason: str | None) -> None:
    """Keep a device's reason; most have none, which takes no room."""
    if reason is None:
        reasons.pop(device, None)
    else:
        reasons[device] = reason


@dataclass(frozen=True, slots=True)
class StateRows:
    """Newest states of some devices at one moment; the memory itself moves on while these are written."""

    device_id: Ints
    unit: Ints
    state: Ints
    since: Ints
    newest: Ints
    end: Ints
    clients: Ints
    #: Time of the sample that the row to be replaced shows; another one there is another writer's.
    replaces: Ints
    reasons: list[str | None]


class DeviceMemory:
    """Arrays over the devices of one partition, grown by doubling.

    ``newest`` is -1 where a device has no sample yet. ``lapsed`` marks devices whose silence has been written
    as an unknown run already; ``since`` then still tells when the run before it began. ``flushed`` is the time
    of the sample that the row in ``ioc.device_state`` shows, -1 where there is no row. ``state`` carries flags
    above the state, see :mod:`streams.devices.booking`. ``client_limit`` is the pack's, -1 where it has none.
    """

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.codes: list[str] = []
        #: Reasons of devices' newest samples, and of the first samples of the runs that these belong to.
        self.reasons: dict[int, str] = {}
        self.run_reasons: dict[int, str] = {}
        self._room = 0
        self.device_id = self.newest = self.end = self.unit = self.state = self.clients = np.empty(
            0, np.int64
        )
        self.since = self.flushed = self.client_limit = np.empty(0, np.int64)
        self.lapsed = np.empty(0, np.bool_)

    def __len__(self) -> int:
        return len(self.codes)

    def _grow(self, wanted: int) -> None:
        if wanted <= self._room:
            return
        more = max(wanted, 2 * self._room, 256) - self._room
        for name, filler in (
            ("device_id", 0),
            ("newest", -1),
            ("end", 0),
            ("unit", -1),
            ("state", 0),
            ("clients", -1),
            ("since", 0),
            ("flushed", -1),
            ("client_limit", -1),
        ):
            setattr(self, name, np.concatenate([getattr(self, name), np.full(more, filler, dtype=np.int64)]))
        self.lapsed = np.concatenate([self.lapsed, np.zeros(more, dtype=np.bool_)])
        self._room += more

    async def load(self, connection: Connection, table: SampleTable, codes: Iterable[str]) -> None:
        """Read what the database knows of these devices, also of those that are remembered already."""
        query = _LOAD.format(table=table.name, clients=table.clients_column)
        rows: list[Any] = await (await connection.execute(query, (list(codes), table.kind))).fetchall()
        self._grow(len(self) + len(rows))
        for code, device_id, flushed, since, until, run_began, limit, *newest, run_reason in rows:
            at = self.index.setdefault(str(code), len(self.codes))
            if at == len(self.codes):
                self.codes.append(str(code))
            self.device_id[at] = device_id
            self.client_limit[at] = -1 if limit is None else limit
            self.flushed[at] = -1 if flushed is None else micros(flushed)
            time, unit, state, valid_ms, clients, reason = newest
            if time is None:
                self.newest[at] = -1
                continue
            self.newest[at] = micros(time)
            self.end[at] = micros(time) + valid_ms * 1000
            self.unit[at], self.state[at] = unit, state
            self.clients[at] = -1 if clients is None else clients
            self.lapsed[at] = since >= until
            self.since[at] = micros(since if run_began is None else run_began)
            note(self.reasons, at, reason)
            note(self.run_reasons, at, run_reason)

    def silent(self, before_us: int) -> Ints:
        """Indexes of devices whose newest state ran out before this time and was not written as lapsed yet."""
        count = len(self)
        found: Ints = np.flatnonzero(
            (self.newest[:count] >= 0) & ~self.lapsed[:count] & (self.end[:count] < before_us)
        )
        return found

    def lapse(self, silent: Ints) -> list[tuple[int, Run]]:
        """Mark devices as silent and return the runs that ended so."""
        self.lapsed[silent] = True
        return [
            (
                d,
                Run(
                    int(self.since[d]),
                    int(self.end[d]),
                    int(self.unit[d]),
                    int(self.state[d]),
                    self.run_reasons.get(d),
                ),
            )
            for d in silent.tolist()
        ]

    def take(self, devices: Ints) -> StateRows:
        """Copy the states of these devices for writing; they count as flushed from now on."""
        at = np.sort(devices)
        lapsed = self.lapsed[at]
        replaces = self.flushed[at]
        self.flushed[at] = self.newest[at]
        return StateRows(
            device_id=self.device_id[at],
            unit=self.unit[at],
            state=np.where(lapsed, 0, self.state[at]),
            since=np.where(lapsed, self.end[at], self.since[at]),
            newest=self.newest[at],
            end=self.end[at],
            clients=np.where(lapsed, -1, self.clients[at]),
            replaces=replaces,
            reasons=[self.reasons.get(d) for d in at.tolist()],
        )

    def unflushed(self) -> Ints:
        """Indexes of devices whose newest sample is not in ``ioc.device_state`` yet."""
        count = len(self)
        found: Ints = np.flatnonzero(self.newest[:count] > self.flushed[:count])
        return found
