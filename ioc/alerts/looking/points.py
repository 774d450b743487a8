"""Reception points of which nothing is up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast

from ioc.alerts import conditions, keys
from ioc.alerts.book import RuleBook
from ioc.alerts.conditions import DEVICE_KINDS, DEVICE_STATES, DeviceRow, flags_of
from ioc.alerts.looking.kept import Signals
from ioc.alerts.model import Kind, Observation, Rule, SiteCondition
from ioc.kpi.query import Steps

#: Columns of a device's newest state, for :func:`device_row`.
DEVICE_COLUMNS: Final = (
    "d.code, d.kind, s.state, s.since, s.valid_until, s.flags, s.clients, s.reason, s.unit_id, d.point_code"
)
#: Of devices that are in the pack on a day, or in none.
VALID: Final = "coalesce(d.valid_from <= %(today)s, true) AND coalesce(%(today)s < d.valid_to, true)"
_SITES: Final = f"""
SELECT {DEVICE_COLUMNS} FROM ioc.device d JOIN ioc.device_state s USING (device_id)
WHERE {VALID} AND d.point_code IN (
    SELECT o.point_code FROM ioc.device_state a JOIN ioc.device o USING (device_id)
    WHERE a.state IN (0, 3) AND a.state = 3 AND o.point_code IS NOT NULL
    UNION ALL SELECT unnest(%(points)s::text[]))
ORDER BY d.point_code, d.code
"""  # noqa: S608 - names above


def device_row(row: Sequence[Any]) -> DeviceRow:
    """The row of :data:`DEVICE_COLUMNS` as conditions know it."""
    code, kind, state, since, valid_until, flags, clients, reason, unit_id, point = row
    word = DEVICE_KINDS[kind]
    return DeviceRow(
        code=code,
        kind=word,
        state=DEVICE_STATES[state],
        since=since,
        valid_until=valid_until,
        flags=flags_of(word, flags),
        clients=clients,
        reason=reason,
        unit_id=unit_id,
        point=point,
    )


def rules(book: RuleBook) -> Sequence[Rule]:
    """The rules about points."""
    return book.of(Kind.SITE)


def look(book: RuleBook, signals: Signals, now: datetime) -> Steps[list[Observation]]:
    """Steps to how points stand of which a device is down, or of which there are signals."""
    known = sorted({subject.removeprefix("point:") for _, subject in signals})
    rows = yield _SITES, {"today": now.date(), "points": known}
    points: dict[str, list[DeviceRow]] = defaultdict(list)
    for row in map(device_row, rows):
        points[row.point or ""].append(row)
    return [
        conditions.site(cast("SiteCondition", rule.condition), devices, now).observed(
            rule.code, keys.point(point), devices[0].unit_id, point
        )
        for rule in rules(book)
        for point, devices in points.items()
        if book.covers(rule, devices[0].unit_id)
    ]
