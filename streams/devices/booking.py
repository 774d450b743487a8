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

#: Device states as stored. Unknown is the absence of knowledge: it is never booked.
UNKNOWN, OK, DEGRADED, DOWN, MAINTENANCE = 0, 1, 2, 3, 4


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


def split_by_minute(spans: Spans) -> tuple[Ints, Ints, Ints]:
    """Cut spans at minute boundaries: index of the span, minute number, signed milliseconds."""
    index, minute, length = [], [], []
    left = np.flatnonzero(spans.end_ms > spans.start_ms)
    first = spans.start_ms // MINUTE_MS
    step = 0
    while len(left):
        begins = (first[left] + step) * MINUTE_MS
        piece = np.minimum(spans.end_ms[left], begins + MINUTE_MS) - np.maximum(spans.start_ms[left], begins)
        index.append(left)
        minute.append(first[left] + step)
        length.append(piece * spans.sign[left])
        left = left[spans.end_ms[left] > begins + MINUTE_MS]
        step += 1
    if not index:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, empty
    return np.concatenate(index), np.concatenate(minute), np.concatenate(length)


def sum_by_minute(spans: Spans) -> Minutes:
    """Add spans up per unit and minute; minutes in which everything cancels out are left out."""
    index, minute, length = split_by_minute(spans)
    unit = spans.unit[index]
    state = spans.state[index]
    clients = spans.clients[index]
    key = (unit << 32) | minute
    found, place = np.unique(key, return_inverse=True)
    count = len(found)

    def total(weights: Ints) -> Ints:
        # float64 is exact up to 2**53: some 280 years of a thousand devices' milliseconds
        sums: Ints = np.bincount(place, weights=weights, minlength=count).astype(np.int64)
        return sums

    up = np.where((state == OK) | (state == DEGRADED), length, 0)
    known = np.where((clients >= 0) & (state != DOWN) & (state != UNKNOWN), length, 0)
    sums = [
        total(up),
        total(np.where(state == DEGRADED, length, 0)),
        total(np.where(state == DOWN, length, 0)),
        total(np.where(state == MAINTENANCE, length, 0)),
        total(known * np.maximum(clients, 0)),
        total(known),
    ]
    moved = np.zeros(count, dtype=bool)
    for column in sums:
        moved |= column != 0
    return Minutes(found[moved] >> 32, found[moved] & 0xFFFFFFFF, *(column[moved] for column in sums))
