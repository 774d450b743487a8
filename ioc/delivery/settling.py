"""What became of attempts: sent, tried again later, or failed and somebody else is told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from ioc.alerts import trail
from ioc.alerts.model import Channel, Severity
from ioc.alerts.trail import Event
from ioc.delivery import standing
from ioc.delivery.channels.interface import Receipt
from ioc.delivery.contacts import contacts_of
from ioc.delivery.escalation import NO_CHANNEL, read_policy
from ioc.delivery.outbox import Wanted, key_of, put
from ioc.delivery.reach import Roll, call, ways
from ioc.kpi.steps import Steps, as_rows

_FIRST_DELAY_S: Final = 1.0
_LONGEST_DELAY_S: Final = 300.0
_JITTER: Final = 0.25

_SENT: Final = """
UPDATE ioc.alert_message m SET state = 'sent', ended_at = %s, lease_until = NULL, error = NULL, receipt = n.receipt
FROM jsonb_to_recordset(%s::jsonb) AS n (message_id bigint, attempt int, receipt jsonb)
WHERE m.message_id = n.message_id AND m.attempts = n.attempt AND m.state = 'sending' RETURNING 1
"""
_RETRY: Final = """
UPDATE ioc.alert_message m SET state = 'waiting', not_before = n.due, lease_until = NULL, error = n.error
FROM jsonb_to_recordset(%s::jsonb) AS n (message_id bigint, attempt int, due timestamptz, error text)
WHERE m.message_id = n.message_id AND m.attempts = n.attempt AND m.state = 'sending' RETURNING 1
"""
_FAILED: Final = """
UPDATE ioc.alert_message m SET state = 'failed', ended_at = %s, lease_until = NULL, held = NULL, error = n.error
FROM jsonb_to_recordset(%s::jsonb) AS n (message_id bigint, attempt int, error text)
WHERE m.message_id = n.message_id AND m.attempts = n.attempt AND m.state IN ('waiting', 'sending')
RETURNING m.message_id, m.kind
"""
#: The calls that failed: of a bundle, each of those that went in it.
_CALLS: Final = f"""
SELECT l.alert_id, m.message_id, m.person, m.channel, coalesce(w.content, m.content)::text, m.error, a.severity,
    (a.policy->'policy')::text, {standing.COLUMNS}
FROM ioc.alert_message m
JOIN ioc.alert_message_alert l ON l.message_id = m.message_id
JOIN ioc.alert a USING (alert_id)
LEFT JOIN LATERAL (
    SELECT w.content FROM ioc.alert_message w JOIN ioc.alert_message_alert wl USING (message_id)
    WHERE w.bundle_id = m.message_id AND wl.alert_id = l.alert_id LIMIT 1
) w ON true
WHERE m.message_id = ANY (%s)
ORDER BY l.alert_id, m.message_id
"""  # noqa: S608 - of names above
#: Whether anything else of the same step reached somebody, or still may.
_OTHERS: Final = """
SELECT n.alert_id, n.person, bool_or(coalesce(b.state, m.state) IN ('waiting', 'sending', 'sent'))
FROM jsonb_to_recordset(%s::jsonb) AS n (alert_id bigint, person text, kind text, run int, round int, step int)
JOIN ioc.alert_message_alert l ON l.alert_id = n.alert_id
JOIN ioc.alert_message m ON m.message_id = l.message_id AND m.person IS NOT DISTINCT FROM n.person
    AND (m.content->>'run')::int = n.run AND (m.content->>'round')::int = n.round
    AND (m.content->>'step')::int = n.step AND m.content->>'kind' = n.kind
