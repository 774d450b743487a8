"""From observations to signals to alerts: steps that run in whoever's transaction brings the news.

Two writers may meet on a signal (a partition and the evaluator's sweep) and on an alert (two partitions of one group).
Signals are locked in the order of their keys, then alerts in the order of theirs; the unique index of open alerts
decides who opens one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from ioc.alerts import calling, flapping, keys, machine, trail
from ioc.alerts.book import RuleBook
from ioc.alerts.encoding import policy_to_json
from ioc.alerts.machine import Turn
from ioc.alerts.model import Grouping, Observation, Phase, Rule, Signal
from ioc.alerts.trail import Event
from ioc.kpi.steps import Steps, as_rows

_Key = tuple[int, str]
"""Number of a rule, and a subject; or of a rule, and the key of an alert."""

_ENTER: Final = """
INSERT INTO ioc.alert_signal (rule_id, subject, phase, since)
SELECT rule_id, subject, 1, %s FROM unnest(%s::int[], %s::text[]) AS n (rule_id, subject) ORDER BY rule_id, subject
ON CONFLICT DO NOTHING RETURNING rule_id, subject
"""
_COLUMNS: Final = (
    "s.rule_id, s.subject, s.phase, s.since, s.due_at, s.ends_at, s.unit_id, s.point, s.value, s.detail::text,"
    " s.alert_id"
)
_LOCK: Final = f"""
SELECT {_COLUMNS} FROM ioc.alert_signal s
JOIN unnest(%s::int[], %s::text[]) AS n (rule_id, subject) USING (rule_id, subject)
ORDER BY s.rule_id, s.subject FOR UPDATE OF s
"""  # noqa: S608 - of names above
_DUE: Final = f"""
SELECT {_COLUMNS} FROM ioc.alert_signal s WHERE s.due_at <= %s AND s.rule_id = ANY (%s)
ORDER BY s.due_at LIMIT %s FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - of names above
_RETIRED: Final = f"""
SELECT {_COLUMNS} FROM ioc.alert_signal s JOIN ioc.alert_rule r USING (rule_id) WHERE r.retired
ORDER BY s.rule_id, s.subject LIMIT %s FOR UPDATE OF s
"""  # noqa: S608 - of names above
_DELETE: Final = """
DELETE FROM ioc.alert_signal s USING unnest(%s::int[], %s::text[]) AS n (rule_id, subject)
WHERE s.rule_id = n.rule_id AND s.subject = n.subject
"""
_WRITE: Final = """
UPDATE ioc.alert_signal s SET phase = n.phase, since = n.since, due_at = n.due_at, ends_at = n.ends_at,
    unit_id = n.unit_id, point = n.point, value = n.value, detail = n.detail, alert_id = n.alert_id
FROM jsonb_to_recordset(%s::jsonb) AS n (rule_id int, subject text, phase smallint, since timestamptz,
    due_at timestamptz, ends_at timestamptz, unit_id int, point text, value float8, detail jsonb, alert_id bigint)
WHERE s.rule_id = n.rule_id AND s.subject = n.subject
"""
# Those that may explain others are few and read once: one by one the planner would go through all alerts there are.
_OPEN: Final = """
WITH silencers AS MATERIALIZED (
    SELECT alert_id, rule_id, point FROM ioc.alert WHERE cleared_at IS NULL AND rule_id = ANY (%(silencers)s::int[])
)
INSERT INTO ioc.alert AS a (rule_id, key, severity, unit_id, point, subject, since, opened_at, members, joined, value,
    detail, inhibited_by, policy, changed_at)
SELECT n.rule_id, n.key, n.severity, n.unit_id, n.point, n.subject, n.since, %(now)s, n.members, n.members, n.value,
    n.detail, (
        SELECT min(i.alert_id) FROM silencers i
        WHERE (i.point IS NULL OR i.point = n.point)
          AND i.rule_id IN (SELECT x::int FROM jsonb_array_elements_text(n.silenced_by) AS x)
    ), n.policy, %(now)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS n (rule_id int, key text, severity smallint, unit_id int, point text,
    subject text, since timestamptz, members int, value float8, detail jsonb, policy jsonb, silenced_by jsonb)
ORDER BY n.rule_id, n.key
ON CONFLICT (rule_id, key) WHERE cleared_at IS NULL DO UPDATE
   SET members = a.members + excluded.members, joined = a.joined + excluded.members,
       severity = greatest(a.severity, excluded.severity), value = excluded.value, changed_at = excluded.changed_at
RETURNING a.alert_id, a.rule_id, a.key, a.xmax = 0, a.inhibited_by
"""
_FLAP: Final = """
INSERT INTO ioc.alert_flap AS f (rule_id, key, score, at)
SELECT rule_id, key, 1, %(now)s FROM unnest(%(rules)s::int[], %(keys)s::text[]) AS n (rule_id, key)
ORDER BY rule_id, key
ON CONFLICT (rule_id, key) DO UPDATE
   SET score = f.score * 2 ^ (-greatest(extract(epoch FROM %(now)s - f.at), 0) / %(half_life_s)s) + 1, at = %(now)s
RETURNING f.rule_id, f.key, f.score
"""
_CALL: Final = """
INSERT INTO ioc.alert_step (alert_id, due_at)
SELECT alert_id, due_at FROM unnest(%s::bigint[], %s::timestamptz[]) AS n (alert_id, due_at)
"""
_FLAPPING: Final = "UPDATE ioc.alert SET flapping = true WHERE alert_id = ANY (%s)"
_LOCK_ALERTS: Final = (
    "SELECT alert_id FROM ioc.alert WHERE alert_id = ANY (%s) ORDER BY rule_id, key FOR NO KEY UPDATE"
)
_LEAVE: Final = """
UPDATE ioc.alert a SET members = a.members - n.gone, changed_at = %(now)s,
    cleared_at = CASE WHEN a.members <= n.gone THEN %(now)s END
FROM unnest(%(alerts)s::bigint[], %(gone)s::int[]) AS n (alert_id, gone)
WHERE a.alert_id = n.alert_id AND a.cleared_at IS NULL RETURNING a.alert_id, a.cleared_at IS NOT NULL
"""
_UNCALL: Final = """
UPDATE ioc.alert_step SET state = 'cancelled', ended_at = %s, detail = '{"why": "cleared"}'
WHERE alert_id = ANY (%s) AND state = 'waiting'
"""
_LINK: Final = """
WITH pair AS (SELECT * FROM unnest(%(rules)s::int[], %(by)s::int[]) AS p (rule_id, by)),
silencers AS MATERIALIZED (
    SELECT p.rule_id, i.alert_id, i.point FROM ioc.alert i JOIN pair p ON p.by = i.rule_id WHERE i.cleared_at IS NULL
), explained AS (
    SELECT alert_id, min(by) AS by FROM (
        SELECT o.alert_id, i.alert_id AS by FROM ioc.alert o JOIN silencers i USING (rule_id, point)
        WHERE o.cleared_at IS NULL AND o.alert_id <> i.alert_id
        UNION ALL
        SELECT o.alert_id, i.by
        FROM (SELECT rule_id, min(alert_id) AS by FROM silencers WHERE point IS NULL GROUP BY rule_id) i
        JOIN ioc.alert o USING (rule_id) WHERE o.cleared_at IS NULL AND o.alert_id <> i.by
    ) AS found GROUP BY alert_id
), wrong AS (
    SELECT o.alert_id, e.by FROM ioc.alert o LEFT JOIN explained e USING (alert_id)
    WHERE o.cleared_at IS NULL AND o.inhibited_by IS DISTINCT FROM e.by
)
UPDATE ioc.alert a SET inhibited_by = n.by, changed_at = %(now)s FROM wrong n
WHERE a.alert_id = n.alert_id AND a.cleared_at IS NULL
RETURNING a.alert_id, a.inhibited_by
"""


