"""The morning's digest: what is open, what is late, who is on duty, to those on duty. Once a day, whoever sends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.alerts.model import Channel, Severity, Target
from ioc.delivery import texts
from ioc.delivery.contacts import contacts_of
from ioc.delivery.facts import facts_of
from ioc.delivery.outbox import Wanted, key_of, put
from ioc.delivery.reach import ways
from ioc.duty.calling import Roll
from ioc.duty.clock import instant
from ioc.kpi.query import SYSTEM_READER, Steps, current
from ioc.reports.words import Language, number

#: A platform that was off at the digest's time sends it for so long after; later it is no news.
LATE: Final = timedelta(hours=4)
_LOCK: Final = 0x696F630B
_MOST_FACTS: Final = 30
_MOST_UNITS: Final = 12

_TAKE: Final = "SELECT pg_try_advisory_xact_lock(%s)"
_DONE: Final = "SELECT EXISTS (SELECT FROM ioc.alert_message WHERE kind = 'digest' AND created_at >= %s)"
_COUNTS: Final = """
SELECT count(*) FILTER (WHERE opened_at > %(since)s), count(*) FILTER (WHERE cleared_at > %(since)s),
    count(*) FILTER (WHERE cleared_at IS NULL)
FROM ioc.alert WHERE cleared_at IS NULL OR cleared_at > %(since)s OR opened_at > %(since)s
"""
_OPEN: Final = """
SELECT alert_id FROM ioc.alert WHERE cleared_at IS NULL ORDER BY severity DESC, opened_at DESC, alert_id DESC LIMIT %s
"""
_SEVERITIES: Final = """
SELECT severity, count(*) FROM ioc.alert WHERE cleared_at IS NULL GROUP BY severity ORDER BY severity DESC
"""
_UNITS: Final = """
SELECT coalesce(u.name_vi, ''), coalesce(u.name_en, ''), count(*) FROM ioc.alert a LEFT JOIN ioc.unit u USING (unit_id)
WHERE a.cleared_at IS NULL GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT %s
"""
_ROUND_TRIP: Final = "SELECT value FROM ioc.reading WHERE name = 'alerts.round_trip' ORDER BY at DESC LIMIT 1"
_FIGURES: Final = ("dossier.overdue", "dossier.due_24h")


def due(at: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant of the digest that is due now; None where none is.

    :param at: time of the district's clock; empty: there is no digest.
    """
    if not at:
        return None
    moment = instant(now.astimezone(zone).date(), time.fromisoformat(at), zone)
    return moment if moment <= now < moment + LATE else None


def send(roll: Roll, channels: Mapping[str, Channel], moment: datetime, now: datetime) -> Steps[int | None]:
    """Steps that put the digest of a morning into the outbox, unless it was; returns how many messages it is.

    It goes to everybody on duty, over the channels that carry information. None: another process is at it.
    """
    ((is_free,),) = yield _TAKE, (_LOCK,)
    if not is_free:
        return None
    ((is_done,),) = yield _DONE, (moment,)
    if is_done:
        return 0
    zone = roll.plan.calendar.zone
    duty = [(roster, roll.whom((Target(roster=roster.code),), now).people) for roster in roll.plan.rosters]
    people = list(dict.fromkeys(person for _, there in duty for person in there))
    contacts = yield from contacts_of(people)
    lines = [
        (person, code)
        for person in people
        for code in ways(contacts.get(person, ()), channels, Severity.INFO)
    ]
    if not lines:
        return 0
    on_duty = [(roster.name_vi, roster.name_en, ", ".join(there)) for roster, there in duty]
    notice = yield from _notice(moment.astimezone(zone).date(), zone, on_duty, now)
    content: dict[str, Any] = msgspec.to_builtins(notice)
    made = yield from put(
        [
            Wanted(
                key=key_of("digest", moment.isoformat(), person, code),
                kind="digest",
                severity=Severity.INFO,
                channel=code,
                person=person,
                content=content,
            )
            for person, code in lines
        ],
        now,
    )
    return len(made)


def _notice(
    today: date, zone: ZoneInfo, on_duty: Sequence[tuple[str, str, str]], now: datetime
) -> Steps[texts.Notice]:
    ((opened, cleared, total),) = yield _COUNTS, {"since": now - timedelta(days=1)}
    ids = [row[0] for row in (yield _OPEN, (_MOST_FACTS,))]
    facts = (yield from facts_of(ids)) if ids else []
    severities = yield _SEVERITIES, ()
    units = yield _UNITS, (_MOST_UNITS,)
    figures = {
        one.kpi: one.value for one in (yield from current(SYSTEM_READER, _FIGURES)) if one.unit is None
    }
    trip = yield _ROUND_TRIP, ()
    base = texts.digest(today, zone, opened=opened, cleared=cleared, still_open=facts, total=total)
    vi, en = (
        _lines(language, severities, units, figures, trip[0][0] if trip else None, on_duty)
        for language in (Language.VI, Language.EN)
    )
    return msgspec.structs.replace(base, lines_vi=[*base.lines_vi, *vi], lines_en=[*base.lines_en, *en])


def _lines(
    language: Language,
    severities: Sequence[Sequence[Any]],
    units: Sequence[Sequence[Any]],
    figures: Mapping[str, float | None],
    trip_s: float | None,
    on_duty: Sequence[tuple[str, str, str]],
) -> list[str]:
    is_vi = language is Language.VI
    unknown = "chưa rõ" if is_vi else "unknown"

    def figure(value: float | None, digits: int = 0) -> str:
        return unknown if value is None else number(value, language, digits)

    found = []
    if severities:
        words = texts.SEVERITIES[language]
        listed = ", ".join(f"{words[Severity(s)].lower()} {number(n, language)}" for s, n in severities)
        found.append(f"{'Theo mức' if is_vi else 'By severity'}: {listed}.")
    if units:
        no_unit = "không thuộc đơn vị" if is_vi else "no unit"
        listed = ", ".join(
            f"{(row[0] if is_vi else row[1]) or no_unit} {number(row[2], language)}" for row in units
        )
        found.append(f"{'Theo đơn vị' if is_vi else 'By unit'}: {listed}.")
    late, soon = (figure(figures.get(name)) for name in _FIGURES)
    found.append(
        f"Hồ sơ quá hạn: {late}; đến hạn trong 24 giờ: {soon}."
        if is_vi
        else f"Dossiers overdue: {late}; due within 24 hours: {soon}."
    )
    found.append(
        f"Thời gian báo động đến nơi (lần thử mới nhất): {figure(trip_s, 1)} giây."
        if is_vi
        else f"Time for an alert to arrive (newest trial): {figure(trip_s, 1)} s."
    )
    nobody = "không có ai" if is_vi else "nobody"
    found += [
        f"{'Đang trực' if is_vi else 'On duty'}, {vi if is_vi else en}: {people or nobody}."
        for vi, en, people in on_duty
    ]
    return found
