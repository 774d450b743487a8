"""Holds what is stored of devices and dossiers against their signals, and puts right what is not as it should be.

Partitions raise these alerts themselves. What they can't see is found here: rules that changed, a worker that caught
up, what begins by the clock of a dossier that nobody touches. A row is looked at without a lock first; where its signal
is wrong it is locked, looked at again, and only then told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias, cast

from ioc.alerts import ahead, conditions, keys, life
from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import Found
from ioc.alerts.looking import kept
from ioc.alerts.looking.points import DEVICE_COLUMNS, VALID, device_row
from ioc.alerts.model import DeviceCondition, DossierCondition, Kind, Observation, Rule
from ioc.dossiers.ledger import Measure, Period
from ioc.kpi.query import Steps

#: Rows looked at in one transaction.
PAGE: Final = 2000

_DAY: Final = timedelta(hours=24)

# Of devices that are well, and of which no rule wants to know how many clients they have, nothing can hold.
_DEVICES: Final = """
SELECT s.device_id, d.code FROM ioc.device_state s JOIN ioc.device d USING (device_id)
WHERE s.device_id > %(after)s
  AND (s.state NOT IN (0, 1) OR s.flags <> 0 OR s.reason IS NOT NULL OR s.clients <= %(clients)s)
ORDER BY s.device_id LIMIT %(most)s
"""
_DEVICE: Final = f"""
SELECT {DEVICE_COLUMNS} FROM ioc.device_state s JOIN ioc.device d USING (device_id)
WHERE d.code = ANY (%(codes)s) AND {VALID} ORDER BY s.device_id
"""  # noqa: S608 - names above
# What a worker has under its hands it tells of itself.
_DEVICE_LOCKED: Final = f"{_DEVICE} FOR NO KEY UPDATE OF s SKIP LOCKED"

_DOSSIERS: Final = """
SELECT d.dossier_id, d.code, d.unit_id, d.due_at FROM ioc.dossier d
WHERE d.completed_at IS NULL AND d.withdrawn_at IS NULL AND d.due_at <= %(until)s
  AND (d.unit_id, d.due_at, d.dossier_id) > (%(unit)s, %(due)s, %(dossier)s)
ORDER BY d.unit_id, d.due_at, d.dossier_id LIMIT %(most)s
"""
_DOSSIER: Final = """
SELECT dossier_id, code, unit_id, due_at, status FROM ioc.dossier WHERE code = ANY (%s) ORDER BY code
"""
_DOSSIER_LOCKED: Final = f"{_DOSSIER} FOR UPDATE SKIP LOCKED"
_PERIODS: Final = """
SELECT dossier_id, measure, effective_at, sum(delta) FROM ioc.dossier_ledger
WHERE dossier_id = ANY (%s) AND measure = ANY (%s)
GROUP BY dossier_id, measure, effective_at HAVING sum(delta) <> 0 ORDER BY dossier_id, measure, effective_at
"""

Told: TypeAlias = dict[tuple[str, str], Observation]
"""By code of the rule, and subject."""
_Look: TypeAlias = Callable[[RuleBook, Sequence[str], datetime, bool], Steps[Told]]


@dataclass(frozen=True)
class Area:
    """Devices, or dossiers.

    :param prefix: of its subjects.
    :param dated: its times are told by the clock, and other ones are news.
    :param look: steps to how each of some codes stands, locked if asked for; what another writer holds is left out.
    """

    kind: Kind
    prefix: str
    dated: bool
    look: _Look


def compare(area: Area, book: RuleBook, codes: Sequence[str], now: datetime) -> Steps[list[str]]:
    """Steps to those of some devices or dossiers whose signals are not as they should be."""
    told = yield from area.look(book, codes, now, False)
    signals = yield from kept.of_keys(book, told)
    return sorted(
        {
            subject.removeprefix(area.prefix)
            for (rule, subject), seen in told.items()
            if kept.is_news(signals.get((rule, subject)), seen, dated=area.dated)
        }
    )


def put_right(area: Area, book: RuleBook, codes: Sequence[str], now: datetime) -> Steps[int]:
    """Steps that lock some devices or dossiers, look again, and tell; for one transaction.

    :returns: signals that changed.
    """
    told = yield from area.look(book, codes, now, True)
    signals = yield from kept.of_keys(book, told)
    news = [seen for key, seen in told.items() if kept.is_news(signals.get(key), seen, dated=area.dated)]
    settled = yield from life.settle(book, news, now)
    return settled.moved


def signalled(
    area: Area, book: RuleBook, rule: Rule, after: str, now: datetime, seen: Container[str] = ()
) -> Steps[tuple[list[str], str | None]]:
    """Steps to a page of what a rule has signals of, and the subject to go on after.

    Those of which there is no such thing any more are put right here: nobody else could.

    :param seen: codes that were compared in this sweep already, and are left out.
    """
    signals = yield from kept.after(book, rule, after, PAGE)
    subjects = [subject for _, subject in signals]
    left = [subject for subject in subjects if subject.removeprefix(area.prefix) not in seen]
    codes = [subject.removeprefix(area.prefix) for subject in left if subject.startswith(area.prefix)]
    known = {subject for _, subject in (yield from area.look(book, codes, now, False))}
    gone = [Found(False).observed(rule.code, subject) for subject in left if subject not in known]
    yield from life.settle(
        book, [one for one in gone if kept.is_news(signals[one.rule, one.subject], one)], now
    )
    last = subjects[-1] if len(subjects) == PAGE else None
    return [code for code in codes if area.prefix + code in known], last


# -- devices ---------------------------------------------------------------------------------------------


def suspect_devices(book: RuleBook, after: int) -> Steps[tuple[list[str], int | None]]:
    """Steps to a page of devices of which something may hold, and the number to go on after."""
    limits = [
        condition.clients_at_most
        for rule in book.of(Kind.DEVICE)
        if (condition := cast("DeviceCondition", rule.condition)).clients_at_most is not None
    ]
    rows = yield _DEVICES, {"after": after, "clients": max(limits, default=-1), "most": PAGE}
    return [code for _, code in rows], rows[-1][0] if len(rows) == PAGE else None


def _devices(book: RuleBook, codes: Sequence[str], now: datetime, locked: bool) -> Steps[Told]:
    rows = yield _DEVICE_LOCKED if locked else _DEVICE, {"codes": list(codes), "today": now.date()}
    found: Told = {}
    for row in map(device_row, rows):
        for rule in book.of(Kind.DEVICE):
            held = Found(False)
            if book.covers(rule, row.unit_id):
                held = conditions.device(cast("DeviceCondition", rule.condition), row, now)
            subject = keys.device(row.code)
            found[rule.code, subject] = held.observed(rule.code, subject, row.unit_id, row.point)
    return found


# -- dossiers --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk over open dossiers stands."""

    unit: int = -1
    due: datetime | None = None
    dossier: int = 0