@dataclass(frozen=True)
class Settled:
    """What a call changed."""

    opened: tuple[int, ...] = ()
    joined: tuple[int, ...] = ()
    """Alerts that were open and have more members now."""
    cleared: tuple[int, ...] = ()
    moved: int = 0
    """Signals that were entered, changed or taken away."""

    @property
    def changed(self) -> bool:
        return bool(self.opened or self.joined or self.cleared)


@dataclass
class _Moves:
    write: list[tuple[Signal, int | None]] = field(default_factory=list)
    gone: list[_Key] = field(default_factory=list)
    fired: list[Signal] = field(default_factory=list)
    left: Counter[int] = field(default_factory=Counter)

    def note(self, key: _Key, after: Signal | None, turn: Turn, alert: int | None) -> None:
        if turn is Turn.CLEARED and alert is not None:
            self.left[alert] += 1
            alert = None
        if after is None:
            self.gone.append(key)
        else:
            self.write.append((after, alert))
            if turn is Turn.FIRED:
                self.fired.append(after)


def settle(book: RuleBook, observations: Iterable[Observation], now: datetime) -> Steps[Settled]:
    """Steps that bring signals and alerts to what was observed, in the caller's transaction.

    :param observations: of rules that are not in the book nothing comes; of several of one subject the last counts.
    """
    seen = {
        (book.ids[observation.rule], observation.subject): observation
        for observation in observations
        if observation.rule in book.ids
    }
    if not seen:
        return Settled()
    order = sorted(seen)
    holding = [key for key in order if seen[key].holds]
    entered: set[_Key] = set()
    if holding:
        entered = {tuple(row) for row in (yield _ENTER, (now, *_columns(holding)))}
    rows = yield _LOCK, _columns(order)
    moves = _Moves()
    for row in rows:
        key: _Key = (row[0], row[1])
        observation = seen[key]
        rule = book.rules[observation.rule]
        before = None if key in entered else _signal(rule.code, row)
        after, turn = machine.observe(before, observation, rule, now, book.opens(rule))
        if after != before or key in entered:
            moves.note(key, after, turn, row[10])
    return (yield from _apply(book, moves, now))


