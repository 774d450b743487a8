"""Making, withdrawing and listing maintenance windows.

A reader of one unit makes windows for units below his own only, and sees those alone; one without units is of the
whole district. The table is the trail: who made a window, who withdrew it, and when.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from ioc.alerts import maintenance, recurrence, writing
from ioc.alerts.errors import AlertError, UnknownMaintenanceError
from ioc.alerts.window import COLUMNS, Window, window_of
from ioc.kpi.query import Steps
from ioc.kpi.question import read_moment

_LONGEST: Final = timedelta(days=3660)
_MOST_IN_FORCE: Final = 1000
_LOCK: Final = 0x696F6307
_SUBJECT: Final = re.compile(
    r"(device|dossier|point|kpi|connector|topic|process|reading|synthetic|unit):\S.{0,250}"
)
#: Windows (as ``m``) that a reader may know of.
SEEN: Final = (
    "(ioc.reader_sees_all(%(reader)s) OR (m.units <> '{}' AND m.units <@ ARRAY("
    "SELECT u.code FROM ioc.reader_units(%(reader)s) r JOIN ioc.unit u USING (unit_id))))"
)
_KNOWN: Final = """
SELECT ARRAY(SELECT code FROM ioc.alert_rule WHERE code = ANY (%(rules)s) AND NOT retired),
       ARRAY(SELECT u.code FROM ioc.reader_units(%(reader)s) r JOIN ioc.unit u USING (unit_id)
             WHERE u.code = ANY (%(units)s)),
       ARRAY(SELECT p.code FROM ioc.point p JOIN ioc.unit u ON u.code = p.unit_code
             JOIN ioc.reader_units(%(reader)s) r USING (unit_id) WHERE p.code = ANY (%(points)s)),
       ioc.reader_sees_all(%(reader)s), ioc.unit_zone(%(reader)s, NULL),
       (SELECT count(*) FROM ioc.maintenance WHERE withdrawn_at IS NULL
          AND (recurs IS NOT NULL OR starts_at + length_s * interval '1 second' > %(now)s))
"""
_INSERT: Final = f"""
INSERT INTO ioc.maintenance AS m (name, rules, units, points, subjects, starts_at, length_s, recurs, time_zone, reason,
    made_at, made_by)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {COLUMNS}
"""  # noqa: S608 - of names above
_ONE: Final = f"SELECT {COLUMNS} FROM ioc.maintenance m WHERE m.maintenance_id = %(id)s AND {SEEN} FOR UPDATE"  # noqa: S608
_WITHDRAW: Final = f"""
UPDATE ioc.maintenance m SET withdrawn_at = %s, withdrawn_by = %s WHERE m.maintenance_id = %s RETURNING {COLUMNS}
"""  # noqa: S608 - of names above
_LIST: Final = f"""
SELECT {COLUMNS} FROM ioc.maintenance m
WHERE {SEEN} AND (%(ended)s OR (m.withdrawn_at IS NULL
      AND (m.recurs IS NOT NULL OR m.starts_at + m.length_s * interval '1 second' > %(now)s)))
  AND (%(after)s::bigint IS NULL OR m.maintenance_id < %(after)s)
