"""What somebody whom a message woke needs to know beside its alerts: who else knows, what else is his, until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from ioc.delivery.facts import Facts, facts_of
from ioc.duty.asking import AHEAD, ask
from ioc.duty.present import Ending, endings
from ioc.kpi.query import SYSTEM_READER, Steps

#: Lines of each list.
MOST: Final = 12
_MOST_SAID: Final = 3
_MOST_NUMBERS: Final = 6
_TOLD: Final = """
SELECT m.person, min(m.ended_at) FROM ioc.alert_message_alert l JOIN ioc.alert_message m USING (message_id)
WHERE l.alert_id = ANY (%(alerts)s) AND m.state = 'sent' AND m.person IS NOT NULL AND m.person <> %(person)s
GROUP BY m.person ORDER BY 2, 1 LIMIT %(limit)s
"""
_SAID: Final = """
SELECT e.at, e.actor, e.detail->>'comment' FROM ioc.alert_event e
WHERE e.alert_id = ANY (%(alerts)s) AND e.kind = 'commented' ORDER BY e.event_id DESC LIMIT %(limit)s
"""
_OTHERS: Final = """
SELECT a.alert_id FROM ioc.alert a
WHERE a.cleared_at IS NULL AND a.alert_id <> ALL (%(alerts)s)
  AND (a.assigned_to = %(person)s OR EXISTS (
      SELECT FROM ioc.alert_message_alert l JOIN ioc.alert_message m USING (message_id)
      WHERE l.alert_id = a.alert_id AND m.person = %(person)s))
ORDER BY a.severity DESC, a.opened_at DESC LIMIT %(limit)s
"""
# the point's own number is nearer to what is wrong than its unit's
_NUMBERS: Final = """
SELECT DISTINCT ON (x.phone) x.name_vi, x.name_en, x.phone, x.contact
FROM ioc.alert a
LEFT JOIN ioc.unit u USING (unit_id)
LEFT JOIN LATERAL (
    SELECT p.name_vi, p.name_en, p.phone, p.contact FROM ioc.point p
    WHERE p.code = a.point ORDER BY p.valid_from DESC LIMIT 1
) p ON true
CROSS JOIN LATERAL (VALUES
    (p.name_vi, p.name_en, p.phone, p.contact, 1), (u.name_vi, u.name_en, u.phone, u.contact, 2)
) AS x (name_vi, name_en, phone, contact, place)
WHERE a.alert_id = ANY (%(alerts)s) AND x.phone IS NOT NULL ORDER BY x.phone, x.place LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Number:
    """A number to call about the place of an alert, as the district pack has it.

    :param contact: who answers, in words; None where the pack says nothing.
    """

    name_vi: str
    name_en: str
    phone: str
    contact: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody whom a message about the alerts reached."""

    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """A comment beside the alerts."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True)
class Shift:
    """Somebody's duty now, of one roster."""

    roster_vi: str
    roster_en: str
    zone: ZoneInfo
    ending: Ending


@dataclass(frozen=True)
class Woken:
    """All of it. Lists hold one more than :data:`MOST` where there are more.

    :param numbers: whom to call about the places of the alerts.
    :param told: others who were told, the first of them first; by their codes.
    :param said: the newest comments, the newest first.
    :param others: open alerts that the person was told of or given, the worst first.
    :param shifts: where the person is on duty now.
    """

    numbers: Sequence[Number]
    told: Sequence[Told]
    said: Sequence[Said]
    others: Sequence[Facts]
    shifts: Sequence[Shift]


def woken(person: str, alerts: Sequence[int], now: datetime) -> Steps[Woken]:
    """Steps to what a person needs to know beside these alerts; changes nothing."""
    asked = {"alerts": list(alerts), "person": person, "limit": MOST + 1}
    numbers = yield _NUMBERS, asked | {"limit": _MOST_NUMBERS}
    told = yield _TOLD, asked
    said = yield _SAID, asked | {"limit": _MOST_SAID}
    others = yield _OTHERS, asked
    facts = yield from facts_of([alert for (alert,) in others])
    return Woken(
        [Number(vi, en or vi, *rest) for vi, en, *rest in numbers],
        [Told(*row) for row in told],
        [Said(*row) for row in said],
        facts,
        (yield from _shifts(person, now)),
    )


def _shifts(person: str, now: datetime) -> Steps[list[Shift]]:
    duty = yield from ask(
        SYSTEM_READER, at=now.isoformat(), start=now.isoformat(), end=(now + AHEAD).isoformat()
    )
    return [
        Shift(one.roster.name_vi, one.roster.name_en or one.roster.name_vi, one.roster.zone, ending)
        for one in duty.rosters
        for ending in endings(one.now, person, duty.at)
    ]