def near_dossiers(after: Place, now: datetime) -> Steps[tuple[list[str], Place | None]]:
    """Steps to a page of open dossiers that are late or will shortly be about to be, and where to go on."""
    rows = yield (
        _DOSSIERS,
        {
            "until": now + _DAY + ahead.AHEAD,
            "unit": after.unit,
            "due": after.due or "-infinity",
            "dossier": after.dossier,
            "most": PAGE,
        },
    )
    last = Place(rows[-1][2], rows[-1][3], rows[-1][0]) if len(rows) == PAGE else None
    return [code for _, code, _, _ in rows], last


def _dossiers(book: RuleBook, codes: Sequence[str], now: datetime, locked: bool) -> Steps[Told]:
    rows = yield _DOSSIER_LOCKED if locked else _DOSSIER, (list(codes),)
    measures = sorted({int(measure) for measure in conditions.SITUATIONS.values()})
    entries = yield _PERIODS, ([row[0] for row in rows], measures)
    periods = _periods(entries)
    found: Told = {}
    for number, code, unit_id, due_at, status in rows:
        detail = {"due_at": None if due_at is None else due_at.isoformat(), "status": status}
        for rule in book.of(Kind.DOSSIER):
            condition = cast("DossierCondition", rule.condition)
            stretches = periods.get((number, conditions.SITUATIONS[condition.situation]), [])
            held = ahead.near(conditions.dossier(condition, stretches, now), now)
            if held.holds and not book.covers(rule, unit_id):
                held = Found(False)
            subject = keys.dossier(code)
            found[rule.code, subject] = Observation(
                rule.code,
                subject,
                held.holds,
                held.since,
                held.until,
                unit_id,
                detail=detail if held.holds else {},
            )
    return found


def _periods(entries: Iterable[Sequence[Any]]) -> dict[tuple[int, Measure], list[Period]]:
    """The periods that ledger entries are made of, by dossier and measure: each begins with one and ends with one."""
    edges: dict[tuple[int, Measure], list[datetime]] = defaultdict(list)
    for number, measure, effective_at, _ in entries:
        edges[number, Measure(measure)].append(effective_at)
    return {key: list(_pairs(moments)) for key, moments in edges.items()}


def _pairs(moments: Sequence[datetime]) -> Iterator[Period]:
    for place in range(0, len(moments), 2):
        yield moments[place], moments[place + 1] if place + 1 < len(moments) else None


DEVICES: Final = Area(Kind.DEVICE, "device:", dated=False, look=_devices)
DOSSIERS: Final = Area(Kind.DOSSIER, "dossier:", dated=True, look=_dossiers)