def ripen(book: RuleBook, now: datetime, limit: int = 2000) -> Steps[Settled]:
    """Steps that move on the signals whose time came, at most ``limit`` of them; the longest due first."""
    codes = {number: code for code, number in book.ids.items()}
    rows = yield _DUE, (now, list(codes), limit)
    moves = _Moves()
    for row in rows:
        rule = book.rules[codes[row[0]]]
        after, turn = machine.ripen(_signal(rule.code, row), rule, now)
        moves.note((row[0], row[1]), after, turn, row[10])
    return (yield from _apply(book, moves, now))


def retire(book: RuleBook, now: datetime, limit: int = 2000) -> Steps[Settled]:
    """Steps that take away the signals of rules that are gone from the pack, and clear their alerts."""
    rows = yield _RETIRED, (limit,)
    moves = _Moves()
    for row in rows:
        moves.gone.append((row[0], row[1]))
        if row[10] is not None:
            moves.left[row[10]] += 1
    return (yield from _apply(book, moves, now))


def link(book: RuleBook, now: datetime) -> Steps[int]:
    """Steps that silence alerts which another open one explains, and release those which none does any more."""
    pairs = book.silences()
    rows = yield (
        _LINK,
        {"rules": [rule for rule, _ in pairs], "by": [by for _, by in pairs], "now": now},
    )
    yield from trail.note(
        [
            Event(alert, "released" if by is None else "inhibited", {} if by is None else {"by": by})
            for alert, by in rows
        ],
        now,
    )
    if rows:
        yield from trail.tell()
    return len(rows)


def _columns(order: Sequence[_Key]) -> tuple[list[int], list[str]]:
    return [rule for rule, _ in order], [subject for _, subject in order]


def _signal(rule: str, row: Sequence[Any]) -> Signal:
    return Signal(
        rule=rule,
        subject=row[1],
        phase=Phase(row[2]),
        since=row[3],
        due_at=row[4],
        ends_at=row[5],
        unit_id=row[6],
        point=row[7],
        value=row[8],
        detail=msgspec.json.decode(row[9]),
    )


def _apply(book: RuleBook, moves: _Moves, now: datetime) -> Steps[Settled]:
    if moves.gone:
        yield _DELETE, _columns(moves.gone)
    opened, joined, alerts = yield from _open(book, moves.fired, now)
    if moves.write:
        rows = [
            _row(book, signal, alerts.get(_subject(book, signal), alert)) for signal, alert in moves.write
        ]
        yield _WRITE, (as_rows(rows),)
    cleared = yield from _leave(moves.left, now)
    settled = Settled(tuple(opened), tuple(joined), tuple(cleared), len(moves.gone) + len(moves.write))
    if settled.changed:
        yield from trail.tell()
    return settled


def _subject(book: RuleBook, signal: Signal) -> _Key:
    return book.ids[signal.rule], signal.subject


def _open(
    book: RuleBook, fired: Sequence[Signal], now: datetime
) -> Steps[tuple[list[int], list[int], dict[_Key, int]]]:
    """Open alerts for signals that fired, or join those that are open; gives the alert of each signal too."""
    if not fired:
        return [], [], {}
    groups: dict[_Key, list[Signal]] = {}
    for signal in fired:
        rule = book.rules[signal.rule]
        key = keys.of_alert(rule, signal.subject, signal.unit_id, signal.point)
        groups.setdefault((book.ids[signal.rule], key), []).append(signal)
    found: list[tuple[int, int, str, bool, int | None]] = []
    # those that silence come first: the others are to find them open
    for silenced in (False, True):
        rows = [
            _alert(book, key, members)
            for key, members in groups.items()
            if bool(book.rules[members[0].rule].inhibited_by) is silenced
        ]
        if rows:
            silencers = sorted({number for row in rows for number in row["silenced_by"]})
            found += yield _OPEN, {"rows": as_rows(rows), "silencers": silencers, "now": now}
    opened = [row for row in found if row[3]]
    held = yield from _damp(opened, now)
    yield from _call(book, opened, held, groups, now)
    yield from trail.note(
        [
            Event(
                alert,
                "opened" if is_new else "joined",
                _told(groups[rule_id, key]) | ({"inhibited_by": by} if is_new and by is not None else {}),
            )
            for alert, rule_id, key, is_new, by in found
        ],
        now,
    )
    by_key = {(row[1], row[2]): row[0] for row in found}
    return (
        [row[0] for row in opened],
        [row[0] for row in found if not row[3]],
        {_subject(book, signal): by_key[key] for key, members in groups.items() for signal in members},
    )


