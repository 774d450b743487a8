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

    :param told: others who were told, the first of them first; by their codes.
    :param said: the newest comments, the newest first.
    :param others: open alerts that the person was told of or given, the worst first.
    :param shifts: where the person is on duty now.
    """

    told: Sequence[Told]
    said: Sequence[Said]
    others: Sequence[Facts]
    shifts: Sequence[Shift]


def woken(person: str, alerts: Sequence[int], now: datetime) -> Steps[Woken]:
    """Steps to what a person needs to know beside these alerts; changes nothing."""
    asked = {"alerts": list(alerts), "person": person, "limit": MOST + 1}
    told = yield _TOLD, asked
    said = yield _SAID, asked | {"limit": _MOST_SAID}
    others = yield _OTHERS, asked
    facts = yield from facts_of([alert for (alert,) in others])
    return Woken(
        [Told(*row) for row in told], [Said(*row) for row in said], facts, (yield from _shifts(person, now))
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
