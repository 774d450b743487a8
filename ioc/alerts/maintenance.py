"""Maintenance windows: times in which alerts are kept and shown, and nobody is called for them.

A window covers alerts by rules, units (with those below), points and subjects; what it does not name it does not limit.
It is once or comes again by a recurrence rule, and lasts a fixed time from each begin, so that over a change of the
clock a window of six hours still lasts six hours.

:func:`covered` is for who is about to call people, :func:`mark` for the evaluator's clock: it writes on the alerts what
covers them, and makes due again what was put off. Windows are never changed: one is withdrawn and another made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.alerts import calling, recurrence
from ioc.alerts.window import COLUMNS, Window, window_of
from ioc.kpi.query import Steps

_IN_FORCE: Final = f"""
SELECT {COLUMNS}, ARRAY(SELECT t.unit_id FROM unnest(m.units) AS u (code) CROSS JOIN LATERAL ioc.unit_tree(u.code) t)
FROM ioc.maintenance m
WHERE m.withdrawn_at IS NULL AND m.starts_at <= %(now)s
  AND (m.recurs IS NOT NULL OR m.starts_at + m.length_s * interval '1 second' > %(now)s)
ORDER BY m.maintenance_id
"""  # noqa: S608 - of names above
# members are asked for only where a window names subjects: a group may have many
_FACTS: Final = """
SELECT a.alert_id, r.code, a.unit_id, a.point, a.maintenance_id, CASE WHEN %(members)s THEN
           ARRAY(SELECT s.subject FROM ioc.alert_signal s WHERE s.alert_id = a.alert_id)
       ELSE '{}' END, a.subject
FROM ioc.alert a JOIN ioc.alert_rule r USING (rule_id)
WHERE a.cleared_at IS NULL AND (%(alerts)s::bigint[] IS NULL OR a.alert_id = ANY (%(alerts)s))
"""
_ANY_MARKED: Final = (
    "SELECT EXISTS (SELECT FROM ioc.alert WHERE cleared_at IS NULL AND maintenance_id IS NOT NULL)"
)
_LOCK: Final = """
SELECT alert_id, maintenance_id FROM ioc.alert WHERE alert_id = ANY (%s) AND cleared_at IS NULL
ORDER BY rule_id, key FOR NO KEY UPDATE
"""
_MARK: Final = """
UPDATE ioc.alert a SET maintenance_id = n.maintenance_id, changed_at = %s
FROM unnest(%s::bigint[], %s::bigint[]) AS n (alert_id, maintenance_id) WHERE a.alert_id = n.alert_id
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether a window covers an alert.

    :param subjects: its members now.
    """

    rule: str
    unit_id: int | None = None
    point: str | None = None
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Marked:
    """Alerts that a window began to cover, and those that none covers any more."""

    began: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()


# -- pure -----------------------------------------------------------------------------------------------


def until(window: Window, now: datetime) -> datetime | None:
    """When the occurrence that holds now ends, in UTC; of several at a time the last. None: none holds."""
    if window.withdrawn_at is not None and window.withdrawn_at <= now:
        return None
    if window.recurs is None:
        end = window.starts_at + window.length
        return end.astimezone(UTC) if window.starts_at <= now < end else None
    # an occurrence that began just now holds, and one that ends now does not
    instant = timedelta(microseconds=1)
    begins = recurrence.begins(
        window.recurs,
        window.starts_at,
        ZoneInfo(window.time_zone),
        max(now - window.length + instant, window.starts_at),
        now + instant,
    )
    return begins[-1] + window.length if begins else None


def next_time(window: Window, now: datetime) -> tuple[datetime, datetime] | None:
    """Begin and end of the occurrence that holds now, else of the next one; None: there is none any more."""
    end = until(window, now)
    if end is not None:
        return end - window.length, end
    if window.withdrawn_at is not None:
        return None
    if window.recurs is None:
        begin = window.starts_at.astimezone(UTC) if window.starts_at > now else None
    else:
        begin = recurrence.next_begin(
            window.recurs, window.starts_at, ZoneInfo(window.time_zone), max(now, window.starts_at)
        )
    return None if begin is None else (begin, begin + window.length)


def fits(window: Window, alert: Facts) -> bool:
    """Whether a window is about an alert, at whatever time. One that names subjects covers an alert of these alone."""
    return (
        (not window.rules or alert.rule in window.rules)
        and (not window.units or alert.unit_id in window.unit_ids)
        and (not window.points or alert.point in window.points)
        and (not window.subjects or (bool(alert.subjects) and set(alert.subjects) <= set(window.subjects)))
    )


def covering(windows: Iterable[Window], alert: Facts, now: datetime) -> tuple[int, datetime] | None:
    """The window that covers an alert now, and until when; of several the one that lasts longest."""
    found: tuple[int, datetime] | None = None
    for window in windows:
        if not fits(window, alert):
            continue
        end = until(window, now)
        if end is not None and (found is None or end > found[1]):
            found = window.id, end
    return found


# -- steps ----------------------------------------------------------------------------------------------


def in_force(now: datetime) -> Steps[list[Window]]:
    """Steps to the windows that hold now or may again."""
    rows = yield _IN_FORCE, {"now": now}
    return [replace(window_of(row[:-1]), unit_ids=frozenset(row[-1])) for row in rows]


def covered(alerts: Collection[int], now: datetime) -> Steps[dict[int, tuple[int, datetime]]]:
    """Steps to those of the alerts that a window covers now: the window's number, and until when."""
    windows = (yield from _holding(now)) if alerts else []
    if not windows:
        return {}
    facts = yield from _facts(windows, list(alerts))
    return {
        alert: found
        for alert, (about, _) in facts.items()
        if (found := covering(windows, about, now)) is not None
    }


def mark(now: datetime) -> Steps[Marked]:
    """Steps that write on the open alerts which window covers each, for a transaction that may write.

    What was put off while a window held is due again when it ends.
    """
    windows = yield from _holding(now)
    if not windows:
        ((any_marked,),) = yield _ANY_MARKED, ()
        if not any_marked:
            return Marked()
    facts = yield from _facts(windows, None)
    found = {alert: covering(windows, about, now) for alert, (about, _) in facts.items()}
    wanted = {alert: None if one is None else one[0] for alert, one in found.items()}
    moved = [alert for alert, (_, marked) in facts.items() if marked != wanted[alert]]
    if not moved:
        return Marked()
    locked = yield _LOCK, (moved,)
    yield _MARK, (now, [alert for alert, _ in locked], [wanted[alert] for alert, _ in locked])
    began: dict[int, dict[str, Any]] = {}
    ended: dict[int, dict[str, Any]] = {}
    for alert, before in locked:
        one = found[alert]
        if one is None:
            ended[alert] = {"maintenance": before}
        else:
            began[alert] = {"maintenance": one[0], "until": one[1].isoformat()}
    if began:
        yield from calling.note(began, "maintenance_began", "system", now)
    if ended:
        yield from calling.wake(list(ended), now)
        yield from calling.note(ended, "maintenance_ended", "system", now)
    return Marked(tuple(began), tuple(ended))


def _holding(now: datetime) -> Steps[list[Window]]:
    windows = yield from in_force(now)
    return [window for window in windows if until(window, now) is not None]


def _facts(windows: Iterable[Window], alerts: list[int] | None) -> Steps[dict[int, tuple[Facts, int | None]]]:
    members = any(window.subjects for window in windows)
    rows = yield _FACTS, {"members": members, "alerts": alerts}
    return {
        number: (Facts(rule, unit, point, tuple(subjects) or (subject,)), marked)
        for number, rule, unit, point, marked, subjects, subject in rows
    }
