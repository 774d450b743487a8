"""What rules of alerts see of a batch: devices whose state, flags, clients or reason turned, or that fell silent.

Between turns nothing of a device matters to any rule, so that a batch in which nothing turns costs some comparisons of
arrays and no statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from ioc.alerts import conditions, keys
from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import DEVICE_KINDS, DEVICE_STATES, DeviceRow, Found, flags_of
from ioc.alerts.model import DeviceCondition, Kind, Observation, Rule
from streams import raising
from streams.devices.booking import FLAG_SHIFT, STATE_MASK, UNKNOWN
from streams.devices.memory import DeviceMemory
from streams.instants import moment
from streams.ownership import Connection

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_PLACES: Final = """
SELECT device_id, point_code FROM ioc.device
WHERE device_id = ANY (%s) AND coalesce(valid_from <= %s, true) AND coalesce(%s < valid_to, true)
"""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the rules of one kind of device look at.

    :param rules: with their conditions.
    :param clients: limits of clients; :param reasons: words that reasons begin with.
    """

    rules: tuple[tuple[Rule, DeviceCondition], ...] = ()
    clients: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()

    @classmethod
    def of(cls, book: RuleBook, kind: int) -> Watch:
        """What a book asks of a kind of device, by its number."""
        rules = [(rule, cast("DeviceCondition", rule.condition)) for rule in book.of(Kind.DEVICE)]
        rules = [(rule, asked) for rule, asked in rules if asked.device == DEVICE_KINDS[kind]]
        return cls(
            tuple(rules),
            tuple({c.clients_at_most for _, c in rules if c.clients_at_most is not None}),
            tuple({c.reason for _, c in rules if c.reason is not None}),
        )


#: What is looked at where no rule is about devices.
NOTHING: Final = Watch()


class Glimpse(NamedTuple):
    """A sample as rules see it; times in microseconds, ``state`` with flags above it, ``clients`` -1 where not known.

    ``after_gap``: until shortly before nothing was known.
    """

    time: int
    end: int
    unit: int
    state: int
    clients: int
    reason: str | None
    after_gap: bool = False


class Turned(NamedTuple):
    """A device and those of its samples at which something turned; the newest of the batch is the last.

    ``before`` is what was known of it until then.
    """

    device: int
    before: Glimpse | None
    samples: list[Glimpse]


class Columns(NamedTuple):
    """Samples sorted by device and time, or what was known before each of them."""

    time: Ints
    end: Ints
    unit: Ints
    state: Ints
    clients: Ints


def turned(
    watch: Watch,
    memory: DeviceMemory,
    device: Ints,
    now: Columns,
    before: Columns,
    reasons: Mapping[int, str],
    moved: Bools,
    gap: Bools,
) -> list[Turned]:
    """Return the devices of which rules are to hear, as they were and became.

    :param memory: as it was before these samples.
    :param before: of each sample, what the sample before it said; a time of -1 is none.
    :param moved: samples that begin another run; ``gap``: those before which the state had run out.
    """
    if not watch.rules or not len(device):
        return []
    first = np.ones(len(device), dtype=bool)
    first[1:] = device[1:] != device[:-1]
    noticed = moved.copy()
    for most in watch.clients:
        noticed |= _few(now.clients, most) != _few(before.clients, most)
    if watch.reasons:
        noticed |= _other_reason(watch.reasons, memory, device, first, reasons)
    devices = np.unique(device[noticed])
    if not len(devices):
        return []
    last = np.ones(len(device), dtype=bool)
    last[:-1] = first[1:]
    found: list[Turned] = []
    for row in np.flatnonzero((noticed | first | last) & np.isin(device, devices)).tolist():
        if first[row]:
            number = int(device[row])
            known = before.time[row] >= 0 and not gap[row]
            found.append(
                Turned(number, _glimpse(before, row, memory.reasons.get(number)) if known else None, [])
            )
        found[-1].samples.append(_glimpse(now, row, reasons.get(row), after_gap=bool(gap[row])))
    return found


def _few(clients: Ints, most: int) -> Ints:
    return np.where(clients < 0, -1, clients <= most)


def _other_reason(
    words: tuple[str, ...], memory: DeviceMemory, device: Ints, first: Bools, reasons: Mapping[int, str]
) -> Bools:
    """Samples whose reason begins with other words of rules than the one before; most have no reason at all."""

    def begins(reason: str) -> int:
        return sum(1 << place for place, word in enumerate(words) if reason.startswith(word))

    said = np.zeros(len(device), dtype=np.int64)
    for row, reason in reasons.items():
        said[row] = begins(reason)
    before = np.zeros(len(device), dtype=np.int64)
    before[1:] = said[:-1]
    before[first] = 0
    noted = np.fromiter(memory.reasons, np.int64, len(memory.reasons))
    for row in np.flatnonzero(first & np.isin(device, noted)).tolist():
        before[row] = begins(memory.reasons[int(device[row])])
    other: Bools = said != before
    return other


