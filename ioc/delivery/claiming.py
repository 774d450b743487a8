"""Takes due messages of a channel out of the outbox: rechecked, bundled, and marked as begun before they are sent.

The marks are committed before anything is sent, and the rows of the alerts are held ``FOR SHARE`` until then: once an
acknowledgement is committed no attempt begins. Any number of processes may claim at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from ioc.alerts import maintenance
from ioc.alerts.model import Channel, Severity
from ioc.delivery import standing
from ioc.delivery.bundling import Candidate, Fate, Line, Verdict, admitted, groups, judge
from ioc.delivery.outbox import CALLS, key_of
from ioc.kpi.steps import Steps, as_rows

#: Messages of one transaction.
BATCH: Final = 1000
#: A lease lasts as long as a message may take, and this.
MARGIN: Final = timedelta(seconds=5)
_HOUR: Final = timedelta(hours=1)
#: First half of the advisory locks of lines; the second is the line's hash.
_LINES: Final = 0x696F630A

_DUE: Final = """
SELECT m.message_id, m.key, m.kind, m.severity, m.person, m.attempts, m.state = 'sending', m.held, m.created_at,
    m.content::text
FROM ioc.alert_message m
WHERE m.channel = %s AND m.state IN ('waiting', 'sending') AND m.not_before <= %s
  AND NOT coalesce(m.person, '') = ANY (%s)
ORDER BY m.severity DESC, m.not_before, m.message_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_LINKS: Final = "SELECT message_id, alert_id FROM ioc.alert_message_alert WHERE message_id = ANY (%s)"
_ALERTS: Final = f"""
SELECT a.alert_id, {standing.COLUMNS} FROM ioc.alert a WHERE a.alert_id = ANY (%s) FOR SHARE SKIP LOCKED
"""  # noqa: S608 - of names above
_TAKE_LINES: Final = """
SELECT line FROM unnest(%s::text[]) AS line WHERE pg_try_advisory_xact_lock(%s, hashtext(%s || chr(31) || line))
"""
_HISTORY: Final = """
SELECT line, (
    SELECT max(m.started_at) FROM ioc.alert_message m
    WHERE m.channel = %(channel)s AND coalesce(m.person, '') = line AND m.started_at > %(bundle)s
), (
    SELECT max(m.severity) FROM ioc.alert_message m
    WHERE m.channel = %(channel)s AND coalesce(m.person, '') = line AND m.started_at > %(bundle)s
), (
    SELECT count(*) FROM ioc.alert_message m
    WHERE m.channel = %(channel)s AND coalesce(m.person, '') = line AND m.started_at > %(hour)s AND %(most)s > 0
), (
    SELECT m.started_at FROM ioc.alert_message m
    WHERE m.channel = %(channel)s AND coalesce(m.person, '') = line AND m.started_at > %(hour)s AND %(most)s > 0
    ORDER BY m.started_at DESC OFFSET greatest(%(most)s - 1, 0) LIMIT 1
)
FROM unnest(%(lines)s::text[]) AS line
"""
_TOLD: Final = """
SELECT DISTINCT r.message_id, m.state = 'sending' AND m.lease_until > %s
FROM ioc.alert_message r
JOIN ioc.alert_message_alert rl ON rl.message_id = r.message_id
JOIN ioc.alert_message_alert ml ON ml.alert_id = rl.alert_id
JOIN ioc.alert_message m ON m.message_id = ml.message_id AND m.channel = r.channel
    AND m.person IS NOT DISTINCT FROM r.person AND m.kind IN ('alert', 'reminder')
    AND m.attempts > 0 AND m.state <> 'failed'
WHERE r.message_id = ANY (%s)
"""
_DROP: Final = """
UPDATE ioc.alert_message m SET state = 'cancelled', ended_at = %s, error = n.why, held = NULL, lease_until = NULL
FROM unnest(%s::bigint[], %s::text[]) AS n (message_id, why) WHERE m.message_id = n.message_id
"""
_WAIT: Final = """
UPDATE ioc.alert_message m SET state = 'waiting', not_before = n.until, held = n.why, lease_until = NULL
FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[]) AS n (message_id, until, why)
WHERE m.message_id = n.message_id
"""
_BUNDLE: Final = """
INSERT INTO ioc.alert_message (key, kind, severity, person, channel, created_at, not_before)
SELECT n.key, n.kind, n.severity, n.person, %s, n.created_at, %s
FROM jsonb_to_recordset(%s::jsonb) AS n (key text, kind text, severity smallint, person text, created_at timestamptz)
RETURNING message_id, key
"""
_LINK: Final = """
INSERT INTO ioc.alert_message_alert (message_id, alert_id)
SELECT DISTINCT b.bundle_id, l.alert_id
FROM unnest(%s::bigint[], %s::bigint[]) AS b (bundle_id, message_id) JOIN ioc.alert_message_alert l USING (message_id)
"""
_JOIN: Final = """
UPDATE ioc.alert_message m SET state = 'bundled', bundle_id = b.bundle_id, held = NULL
FROM unnest(%s::bigint[], %s::bigint[]) AS b (bundle_id, message_id) WHERE m.message_id = b.message_id
"""
#: An alert that is held by now leaves the bundle, and waits as the message that it was.
_LEAVE: Final = """
WITH gone AS (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[])
        AS n (bundle_id, alert_id, until, why)
), unlinked AS (
    DELETE FROM ioc.alert_message_alert l USING gone g
    WHERE l.message_id = g.bundle_id AND l.alert_id = g.alert_id
      AND EXISTS (SELECT FROM ioc.alert_message w WHERE w.bundle_id = g.bundle_id)
)
UPDATE ioc.alert_message m SET state = 'waiting', bundle_id = NULL, not_before = g.until, held = g.why
FROM gone g, ioc.alert_message_alert l
WHERE m.bundle_id = g.bundle_id AND l.message_id = m.message_id AND l.alert_id = g.alert_id
"""
_BEGIN: Final = """
UPDATE ioc.alert_message SET state = 'sending', attempts = attempts + 1, started_at = %(now)s, lease_until = %(lease)s,
    not_before = %(lease)s, held = NULL
WHERE message_id = ANY (%(ids)s)
"""


