"""Devices, connectors, topics, processes and kiosks that should be heard from and are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from ioc import topics
from ioc.alerts import conditions, keys
from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import DEVICE_KINDS, Heard
from ioc.alerts.looking.points import VALID
from ioc.alerts.model import AbsenceCondition, Hours, Kind, Observation, Rule
from ioc.kpi.query import Steps
from ioc.watch import state

_DEFAULT: Final = timedelta(minutes=15)
#: Intervals that a connector may miss.
_MISSED: Final = 3

# Silence of a device is what its partition wrote down once all that had come was read: the state of before ran out.
_DEVICES: Final = f"""
SELECT d.code, d.kind, s.last_time, s.valid_until, s.unit_id, d.point_code
FROM ioc.device_state s JOIN ioc.device d USING (device_id)
WHERE s.state IN (0, 3) AND s.state = 0 AND s.since >= s.valid_until AND d.kind = ANY (%(kinds)s) AND {VALID}
UNION ALL
SELECT d.code, d.kind, NULL, NULL, d.unit_id, d.point_code FROM ioc.device d
WHERE d.declared AND d.kind = ANY (%(kinds)s) AND d.kind <> 3 AND {VALID}
  AND NOT EXISTS (SELECT FROM ioc.device_state s WHERE s.device_id = d.device_id)
"""  # noqa: S608 - names above
# Of a connector that moved to another machine the newest report counts. Who was silent for a week was taken away.
_CONNECTORS: Final = """
SELECT DISTINCT ON (name) name, time, interval_s, state = 'stopped' FROM ioc.connector
WHERE time > %s - interval '7 days' ORDER BY name, time DESC
"""
_TOPICS: Final = """
SELECT topic, max(newest_fact), CASE WHEN bool_and(watermark IS NOT NULL) THEN min(watermark) END
FROM ioc.partition_offset WHERE retired_at IS NULL GROUP BY topic
"""
_KIOSKS: Final = f"""
SELECT d.code, d.unit_id, d.point_code, (
    SELECT max(greatest(t.issued_at, t.called_at, t.started_at, t.completed_at)) FROM ioc.ticket t
    WHERE t.kiosk = d.code AND t.date = (SELECT max(l.date) FROM ioc.ticket l WHERE l.kiosk = d.code))
FROM ioc.device d WHERE d.kind = 3 AND {VALID}
"""  # noqa: S608 - names above


@dataclass(frozen=True, slots=True)
class _Subject:
    """What should be heard from, by the name that a rule may give it; some only rules that name them expect."""

    name: str
    key: str
    heard: Heard
    unit_id: int | None = None
    point: str | None = None
    only_named: bool = False


def rules(book: RuleBook) -> Sequence[Rule]:
    """The rules about silence."""
    return book.of(Kind.ABSENCE)


def look(book: RuleBook, now: datetime, prefix: str) -> Steps[list[Observation]]:
    """Steps to who is silent; of devices and kiosks only those that are, of the others all.

    :param prefix: of the topics' names.
    """
    found: list[Observation] = []
    wanted = [(rule, cast("AbsenceCondition", rule.condition)) for rule in rules(book)]
    if not wanted:
        return found
    heard_until = {topic.removeprefix(prefix): times for topic, *times in (yield _TOPICS, ())}
    for of, subjects in _LOOKS.items():
        asking = [(rule, asked) for rule, asked in wanted if asked.of == of]
        if not asking:
            continue
        known = yield from subjects(now, heard_until, asking)
        for rule, asked in asking:
            found.extend(_seen(book, rule, asked, known, now))
    return found


def _seen(
    book: RuleBook, rule: Rule, asked: AbsenceCondition, known: Sequence[_Subject], now: datetime
) -> Iterator[Observation]:
    # at night no tickets are drawn: for a rule of working hours only these count
    in_hours = asked.of == "tickets" and rule.hours is Hours.WORKING
    for one in known:
        names = (one.name, one.key.partition(":")[2], *(() if one.only_named else ("",)))
        if asked.name in names and (one.unit_id is None or book.covers(rule, one.unit_id)):
            calendar = book.calendar if in_hours else None
            yield conditions.absence(asked, one.heard, now, calendar).observed(
                rule.code, one.key, one.unit_id, one.point
            )


_Asking = Sequence[tuple[Rule, AbsenceCondition]]
_HeardUntil = Mapping[str, Sequence[Any]]


def _devices(now: datetime, _heard: _HeardUntil, asking: _Asking) -> Steps[list[_Subject]]:
    kinds = [number for number, word in DEVICE_KINDS.items() if any(c.name in ("", word) for _, c in asking)]
    rows = yield _DEVICES, {"kinds": kinds, "today": now.date()}
    return [
        _Subject(
            DEVICE_KINDS[kind],
            keys.device(code),
            # sooner than it may be silent by itself nobody can tell
            Heard(last, _DEFAULT if last is None else valid_until - last, now),
            unit_id,
            point,
        )
        for code, kind, last, valid_until, unit_id, point in rows
    ]


def _connectors(now: datetime, heard: _HeardUntil, _asking: _Asking) -> Steps[list[_Subject]]:
    rows = yield _CONNECTORS, (now,)
    until = heard.get(topics.CONNECTORS, (None, None))[1]
    return [
        _Subject(
            name, keys.connector(name), Heard(time, timedelta(seconds=_MISSED * every_s), until, stopped)
        )
        for name, time, every_s, stopped in rows
    ]


def _processes(now: datetime, _heard: _HeardUntil, asking: _Asking) -> Steps[list[_Subject]]:
    beats = yield from state.heartbeats(now)
    found = [
        _Subject(one.kind, one.subject, Heard(one.counted_from, one.limit, now, one.stopped)) for one in beats
    ]
    roles = {one.name for one in found} | {one.key.partition(":")[2] for one in found}
    never = {asked.name for _, asked in asking} - roles - {""}
    return found + [
        _Subject(role, keys.process(role), Heard(None, _DEFAULT, now), only_named=True)
        for role in sorted(never)
    ]


def _topics(_now: datetime, heard: _HeardUntil, _asking: _Asking) -> Steps[list[_Subject]]:
    yield from ()
    return [
        _Subject(topic, keys.topic(topic), Heard(newest, _DEFAULT, until))
        for topic, (newest, until) in heard.items()
        if newest is not None
    ]


def _kiosks(now: datetime, heard: _HeardUntil, _asking: _Asking) -> Steps[list[_Subject]]:
    rows = yield _KIOSKS, {"today": now.date()}
    until = heard.get(topics.QUEUES, (None, None))[1]
    return [
        _Subject(code, keys.device(code), Heard(last, _DEFAULT, until), unit_id, point)
        for code, unit_id, point, last in rows
        if last is not None
    ]


_LOOKS: Final[Mapping[str, Callable[[datetime, _HeardUntil, _Asking], Steps[list[_Subject]]]]] = {
    "device": _devices,
    "connector": _connectors,
    "topic": _topics,
    "process": _processes,
    "tickets": _kiosks,
}
