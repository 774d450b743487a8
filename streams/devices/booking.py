"""Device-time as arithmetic on arrays: which milliseconds of which unit and minute a sample accounts for.

A sample says that its device is in a state from its time on, until the next sample or until its validity
ends, whichever comes first; after that the state is unknown. A sample's whole validity is booked ahead at
once, and what the next sample cuts off or changes is booked back, so that sums are right after every sample,
need no closing step, and come out the same in any order of arrival.

All times here are integers: milliseconds since 1970 for booking, so that sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

MINUTE_MS = 60_000
#: Spans of more whole minutes than this are not cut into pieces minute by minute.
_MANY_MINUTES = 8

#: Device states as stored. Unknown is the absence of knowledge: it is never booked.
UNKNOWN, OK, DEGRADED, DOWN, MAINTENANCE = 0, 1, 2, 3, 4
#: Beside the state a probe may see other things that last. Both are carried as one number, flags above the state, so
#: that a run ends where either changes; device-time looks at the state alone.
STATE_MASK, FLAG_SHIFT = 7, 3
#: Flags as stored: of cameras, pictures that do not change and packets that do not come; of access points, too many
#: clients or too little air.
FROZEN, STALLED = 1, 2
SATURATED = 1


@dataclass(frozen=True, slots=True)
class Spans:
    """Signed stretches of device-time, one array element each.

    ``sign`` +1 books, -1 books back; ``clients`` is -1 where it is not known.
    """

    unit: Ints
    state: Ints
    clients: Ints
    start_ms: Ints
    end_ms: Ints
    sign: Ints

    def __len__(self) -> int:
        return len(self.unit)


@dataclass(frozen=True, slots=True)
class Minutes:
    """Sums per unit and minute, in the order of the columns of ``ioc.device_minute``."""

    unit: Ints
    minute: Ints
    up_ms: Ints
    degraded_ms: Ints
    down_ms: Ints
    maintenance_ms: Ints
    client_ms: Ints
    client_known_ms: Ints


def join(parts: list[Spans]) -> Spans:
    """Put spans one after another."""
    return Spans(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("unit", "state", "clients", "start_ms", "end_ms", "sign")
        )
    )


def spans_of_changes(
    *,
    unit: Ints,
    state: Ints,
    clients: Ints,
    start_ms: Ints,
    end_ms: Ints,
    before_unit: Ints,
    before_state: Ints,
    before_clients: Ints,
    before_end_ms: Ints,
) -> Spans:
    """Return what to book when each sample follows its device's newest one (``before_*``).

    Where there was none, ``before_end_ms`` is 0. A sample that says the same as the one before it only
    lengthens what was booked; one that says something else cuts it at its own start.
    """
    same = (unit == before_unit) & (state == before_state) & (clients == before_clients)
    overlaps = before_end_ms > start_ms
    grown_from = np.where(same & overlaps, before_end_ms, start_ms)
    shrunk = grown_from > end_ms
    cut = ~same & overlaps
    return join(
        [
            Spans(
                unit,
                state,
                clients,
                np.where(shrunk, end_ms, grown_from),
                np.where(shrunk, grown_from, end_ms),
                np.where(shrunk, -1, 1),
            ),
            Spans(
                before_unit[cut],
                before_state[cut],
                before_clients[cut],
                start_ms[cut],
                before_end_ms[cut],
                np.full(int(cut.sum()), -1, dtype=np.int64),
            ),
        ]
    )


def split_by_minute(start_ms: Ints, end_ms: Ints) -> tuple[Ints, Ints, Ints]:
    """Cut stretches at minute boundaries: index of the stretch, minute number, milliseconds."""
    index, minute, length = [], [], []
    left = np.flatnonzero(end_ms > start_ms)
    first = start_ms // MINUTE_MS
    step = 0
    while len(left):
        begins = (first[left] + step) * MINUTE_MS
        index.append(left)
        minute.append(first[left] + step)
        length.append(np.minimum(end_ms[left], begins + MINUTE_MS) - np.maximum(start_ms[left], begins))
        left = left[end_ms[left] > begins + MINUTE_MS]
        step += 1
    if not index:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, empty
    return np.concatenate(index), np.concatenate(minute), np.concatenate(length)


def places(unit: Ints, minute: Ints) -> tuple[Ints, Ints]:
    """Number the units' minutes, for sums over them.

    :returns: keys ``unit << 32 | minute`` in ascending order, not all of which need occur; and each element's
        place among them.
    """
    if len(unit):
        low, first = int(unit.min()), int(minute.min())
        units, minutes = int(unit.max()) - low + 1, int(minute.max()) - first + 1
        if units * minutes <= 2 * len(unit):
            # a table of all of them is not large, and needs no sorting
            cells = np.arange(units * minutes)
            key = (cells // minutes + low) << 32 | (cells % minutes + first)
            return key, (unit - low) * minutes + (minute - first)
    key, place = np.unique((unit << 32) | minute, return_inverse=True)
    return key, place


def sum_by_minute(spans: Spans) -> Minutes:
    """Add spans up per unit and minute; minutes in which everything cancels out are left out.

    Of long spans only the ends are cut into pieces. The whole minutes between are entered as a rise at their
    beginning and a fall at their end, so that a span of days costs no more than one of minutes.
    """
    weights = _weights(spans)
    whole_from = -(-spans.start_ms // MINUTE_MS)
    whole_to = spans.end_ms // MINUTE_MS
    long = np.flatnonzero(whole_to - whole_from > _MANY_MINUTES)
    if len(long):
        first_end = spans.end_ms.copy()
        first_end[long] = whole_from[long] * MINUTE_MS
        start = np.concatenate([spans.start_ms, whole_to[long] * MINUTE_MS])
        index, minute, length = split_by_minute(start, np.concatenate([first_end, spans.end_ms[long]]))
        index = np.concatenate([np.arange(len(spans)), long])[index]
    else:
        index, minute, length = split_by_minute(spans.start_ms, spans.end_ms)
    key, place = places(spans.unit[index], minute)
    columns = np.zeros((len(weights), len(key)), dtype=np.int64)
    for column, weight in zip(columns, weights, strict=True):
        if weight.any():
            # float64 is exact up to 2**53: 10,000 samples of 100,000 clients each stay a hundred times below
            column[:] = np.bincount(place, weights=weight[index] * length, minlength=len(key))
    if len(long):
        between, level = _whole_minutes(spans.unit[long], whole_from[long], whole_to[long], weights[:, long])
        key, columns = _add_up(
            np.concatenate([key, between]), np.concatenate([columns, level * MINUTE_MS], axis=1)
        )
    moved = columns.any(axis=0)
    return Minutes(key[moved] >> 32, key[moved] & 0xFFFFFFFF, *columns[:, moved])


def _weights(spans: Spans) -> Ints:
    """What a millisecond of each span adds to each of the six sums, shape (6, n)."""
    state, sign = spans.state & STATE_MASK, spans.sign
    known = sign * ((spans.clients >= 0) & (state != DOWN) & (state != UNKNOWN))
    return np.stack(
        [
            sign * ((state == OK) | (state == DEGRADED)),
            sign * (state == DEGRADED),
            sign * (state == DOWN),
            sign * (state == MAINTENANCE),
            known * np.maximum(spans.clients, 0),
            known,
        ]
    )


def _add_up(key: Ints, columns: Ints) -> tuple[Ints, Ints]:
    """Add the columns of equal keys; returns the keys ascending."""
    found, place = np.unique(key, return_inverse=True)
    sums = np.array([np.bincount(place, weights=column, minlength=len(found)) for column in columns])
    return found, sums.astype(np.int64)


def _whole_minutes(unit: Ints, begin: Ints, end: Ints, weights: Ints) -> tuple[Ints, Ints]:
    """Return keys of unit and minute with the sum of weights of all ``begin <= minute < end``."""
    key, change = _add_up(
        np.concatenate([(unit << 32) | begin, (unit << 32) | end]),
        np.concatenate([weights, -weights], axis=1),
    )
    level = np.cumsum(change, axis=1)
    # All that rises in a unit falls in it: after a unit's last key the level is zero, and nothing lies there.
    holds = np.flatnonzero(level.any(axis=0))
    count = key[holds + 1] - key[holds]
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(key[holds], count) + within, np.repeat(level[:, holds], count, axis=1)