@dataclass(frozen=True)
class Claimed:
    """A message that this process is to send, before its lease is over.

    :param attempt: the number of this attempt; only who knows it may say what became of it.
    :param alerts: those that people are to be told of.
    """

    message_id: int
    key: str
    kind: str
    severity: Severity
    person: str | None
    attempt: int
    alerts: tuple[int, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)


class Claims(NamedTuple):
    """What a claim found."""

    sends: list[Claimed]
    failed: list[tuple[int, int, str]]
    """Number, attempts and reason of messages whose senders died too often."""
    full: bool
    """There may be more that is due."""
    left: bool
    """Something is due that somebody else holds."""


def claim(
    channel: Channel,
    slots: int,
    now: datetime,
    zone: ZoneInfo,
    *,
    without: Collection[str] = (),
    limit: int = BATCH,
) -> Steps[Claims]:
    """Steps that claim what may be sent now.

    :param slots: how many messages may be sent at a time.
    :param without: people to whom enough is on its way already; ``""`` is nobody's.
    """
    rows = yield _DUE, (channel.code, now, list(without), limit if channel.bundle else min(limit, 2 * slots))
    if not rows:
        return Claims([], [], False, False)
    candidates = yield from _candidates(rows, now)
    lines = yield from _lines(channel, candidates, now)
    verdicts = [
        (
            one,
            judge(one, channel, lines[one.person or ""], now, zone) if (one.person or "") in lines else _LEFT,
        )
        for one in candidates
    ]
    yield from _put_off(verdicts, now)
    going = groups([one for one, verdict in verdicts if verdict.fate is Fate.GO], channel)
    chosen = admitted(going, lines)[:slots]
    sends = yield from _begin(channel, chosen, now)
    return Claims(
        sends,
        [(one.message_id, one.attempts, v.why or "") for one, v in verdicts if v.fate is Fate.FAIL],
        len(rows) >= limit,
        any(verdict.fate is Fate.LEAVE for _, verdict in verdicts),
    )


_LEFT: Final = Verdict(Fate.LEAVE)


def _candidates(rows: Sequence[Sequence[Any]], now: datetime) -> Steps[list[Candidate]]:
    ids = [row[0] for row in rows]
    links = yield _LINKS, (ids,)
    of: dict[int, list[int]] = {}
    for message, alert in links:
        of.setdefault(message, []).append(alert)
    calls = {row[0] for row in rows if row[2] in CALLS}
    wanted = sorted({alert for message, alert in links if message in calls})
    standings: dict[int, standing.Standing] = {}
    if wanted:
        found = yield _ALERTS, (wanted,)
        covered = yield from maintenance.covered(wanted, now)
        standings = {row[0]: standing.read(row[1:], now, covered.get(row[0])) for row in found}
    resolved = [row[0] for row in rows if row[2] == "resolved"]
    told: dict[int, bool] = {}
    if resolved:
        for message, is_sending in (yield _TOLD, (now, resolved)):
            told[message] = told.get(message, False) or is_sending
    return [
        Candidate(
            message_id=row[0],
            key=row[1],
            kind=row[2],
            severity=Severity(row[3]),
            person=row[4],
            attempts=row[5],
            expired=row[6],
            held=row[7],
            created_at=row[8],
            content=msgspec.json.decode(row[9]),
            alerts={
                alert: standings.get(alert) if row[0] in calls else standing.Standing()
                for alert in of.get(row[0], ())
            },
            told=row[2] != "resolved" or row[0] in told,
            answers=told.get(row[0], False),
        )
        for row in rows
    ]