LEFT JOIN ioc.alert_message b ON b.message_id = m.bundle_id
GROUP BY n.alert_id, n.person
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt.

    :param receipt: it was sent. Without one it was not, for the reason ``error``.
    :param final: it won't go, however often it is tried.
    :param retry_after_s: the channel asked to wait so long.
    """

    message_id: int
    attempt: int
    channel: str
    receipt: Receipt | None = None
    error: str = ""
    final: bool = False
    retry_after_s: float | None = None


def delay(attempt: int, retry_after_s: float | None, chance: float) -> timedelta:
    """How long until the next attempt: twice as long each time, a little more or less so that not all come at once.

    :param attempt: the one that failed, from 1.
    :param retry_after_s: as the channel asked; never less.
    :param chance: from 0 to 1.
    """
    seconds = min(_FIRST_DELAY_S * 2.0 ** min(attempt - 1, 20), _LONGEST_DELAY_S)
    seconds *= 1 + _JITTER * (2 * chance - 1)
    return timedelta(seconds=max(seconds, min(retry_after_s or 0.0, 3600.0)))


def settle(
    outcomes: Sequence[Outcome],
    roll: Roll,
    channels: Mapping[str, Channel],
    now: datetime,
    chances: Sequence[float],
) -> Steps[int]:
    """Steps that write down what became of attempts; those that another process took over meanwhile stay as they are.

    :param chances: of each outcome a number from 0 to 1, for the delay of what is tried again.
    :returns: how many rows were written.
    """
    sent, again, failed = [], [], []
    for outcome, chance in zip(outcomes, chances, strict=True):
        row: dict[str, Any] = {"message_id": outcome.message_id, "attempt": outcome.attempt}
        channel = channels.get(outcome.channel)
        if outcome.receipt is not None:
            sent.append(row | {"receipt": {"id": outcome.receipt.id, **outcome.receipt.detail}})
        elif outcome.final or channel is None or outcome.attempt >= channel.attempts:
            failed.append(row | {"error": outcome.error})
        else:
            due = now + delay(outcome.attempt, outcome.retry_after_s, chance)
            again.append(row | {"due": due.isoformat(), "error": outcome.error})
    written = 0
    if sent:
        written += len((yield _SENT, (now, as_rows(sent))))
    if again:
        written += len((yield _RETRY, (as_rows(again),)))
    if failed:
        written += yield from _give_up(failed, roll, channels, now)
    return written


def fail(
    messages: Sequence[tuple[int, int, str]], roll: Roll, channels: Mapping[str, Channel], now: datetime
) -> Steps[int]:
    """Steps that give messages up: number, attempts so far, and why."""
    if not messages:
        return 0
    rows = [{"message_id": number, "attempt": attempt, "error": why} for number, attempt, why in messages]
    return (yield from _give_up(rows, roll, channels, now))


def _give_up(
    rows: Sequence[Mapping[str, Any]], roll: Roll, channels: Mapping[str, Channel], now: datetime
) -> Steps[int]:
    """Mark as failed, say so beside each alert, and call the policy's fallback where a step reached nobody else.

    A person's channels were all tried at once; what is left is to call somebody else.
    """
    failed = yield _FAILED, (now, as_rows(rows))
    ids = [number for number, kind in failed if kind in ("alert", "reminder", "resolved")]
    if not ids:
        return len(failed)
    kinds: dict[int, str] = dict(failed)
    calls = yield _CALLS, (ids,)
    events = [
        Event(
            row[0], "message_failed", {"message": row[1], "person": row[2], "channel": row[3], "why": row[5]}
        )
        for row in calls
    ]
    lost = [
        (row, place)
        for row in calls
        if kinds[row[1]] != "resolved" and standing.read(row[8:], now).calls and (place := _place(row[4]))
    ]
    wanted: list[Wanted] = []
    if lost:
        found = yield (
            _OTHERS,
            (as_rows([{"alert_id": row[0], "person": row[2], **place} for row, place in lost]),),
        )
        reached = {(alert, person) for alert, person, is_reached in found if is_reached}
        alone = [
            (row, place)
            for row, place in lost
            if (row[0], row[2]) not in reached and not place.get("fallback")
        ]
        wanted = yield from _instead(alone, roll, channels, now, events)
    yield from put(wanted, now)
    yield from trail.note(events, now)
    return len(failed)


def _place(content: str) -> dict[str, Any]:
    """The step that a message comes from; nothing where it is of none."""
    found: dict[str, Any] = msgspec.json.decode(content)
    return found if "run" in found else {}


def _instead(
    lost: Sequence[tuple[Sequence[Any], Mapping[str, Any]]],
    roll: Roll,
    channels: Mapping[str, Channel],
    now: datetime,
    events: list[Event],
) -> Steps[list[Wanted]]:
    calls = []
    for row, place in lost:
        policy = None if row[7] is None else read_policy(row[7])
        if policy is not None and policy.fallback:
            calls.append((row, place, call(roll, policy.fallback, now)))
    contacts = yield from contacts_of(person for _, _, calling in calls for person in calling.people)
    wanted: list[Wanted] = []
    for row, place, calling in calls:
        alert, severity = row[0], Severity(row[6])
        lines: list[tuple[str | None, str]] = [
            (person, code)
            for person in calling.people
            for code in ways(contacts.get(person, ()), channels, severity)
        ]
        lines += [
            (None, code) for code in calling.channels if code in channels and channels[code].least <= severity
        ]
        lines = [line for line in lines if line[1] not in (row[3], NO_CHANNEL)]
        for person, code in lines:
            wanted.append(
                Wanted(
                    # the same key as in escalation: whom the step called already is not called again for it
                    key=key_of(
                        alert, place["kind"], place["run"], place["round"], place["step"], person or "", code
                    ),
                    kind="reminder" if place["kind"] == "remind" else "alert",
                    severity=severity,
                    person=person,
                    channel=code,
                    alerts=(alert,),
                    content={**place, "fallback": True},
                )
            )
        if lines:
            people: dict[str, list[str]] = {}
            for person, code in lines:
                if person is not None:
                    people.setdefault(person, []).append(code)
            told = {"people": people, "channels": [code for person, code in lines if person is None]}
            events.append(Event(alert, "called", {**place, **told, "fallback": True, "for": row[2]}))
    return wanted
