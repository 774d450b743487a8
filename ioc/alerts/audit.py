"""Who did what: to alerts, to duty and to maintenance windows, in one list, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.alerts import windows
from ioc.alerts.actions import SEEN
from ioc.history.dossiers import moments
from ioc.kpi.query import Steps

# Each part brings its own newest entries from its index; of all of them the newest are given. A row that was made and
# withdrawn is two entries. Changes of duty are seen by those who see the roster; leave is of none.
_PARTS: Final = {
    "alert": f"""
        SELECT e.at, 'alert.' || e.kind AS what, e.event_id AS id, e.actor, 'alert:' || e.alert_id AS about,
               jsonb_build_object('rule', r.code, 'subject', a.subject) || e.detail AS detail
        FROM ioc.alert_event e JOIN ioc.alert a USING (alert_id) JOIN ioc.alert_rule r USING (rule_id)
        WHERE {SEEN}""",  # noqa: S608
    "maintenance.made": f"""
        SELECT m.made_at AS at, 'maintenance.made' AS what, m.maintenance_id AS id, m.made_by AS actor,
               'maintenance:' || m.maintenance_id AS about,
               jsonb_build_object('name', m.name, 'reason', m.reason) AS detail
        FROM ioc.maintenance m WHERE {windows.SEEN}""",  # noqa: S608
    "maintenance.withdrawn": f"""
        SELECT m.withdrawn_at AS at, 'maintenance.withdrawn' AS what, m.maintenance_id AS id, m.withdrawn_by AS actor,
               'maintenance:' || m.maintenance_id AS about, jsonb_build_object('name', m.name) AS detail
        FROM ioc.maintenance m WHERE m.withdrawn_at IS NOT NULL AND {windows.SEEN}""",  # noqa: S608
    "duty.made": """
        SELECT c.made_at AS at, 'duty.' || c.kind AS what, c.change_id AS id, c.made_by AS actor,
               'duty:' || c.change_id AS about, c.detail
        FROM changes c WHERE true""",
    "duty.withdrawn": """
        SELECT c.withdrawn_at AS at, 'duty.withdrawn' AS what, c.change_id AS id, c.withdrawn_by AS actor,
               'duty:' || c.change_id AS about, c.detail
        FROM changes c WHERE c.withdrawn_at IS NOT NULL""",
}
_CHANGES: Final = """
WITH changes AS NOT MATERIALIZED (
    SELECT c.*, jsonb_strip_nulls(jsonb_build_object('roster', c.roster, 'layer', c.layer,
               'person', nullif(c.person, ''), 'other', c.other, 'from', c.starts_at, 'to', c.ends_at,
               'reason', c.reason)) AS detail
    FROM ioc.duty_change c
    WHERE ioc.reader_sees_all(%(reader)s) OR c.roster = ANY (%(rosters)s)
)
"""
_ROSTERS: Final = """
SELECT DISTINCT x.roster->'roster'->>'code'
FROM ioc.duty_edition e CROSS JOIN LATERAL jsonb_array_elements(e.rosters) AS x (roster)
WHERE x.roster->>'unit' IN (SELECT s.code FROM ioc.unit_scope(%(reader)s, NULL) s)
"""
_BOUNDS: Final = """
 AND (%(actor)s::text IS NULL OR p.actor = %(actor)s)
 AND (%(start)s::timestamptz IS NULL OR p.at >= %(start)s) AND (%(end)s::timestamptz IS NULL OR p.at < %(end)s)
 AND (%(after)s::timestamptz IS NULL OR p.at <= %(after)s
      AND (p.at, p.what, p.id) < (%(after)s, %(after_what)s, %(after_id)s))
"""
#: Left out of the trail of what people did; as the index has it.
_BY_PEOPLE: Final = " AND p.actor <> 'system'"


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The last entry of a page."""

    at: datetime
    what: str
    id: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody did.

    :param what: ``alert.acknowledged``, ``maintenance.made``, ``duty.replace`` and the like.
    :param about: ``alert:NUMBER``, ``maintenance:NUMBER`` or ``duty:NUMBER``.
    """

    at: datetime
    what: str
    id: int
    actor: str
    about: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trail:
    """One page."""

    entries: list[Entry]
    next: Place | None
    zone: ZoneInfo


def trail(
    reader: str,
    *,
    actor: str | None = None,
    start: str | None = None,
    end: str | None = None,
    platform: bool = False,
    after: Place | None = None,
    limit: int = 200,
) -> Steps[Trail]:
    """Steps to what was done, within what the reader may know of.

    :param actor: a reader's name or a person's code; everybody.
    :param platform: with what the platform did to alerts by itself.
    :raises BadQuestionError: a moment can't be read.
    """
    ((zone_name,),) = yield "SELECT ioc.unit_zone(%s, NULL)", (reader,)
    zone = ZoneInfo(zone_name)
    low, high = moments(start, end, zone)
    rosters = yield _ROSTERS, {"reader": reader}
    bounds = _BOUNDS if platform else _BY_PEOPLE + _BOUNDS
    parts = " UNION ALL ".join(
        f"(SELECT * FROM ({part}) p WHERE true {bounds} ORDER BY p.at DESC, p.what DESC, p.id DESC LIMIT %(limit)s)"  # noqa: S608
        for part in _PARTS.values()
    )
    rows = yield (
        f"{_CHANGES} SELECT * FROM ({parts}) p ORDER BY p.at DESC, p.what DESC, p.id DESC LIMIT %(limit)s",  # noqa: S608
        {
            "reader": reader,
            "rosters": [code for (code,) in rosters],
            "actor": actor,
            "start": low,
            "end": high,
            "after": after and after.at,
            "after_what": after and after.what,
            "after_id": after and after.id,
            "limit": limit + 1,
        },
    )
    found = [Entry(*row) for row in rows[:limit]]
    last = found[-1] if len(rows) > limit else None
    return Trail(found, None if last is None else Place(last.at, last.what, last.id), zone)