def _lines(channel: Channel, candidates: Sequence[Candidate], now: datetime) -> Steps[dict[str, Line]]:
    """What went over each line that this transaction holds; who may be told of anything at any time has no history."""
    lines = sorted({one.person or "" for one in candidates})
    if not channel.bundle and channel.most_per_hour is None:
        return dict.fromkeys(lines, Line())
    held = [line for (line,) in (yield _TAKE_LINES, (lines, _LINES, channel.code))]
    rows = yield (
        _HISTORY,
        {
            "channel": channel.code,
            "lines": held,
            "bundle": now - channel.bundle,
            "hour": now - _HOUR,
            "most": channel.most_per_hour or 0,
        },
    )
    return {
        line: Line(
            last,
            None if worst is None else Severity(worst),
            max(0, channel.most_per_hour - count) if channel.most_per_hour else None,
            None if nth is None else nth + _HOUR,
        )
        for line, last, worst, count, nth in rows
    }


def _put_off(verdicts: Sequence[tuple[Candidate, Verdict]], now: datetime) -> Steps[None]:
    dropped = [(one.message_id, v.why) for one, v in verdicts if v.fate is Fate.DROP]
    if dropped:
        yield _DROP, (now, *_columns(dropped))
    waiting = [(one.message_id, v.until, v.why) for one, v in verdicts if v.fate is Fate.WAIT]
    if waiting:
        yield _WAIT, _columns(waiting)


def _begin(channel: Channel, chosen: Sequence[tuple[Candidate, ...]], now: datetime) -> Steps[list[Claimed]]:
    if not chosen:
        return []
    bundles = {_key(group): group for group in chosen if len(group) > 1}
    numbers: dict[str, int] = {}
    if bundles:
        numbers = yield from _bundle(channel, bundles, now)
    leaving = [
        (one.message_id, alert, found.until, found.held)
        for group in chosen
        for one in group
        for alert, found in one.alerts.items()
        if len(one.alerts) > 1 and found is not None and found.held is not None
    ]
    if leaving:
        yield _LEAVE, _columns(leaving)
    sends = [
        Claimed(
            message_id=numbers[_key(group)] if len(group) > 1 else group[0].message_id,
            key=_key(group),
            kind=group[0].kind,
            severity=max(one.severity for one in group),
            person=group[0].person,
            attempt=group[0].attempts + 1,
            alerts=tuple(
                dict.fromkeys(
                    alert
                    for one in group
                    for alert, found in one.alerts.items()
                    if found is not None and (found.calls or one.kind not in CALLS)
                )
            ),
            content=group[0].content if len(group) == 1 else {},
        )
        for group in chosen
    ]
    lease = now + channel.timeout + MARGIN
    yield _BEGIN, {"now": now, "lease": lease, "ids": [send.message_id for send in sends]}
    return sends


def _bundle(
    channel: Channel, bundles: Mapping[str, tuple[Candidate, ...]], now: datetime
) -> Steps[dict[str, int]]:
    """Make one message of each group; its key is of theirs, and they become part of it."""
    rows = [
        {
            "key": key,
            "kind": group[0].kind,
            "severity": int(max(one.severity for one in group)),
            "person": group[0].person,
            "created_at": min(one.created_at or now for one in group).isoformat(),
        }
        for key, group in bundles.items()
    ]
    made = yield _BUNDLE, (channel.code, now, as_rows(rows))
    numbers = {key: number for number, key in made}
    pairs = [(numbers[key], one.message_id) for key, group in bundles.items() for one in group]
    yield _LINK, _columns(pairs)
    yield _JOIN, _columns(pairs)
    return numbers


def _key(group: Sequence[Candidate]) -> str:
    return group[0].key if len(group) == 1 else key_of("bundle", *(one.key for one in group))


def _columns(rows: Sequence[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*rows, strict=True)))