def _glimpse(columns: Columns, row: int, reason: str | None, *, after_gap: bool = False) -> Glimpse:
    time, end, unit, state, clients = (int(column[row]) for column in columns)
    return Glimpse(time, end, unit, state, clients, reason, after_gap)


# -- what is told of them --------------------------------------------------------------------------------


class Verdict(NamedTuple):
    """What a condition was from a moment on; None is what it was before the batch."""

    found: Found
    since: datetime | None


async def observe(
    connection: Connection,
    book: RuleBook,
    kind: int,
    memory: DeviceMemory,
    seen: list[Turned],
    silent: Iterable[int],
    now: datetime,
) -> None:
    """Tell the rules of what turned and fell silent, in the transaction that stores it.

    :param silent: devices whose silence is written with this.
    """
    watch = Watch.of(book, kind)
    silenced = sorted(set(silent))
    if not watch.rules or not (seen or silenced):
        return
    numbers = [int(memory.device_id[device]) for device in {*silenced, *(t.device for t in seen)}]
    rows: list[Any] = await (await connection.execute(_PLACES, (numbers, now.date(), now.date()))).fetchall()
    points: dict[int, str | None] = dict(rows)

    def place(device: int) -> tuple[str, str | None] | None:
        """Code and point; None of a device that is no more, or not yet."""
        number = int(memory.device_id[device])
        return (memory.codes[device], points[number]) if number in points else None

    try:
        rounds = told(watch, book, kind, seen, place, now)
        rounds.append(
            [
                conditions.UNKNOWN.observed(rule.code, keys.device(where[0]))
                for device in silenced
                if (where := place(device)) is not None
                for rule, _ in watch.rules
            ]
        )
    except raising.FAULTS as error:
        raising.complain(error)
        return
    await raising.observe(connection, book, rounds, now)


def told(
    watch: Watch,
    book: RuleBook,
    kind: int,
    seen: Iterable[Turned],
    place: Callable[[int], tuple[str, str | None] | None],
    now: datetime,
) -> list[list[Observation]]:
    """Return what is to be told of devices that turned, in two rounds.

    What held, was away and holds again within a batch is told twice: the time for which it must hold began anew.
    """
    broken: list[Observation] = []
    newest: list[Observation] = []
    for device, before, samples in seen:
        where = place(device)
        if where is None:
            continue
        code, point = where
        rows = [_row(code, kind, sample, point) for sample in samples]
        gaps = [sample.after_gap for sample in samples]
        former = None if before is None else _row(code, kind, before, point)
        for rule, condition in watch.rules:
            if not book.covers(rule, rows[-1].unit_id):
                continue
            course = (
                [] if former is None else [Verdict(conditions.device(condition, former, former.since), None)]
            )
            for row, after_gap in zip(rows, gaps, strict=True):
                if after_gap and course:
                    course.append(Verdict(conditions.UNKNOWN, row.since))
                course.append(Verdict(conditions.device(condition, row, row.since), row.since))
            if now > rows[-1].valid_until:
                # read long after it was measured: what is now nobody knows
                course[-1] = Verdict(conditions.UNKNOWN, rows[-1].since)
            away, last = _news(course)
            if away is not None:
                broken.append(_observed(rule, away, rows[-1]))
            if last is not None:
                newest.append(_observed(rule, last, rows[-1]))
    return [broken, newest]


def _news(course: list[Verdict]) -> tuple[Verdict | None, Verdict | None]:
    """What a course ends with, if it was not so all the while; and, of one that holds again, that it was away."""
    holds = [verdict.found.holds for verdict in course]
    start = len(course) - 1
    while start and holds[start - 1] is holds[-1]:
        start -= 1
    since = course[start].since
    if since is None:
        return None, None
    last = Verdict(course[-1].found, since)
    if holds[-1]:
        held = next((k for k in range(start) if holds[k]), start)
        away = next((k for k in range(held, start) if holds[k] is False), None)
        if away is not None:
            return course[away], last
    return None, last


def _observed(rule: Rule, verdict: Verdict, row: DeviceRow) -> Observation:
    found = verdict.found
    seen = found if found.holds is None else replace(found, since=verdict.since)
    return seen.observed(rule.code, keys.device(row.code), row.unit_id, row.point)


def _row(code: str, kind: int, sample: Glimpse, point: str | None) -> DeviceRow:
    word = DEVICE_KINDS[kind]
    state = sample.state & STATE_MASK
    return DeviceRow(
        code=code,
        kind=word,
        state=DEVICE_STATES[state],
        since=moment(sample.time),
        valid_until=moment(sample.end),
        flags=flags_of(word, sample.state >> FLAG_SHIFT) if state != UNKNOWN else frozenset(),
        clients=None if sample.clients < 0 else sample.clients,
        reason=sample.reason,
        unit_id=sample.unit,
        point=point,
    )
