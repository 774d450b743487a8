"""What people are told of duty by itself: hand-overs to those who come and go, and what will be lacking ahead.

:meth:`Notices.due` runs in the transaction of whoever delivers: what it returns is marked as told in that transaction
(``ioc.duty_notice``), so that with the messages all of it is stored or nothing, and a restart or a second process
changes nothing. The line in the shift log at each hand-over is written on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ioc.alerts.model import Severity
from ioc.duty.handover import HandOver, hand_overs
from ioc.duty.model import Plan
from ioc.duty.store import plan_of
from ioc.duty.telling import gap_content, hand_over_content, log_line
from ioc.duty.timeline import Timeline, compute
from ioc.duty.warning import DutyWarning, WarningKind, warnings_of
from ioc.kpi.query import SYSTEM_READER, Steps

#: So long before a hand-over those who come and go are told.
LEAD: Final = timedelta(minutes=15)
#: What could not be told by then is not told any more to those who came, and to those who went.
LATE: Final = timedelta(hours=6)
LATE_LEAVING: Final = timedelta(hours=1)
#: How long before it begins a lack is told: once for each of these, and again when it changed.
LEVELS: Final = (timedelta(days=14), timedelta(days=3), timedelta(days=1))
_SEVERITIES: Final = (Severity.WARNING, Severity.WARNING, Severity.MAJOR)
#: Times that are looked at: enough for a lack to keep its begin and end while the clock goes on.
_BACK: Final = timedelta(days=15)
_AHEAD: Final = timedelta(days=45)
_LONGEST_REST: Final = timedelta(days=1)
_KEPT: Final = timedelta(days=400)
_BEFORE: Final = "before"
_LOCK: Final = 0x696F6366

_TOLD: Final = (
    "SELECT key, roster, at, person FROM ioc.duty_notice"
    " WHERE kind IN ('hand_over', 'stand_down') AND at > %s"
)
#: Those of these keys, and all that begin so and are of a lack that has lasted since before this moment.
_TOLD_GAPS: Final = (
    "SELECT key FROM ioc.duty_notice WHERE key = ANY (%s) UNION ALL SELECT key FROM ioc.duty_notice WHERE kind = 'gap'"
    " AND at <= %s AND EXISTS (SELECT FROM unnest(%s::text[]) AS p (prefix) WHERE starts_with(key, prefix))"
)
_LOGGED: Final = "SELECT max(at) FROM ioc.duty_notice WHERE kind = 'log'"
_MARK: Final = (
    "INSERT INTO ioc.duty_notice (key, kind, roster, at, person, told_at)"
    " SELECT u.*, %s FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])"
    " AS u (key, kind, roster, at, person) ORDER BY 1 ON CONFLICT (key) DO NOTHING RETURNING key"
)
_LOG: Final = (
    "INSERT INTO ioc.duty_log (roster, at, author, text)"
    " SELECT u.roster, u.at, 'system', u.text FROM unnest(%s::text[], %s::timestamptz[], %s::text[])"
    " WITH ORDINALITY AS u (roster, at, text, place) ORDER BY u.at, u.place RETURNING entry_id"
)
_FORGET: Final = "DELETE FROM ioc.duty_notice WHERE at < %s RETURNING key"


@dataclass(frozen=True)
class Notice:
    """Something that people are to be told, once.

    :param key: the same for the same notice, for ever; a message's own key adds the person and the channel to it.
    :param kind: ``hand_over`` or ``gap``, as the outbox calls them.
    :param people: codes of those who are told; empty where nobody is on duty: then it is for whoever stands in.
    :param content: ``subject_vi``, ``subject_en``, ``lines_vi``, ``lines_en``, ready to be shown, and the same as data.
        No name and no address is in it; people appear by their codes.
    """

    key: str
    kind: str
    severity: Severity
    roster: str
    at: datetime
    people: tuple[str, ...]
    content: dict[str, Any]


@dataclass(frozen=True)
class _Row:
    """A mark that something was told; the notice that goes with it, if it is one of its own."""

    key: str
    kind: str
    roster: str
    at: datetime
    person: str | None = None
    notice: Notice | None = None
    line: str | None = None


class Notices:
    """Remembers, in one process, until when nothing can be due: asking each second costs one small question."""

    def __init__(self) -> None:
        self._rest: tuple[int, datetime, datetime] | None = None

    def due(self, now: datetime) -> Steps[tuple[Notice, ...]]:
        """Steps to what has to be told at ``now``; marked as told with the transaction that they run in."""
        ((version,),) = yield "SELECT version FROM ioc.duty_version", ()
        rest = self._rest
        if rest is not None and rest[0] == version and rest[1] <= now < rest[2]:
            return ()
        self._rest = None
        ((free,),) = yield "SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,)
        if not free:  # another process is at it, and tells what is due
            return ()
        ((logged,),) = yield _LOGGED, ()
        plan = yield from plan_of(SYSTEM_READER, now - _BACK, now + _AHEAD)
        lines = [
            compute(plan, roster, now - _BACK, now + _AHEAD)
            for roster in plan.rosters_in(now - _BACK, now + _AHEAD)
        ]
        overs = {line.roster.code: hand_overs(line) for line in lines}
        gaps = {line.roster.code: _gaps(plan, line) for line in lines}
        told = yield _TOLD, (now - LATE,)
        rows = [*_hand_over_rows(plan, lines, overs, told, now), *_log_rows(plan, overs, logged, now)]
        rows += yield from _gap_rows(lines, gaps, now)
        marked = yield from _mark(rows, now)
        yield _FORGET, (now - _KEPT,)
        if not marked:  # kept only then: what was told may be rolled back
            self._rest = version, now, _rest_until(overs, gaps, now)
        return tuple(row.notice for row in rows if row.notice is not None and row.key in marked)


# -- hand-overs -----------------------------------------------------------------------------------------


def _hand_over_rows(
    plan: Plan,
    lines: Sequence[Timeline],
    overs: dict[str, list[HandOver]],
    told: Sequence[Sequence[Any]],
    now: datetime,
) -> Iterator[_Row]:
    keys = {row[0] for row in told}
    right: set[str] = set()
    for line in lines:
        on = line.at(now)
        for over in overs[line.roster.code]:
            if not now - LATE < over.at <= now + LEAD:
                continue
            there = over.arriving if over.at > now else [p for p in over.arriving if p in on.of(over.layer)]
            gone = over.leaving if over.at > now - LATE_LEAVING else ()
            for role, people, due in (("arrives", over.arriving, there), ("leaves", over.leaving, gone)):
                for person in people:
                    key = _turn(f"{_stem(over)}:{role}:{person}", keys)
                    right.add(key)
                    if person in due:
                        content = hand_over_content(line.roster, over, role)
                        yield _row(key, "hand_over", over, (person,), content, Severity.INFO)
    rosters = {line.roster.code: line.roster for line in lines}
    for key, roster, at, person in told:
        # told, and changed since: whoever waits for it, or just came, must know
        if (
            at > now - LATE_LEAVING
            and key not in right
            and not key.endswith(":down")
            and f"{key}:down" not in keys
        ):
            known = rosters.get(roster) or plan.roster(roster)
            if known is not None:
                _, _, layer, _, role, *_ = key.split(":")
                over = HandOver(roster, layer, at, (), (), (), None)
                content = hand_over_content(known, over, "stands_down" if role == "arrives" else "stays_on")
                yield _row(f"{key}:down", "stand_down", over, (person,), content, Severity.INFO)


def _stem(over: HandOver) -> str:
    return f"hand_over:{over.roster}:{over.layer}:{_stamp(over.at)}"


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"


def _turn(base: str, keys: set[str]) -> str:
    """The key of a notice that may have been taken back and be due again."""
    turn = 0
    while f"{base}#{turn}:down" in keys:
        turn += 1
    return f"{base}#{turn}"


def _row(
    key: str, kind: str, over: HandOver, people: tuple[str, ...], content: dict[str, Any], severity: Severity
) -> _Row:
    notice = Notice(key, "hand_over", severity, over.roster, over.at, people, content)
    return _Row(key, kind, over.roster, over.at, people[0], notice)


def _log_rows(
    plan: Plan, overs: dict[str, list[HandOver]], logged: datetime | None, now: datetime
) -> Iterator[_Row]:
    since = max(now - _BACK, logged) if logged is not None else now - LATE
    for code, found in overs.items():
        roster = plan.roster(code)
        for over in found:
            if roster is not None and since <= over.at <= now:
                line = log_line(roster, over)
                yield _Row(f"log:{_stem(over)}", "log", code, over.at, line=line)


# -- what is lacking ------------------------------------------------------------------------------------


def _gaps(plan: Plan, line: Timeline) -> list[DutyWarning]:
    """Gaps, and shifts with too few people that lie in none of them."""
    found = [one for one in warnings_of(plan, line) if one.kind is not WarningKind.MISSING]
    empty = [one for one in found if one.kind is WarningKind.GAP]
    return [
        one
        for one in found
        if one.kind is WarningKind.GAP
        or not any(gap.start <= one.start and one.end <= gap.end for gap in empty)
    ]


def _gap_rows(
    lines: Sequence[Timeline], gaps: dict[str, list[DutyWarning]], now: datetime
) -> Steps[list[_Row]]:
    due: list[tuple[str, int, Timeline, DutyWarning]] = []
    long: list[tuple[str, str]] = []
    for line in lines:
        for gap in gaps[line.roster.code]:
            level = _level(gap, now)
            if gap.end > now and level is not None:
                key = _gap_key(line, gap, level)
                due.append((key, level, line, gap))
                if gap.start <= line.start:
                    long.append((key, ":".join(key.split(":")[:5]) + ":"))
    asked = ([key for key, *_ in due], now - _BACK, [prefix for _, prefix in long])
    told = {row[0] for row in (yield _TOLD_GAPS, asked)} if due else set()
    # told while its begin was still looked at
    told.update(key for key, prefix in long if any(one.startswith(prefix) for one in told))
    found: list[_Row] = []
    for line in lines:
        new = [(key, level, gap) for key, level, of, gap in due if of is line and key not in told]
        if not new:
            continue
        notice = Notice(
            f"{new[0][0]}+{len(new) - 1}" if len(new) > 1 else new[0][0],
            "gap",
            max(_SEVERITIES[level] for _, level, _ in new),
            line.roster.code,
            min(gap.start for *_, gap in new),
            _concerned(line, now),
            gap_content(line.roster, [gap for *_, gap in new], now),
        )
        for place, (key, _, gap) in enumerate(new):
            found.append(_Row(key, "gap", line.roster.code, gap.start, notice=None if place else notice))
    return found


def _level(gap: DutyWarning, now: datetime) -> int | None:
    reached = [place for place, before in enumerate(LEVELS) if now >= gap.start - before]
    return max(reached, default=None)


def _gap_key(line: Timeline, gap: DutyWarning, level: int) -> str:
    # Beyond what is looked at a lack has no edge: one that moved with the clock would be told again and again.
    start = _BEFORE if gap.start <= line.start else _stamp(gap.start)
    end = "open" if gap.end >= line.end else _stamp(gap.end)
    place = ":".join((gap.kind.value, gap.roster, gap.layer or "", gap.shift or ""))
    return f"gap:{place}:{start}:{end}:{gap.here}/{gap.needs}:{LEVELS[level].days}d"


def _concerned(line: Timeline, now: datetime) -> tuple[str, ...]:
    """Everybody who is on duty now; when nobody is, those who are next."""
    spans: Iterable[tuple[str, ...]] = (span.people for span in line.spans if span.end > now)
    return next((people for people in spans if people), ())


# -- marking --------------------------------------------------------------------------------------------


def _mark(rows: Sequence[_Row], now: datetime) -> Steps[set[str]]:
    """Keys of those rows that nobody marked before."""
    if not rows:
        return set()
    columns = [[getattr(row, name) for row in rows] for name in ("key", "kind", "roster", "at", "person")]
    marked = {row[0] for row in (yield _MARK, (now, *columns))}
    lines = [row for row in rows if row.line is not None and row.key in marked]
    if lines:
        yield _LOG, ([r.roster for r in lines], [r.at for r in lines], [r.line for r in lines])
    return marked


def _rest_until(
    overs: dict[str, list[HandOver]], gaps: dict[str, list[DutyWarning]], now: datetime
) -> datetime:
    moments = [at for found in overs.values() for over in found for at in (over.at, over.at - LEAD)]
    moments += [gap.start - before for found in gaps.values() for gap in found for before in LEVELS]
    return min((at for at in moments if at > now), default=now + _LONGEST_REST)