def _damp(opened: Sequence[tuple[Any, ...]], now: datetime) -> Steps[dict[_Key, datetime]]:
    """Count openings; gives until when nobody is called for those that come and go."""
    if not opened:
        return {}
    rows = yield (
        _FLAP,
        {
            "rules": [row[1] for row in opened],
            "keys": [row[2] for row in opened],
            "now": now,
            "half_life_s": flapping.HALF_LIFE.total_seconds(),
        },
    )
    held = {
        (rule, key): until
        for rule, key, score in rows
        if (until := flapping.held_until(score, now)) is not None
    }
    if held:
        yield _FLAPPING, ([row[0] for row in opened if (row[1], row[2]) in held],)
    return held


def _call(
    book: RuleBook,
    opened: Sequence[tuple[Any, ...]],
    held: Mapping[_Key, datetime],
    groups: Mapping[_Key, Sequence[Signal]],
    now: datetime,
) -> Steps[None]:
    """Write down the first step of each new alert's escalation."""
    alerts: list[int] = []
    due: list[datetime] = []
    for alert, rule_id, key, _, _ in opened:
        policy = book.policies.get(book.rules[groups[rule_id, key][0].rule].policy or "")
        if policy is None or not policy.steps:
            continue
        alerts.append(alert)
        first = now + policy.steps[0].after
        due.append(max(first, held.get((rule_id, key), first)))
    if alerts:
        yield _CALL, (alerts, due)


def _leave(left: Mapping[int, int], now: datetime) -> Steps[list[int]]:
    """Take members from their alerts; gives those that have none left and so are cleared."""
    if not left:
        return []
    alerts = sorted(left)
    yield _LOCK_ALERTS, (alerts,)
    rows = yield _LEAVE, {"now": now, "alerts": alerts, "gone": [left[alert] for alert in alerts]}
    cleared = [alert for alert, is_over in rows if is_over]
    if cleared:
        yield _UNCALL, (now, cleared)
        yield from calling.tell_over(cleared, now)
    yield from trail.note(
        [Event(alert, "cleared" if is_over else "left", {"members": left[alert]}) for alert, is_over in rows],
        now,
    )
    return cleared


def _told(members: Sequence[Signal]) -> dict[str, Any]:
    """What an event tells of those who joined: the first few, and how many."""
    return {"members": len(members), "subjects": [signal.subject for signal in members[:20]]}


def _alert(book: RuleBook, key: _Key, members: Sequence[Signal]) -> dict[str, Any]:
    first = min(members, key=lambda signal: signal.since)
    rule = book.rules[first.rule]
    points = {signal.point for signal in members}
    return {
        "rule_id": key[0],
        "key": key[1],
        "severity": int(rule.severity),
        # of the whole district: who sees one unit alone is not to know what else is in it
        "unit_id": None if rule.group_by is Grouping.DISTRICT else first.unit_id,
        "point": first.point if len(points) == 1 and rule.group_by is not Grouping.DISTRICT else None,
        "subject": first.subject,
        "since": first.since.isoformat(),
        "members": len(members),
        "value": first.value,
        "detail": dict(first.detail),
        "policy": _policy(book, rule),
        "silenced_by": [book.ids[code] for code in rule.inhibited_by if code in book.ids],
    }


def _policy(book: RuleBook, rule: Rule) -> Any:
    policy = book.policies.get(rule.policy or "")
    if policy is None:
        return None
    remind_s = None if rule.remind is None else rule.remind.total_seconds()
    return {"policy": msgspec.json.decode(policy_to_json(policy)), "remind_s": remind_s}


def _row(book: RuleBook, signal: Signal, alert: int | None) -> dict[str, Any]:
    return {
        "rule_id": book.ids[signal.rule],
        "subject": signal.subject,
        "phase": int(signal.phase),
        "since": signal.since.isoformat(),
        "due_at": None if signal.due_at is None else signal.due_at.isoformat(),
        "ends_at": None if signal.ends_at is None else signal.ends_at.isoformat(),
        "unit_id": signal.unit_id,
        "point": signal.point,
        "value": signal.value,
        "detail": dict(signal.detail),
        "alert_id": alert,
    }