ORDER BY m.maintenance_id DESC LIMIT %(limit)s
"""  # noqa: S608 - of names above
_ABOVE: Final = """
SELECT n.code FROM unnest(%s::text[]) AS n (code) WHERE EXISTS (SELECT FROM ioc.unit_tree(n.code) t WHERE t.code = %s)
"""

_Codes: TypeAlias = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=300)], ...], msgspec.Meta(max_length=500)
]
_Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=2000)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A window as it is asked for; moments as typed, in the district's zone where they have no offset.

    :param start: when it begins first. ``end``: when that time is over; or ``hours``: how long it lasts.
    """

    name: Annotated[str, msgspec.Meta(max_length=1000)]
    start: Annotated[str, msgspec.Meta(max_length=100)] = msgspec.field(name="from")
    end: Annotated[str, msgspec.Meta(max_length=100)] | None = msgspec.field(default=None, name="to")
    hours: float | None = None
    recurs: _Text | None = None
    rules: _Codes = ()
    units: _Codes = ()
    points: _Codes = ()
    subjects: _Codes = ()
    reason: str = ""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The last window of a page."""

    id: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Known:
    """A window, and what is known of it at the moment of asking.

    :param next: begin and end of the time that holds now, else of the next one.
    """

    window: Window
    next: tuple[datetime, datetime] | None
    holds: bool


def create(reader: str, wanted: Wanted, actor: str, now: datetime) -> Steps[Known]:
    """Steps that make a window and mark the alerts that it covers, for a transaction that may write.

    :param actor: who makes it, for the trail.
    :raises AlertError: it makes no sense, is over, or covers more than the reader may.
    """
    yield "SELECT pg_advisory_xact_lock(%s)", (_LOCK,)
    ((rules, units, points, sees_all, zone_name, in_force),) = yield (
        _KNOWN,
        {
            "reader": reader,
            "rules": list(wanted.rules),
            "units": list(wanted.units),
            "points": list(wanted.points),
            "now": now,
        },
    )
    for what, asked, known in (
        ("rule", wanted.rules, rules),
        ("unit", wanted.units, units),
        ("point", wanted.points, points),
    ):
        _check_known(what, asked, known)
    for subject in wanted.subjects:
        if not _SUBJECT.fullmatch(writing.name(subject, "subject")):
            raise AlertError(
                f"{subject[:80]!r} is no subject.", remedy="Write device:cam-04 or dossier:CODE."
            )
    if not sees_all and not wanted.units:
        raise AlertError(
            "A window without units is of the whole district.", remedy="Name units of your own under units."
        )
    if in_force >= _MOST_IN_FORCE:
        raise AlertError(f"{in_force} windows are in force already.", remedy="Withdraw some first.")
    window = replace(_window(wanted, ZoneInfo(zone_name), now), made_by=writing.name(actor, "actor"))
    rows = yield (
        _INSERT,
        (
            window.name,
            list(window.rules),
            list(window.units),
            list(window.points),
            list(window.subjects),
            window.starts_at,
            window.length.total_seconds(),
            window.recurs,
            window.time_zone,
            window.reason,
            now,
            window.made_by,
        ),
    )
    yield from maintenance.mark(now)
    return _known(window_of(rows[0]), now)


def withdraw(reader: str, number: int, actor: str, now: datetime) -> Steps[tuple[Known, bool]]:
    """Steps that end a window for good; its row stays. Gives whether it was in force until now.

    :raises UnknownMaintenanceError: there is none that this reader may know of.
    """
    yield "SELECT pg_advisory_xact_lock(%s)", (_LOCK,)
    rows = [] if not 0 < number < 2**63 else (yield _ONE, {"reader": reader, "id": number})
    if not rows:
        raise UnknownMaintenanceError(
            f"There is no maintenance window {number}.", remedy="ioc maintenance list shows them."
        )
    window = window_of(rows[0])
    if window.withdrawn_at is not None:
        return _known(window, now), False
    rows = yield _WITHDRAW, (now, writing.name(actor, "actor"), number)
    yield from maintenance.mark(now)
    return _known(window_of(rows[0]), now), True


def listed(
    reader: str, now: datetime, *, ended: bool = False, after: Place | None = None, limit: int = 200
) -> Steps[tuple[list[Known], Place | None]]:
    """Steps to the windows that a reader may know of, newest first; without those that are over unless asked for."""
    rows = yield (
        _LIST,
        {"reader": reader, "now": now, "ended": ended, "after": after and after.id, "limit": limit + 1},
    )
    found = [_known(window_of(row), now) for row in rows[:limit]]
    return found, Place(found[-1].window.id) if len(rows) > limit else None


def about_device(reader: str, now: datetime, code: str, unit: str, point: str | None) -> Steps[list[Known]]:
    """Steps to the windows in force or to come that cover alerts of a device, of those that a reader may know of.

    :param code: the device's; ``unit``, ``point``: where it is.
    """
    found, _ = yield from listed(reader, now, limit=_MOST_IN_FORCE)
    named = sorted({one for known in found for one in known.window.units})
    rows = yield (
        _ABOVE,
        (named, unit),
    )
    above = {row[0] for row in rows}
    return [
        known
        for known in found
        if (not known.window.subjects or f"device:{code}" in known.window.subjects)
        and (not known.window.points or point in known.window.points)
        and (not known.window.units or above & set(known.window.units))
    ]


def document(known: Known, zone: ZoneInfo) -> dict[str, Any]:
    """A window as every surface gives it, times in a zone."""
    window, ahead = known.window, known.next
    return {
        "id": window.id,
        "name": window.name,
        "from": window.starts_at.astimezone(zone),
        "length_s": window.length.total_seconds(),
        "recurs": window.recurs,
        "rules": window.rules,
        "units": window.units,
        "points": window.points,
        "subjects": window.subjects,
        "reason": window.reason,
        "holds": known.holds,
        "next": None
        if ahead is None
        else {"from": ahead[0].astimezone(zone), "to": ahead[1].astimezone(zone)},
        "made_at": window.made_at and window.made_at.astimezone(zone),
        "made_by": window.made_by,
        "withdrawn_at": window.withdrawn_at and window.withdrawn_at.astimezone(zone),
        "withdrawn_by": window.withdrawn_by,
    }


def check_subjects(subjects: Iterable[str]) -> None:
    """See that texts can be subjects of alerts.

    :raises AlertError: one can't.
    """
    for subject in subjects:
        if not _SUBJECT.fullmatch(writing.name(subject, "subject")):
            raise AlertError(
                f"{subject[:80]!r} is no subject.", remedy="Write device:cam-04 or dossier:CODE."
            )


def _known(window: Window, now: datetime) -> Known:
    return Known(window, maintenance.next_time(window, now), maintenance.until(window, now) is not None)


def _check_known(what: str, asked: Iterable[str], known: Sequence[str]) -> None:
    missing = sorted(set(asked) - set(known))
    if missing:
        shown = ", ".join(repr(code[:80]) for code in missing[:10])
        raise AlertError(
            f"There is no {what} {shown}.",
            remedy="Codes are those of the district pack; see ioc district check.",
        )


def _window(wanted: Wanted, zone: ZoneInfo, now: datetime) -> Window:
    start = read_moment(wanted.start, zone, what="from")
    # first: the calendar's first day has no moment in UTC
    if abs(start - now) > _LONGEST:
        raise AlertError(f"The window begins at {start.isoformat()}, more than ten years from now.")
    start = start.astimezone(UTC)
    length = _length(wanted, start, zone)
    window = Window(
        name=writing.name(wanted.name, "name"),
        rules=_once(wanted.rules),
        units=_once(wanted.units),
        points=_once(wanted.points),
        subjects=_once(wanted.subjects),
        starts_at=start,
        length=length,
        recurs=None if wanted.recurs is None else recurrence.read(wanted.recurs, start, zone),
        time_zone=zone.key,
        reason=writing.text(wanted.reason, "reason"),
    )
    if maintenance.next_time(window, now) is None:
        raise AlertError("The window is over already.", remedy="Give times of which some lie ahead.")
    return window


def _length(wanted: Wanted, start: datetime, zone: ZoneInfo) -> timedelta:
    if (wanted.end is None) == (wanted.hours is None):
        raise AlertError("The window has no end, or two.", remedy="Give either to or hours.")
    if wanted.end is not None:
        length = read_moment(wanted.end, zone, what="to") - start
    else:
        hours = wanted.hours or 0.0
        if not 0 < hours <= _LONGEST / timedelta(hours=1):
            raise AlertError(f"A window can't last {hours:g} hours.", remedy="Up to ten years are taken.")
        length = timedelta(hours=hours)
    if not timedelta(0) < length <= _LONGEST:
        raise AlertError(
            f"The window lasts {length}.", remedy="It ends after it begins, and within ten years."
        )
    return length


def _once(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))
