"""From an alert's due step to messages in the outbox and the step that comes after, in one transaction.

A step is a row that is claimed with ``SKIP LOCKED``: a restart, or a second process, changes nothing. The alert's row
is held ``FOR SHARE`` meanwhile, so that whoever acknowledges it waits, or was first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

import structlog

from ioc.alerts import maintenance, trail
from ioc.alerts.encoding import EncodingError, policy_from_json
from ioc.alerts.model import Channel, Policy, Severity, Target
from ioc.alerts.trail import Event
from ioc.delivery import quiet, standing
from ioc.delivery.contacts import contacts_of
from ioc.delivery.outbox import Wanted, key_of, put
from ioc.delivery.reach import Calling, Roll, call, ways
from ioc.delivery.standing import Standing
from ioc.kpi.steps import Steps, as_rows

log = structlog.get_logger(__name__)

#: Steps of one transaction.
BATCH: Final = 500
#: Between two rounds of a policy whose steps all follow at once.
PAUSE: Final = timedelta(minutes=5)
#: What stands in the outbox as the channel of somebody for whom there is none.
NO_CHANNEL: Final = "-"

_DUE: Final = f"""
SELECT s.alert_id, s.kind, s.run, s.round, s.step, a.severity, r.kind, (a.policy->'policy')::text,
    (a.policy->>'remind_s')::float8, {standing.COLUMNS}
FROM ioc.alert_step s JOIN ioc.alert a USING (alert_id) JOIN ioc.alert_rule r USING (rule_id)
WHERE s.state = 'waiting' AND s.due_at <= %s
ORDER BY s.due_at, s.alert_id LIMIT %s
FOR UPDATE OF s SKIP LOCKED FOR SHARE OF a SKIP LOCKED
"""  # noqa: S608 - of names above
_END: Final = """
UPDATE ioc.alert_step s SET state = n.state, ended_at = %s, detail = s.detail - 'held' || n.detail,
    attempt = s.attempt + CASE WHEN n.state = 'done' THEN 1 ELSE 0 END
FROM jsonb_to_recordset(%s::jsonb) AS n (alert_id bigint, kind text, run int, round int, step int, state text,
    detail jsonb)
WHERE (s.alert_id, s.kind, s.run, s.round, s.step) = (n.alert_id, n.kind, n.run, n.round, n.step)
"""
_HOLD: Final = """
UPDATE ioc.alert_step s SET due_at = n.due_at, detail = s.detail || jsonb_build_object('held', n.held)
FROM jsonb_to_recordset(%s::jsonb) AS n (alert_id bigint, kind text, run int, round int, step int,
    due_at timestamptz, held text)
WHERE (s.alert_id, s.kind, s.run, s.round, s.step) = (n.alert_id, n.kind, n.run, n.round, n.step)
"""
_NEXT: Final = """
INSERT INTO ioc.alert_step (alert_id, kind, run, round, step, due_at)
SELECT alert_id, kind, run, round, step, due_at
FROM jsonb_to_recordset(%s::jsonb) AS n (alert_id bigint, kind text, run int, round int, step int, due_at timestamptz)
ON CONFLICT DO NOTHING
"""
_TOLD: Final = """
SELECT DISTINCT l.alert_id, m.person, m.channel
FROM ioc.alert_message_alert l JOIN ioc.alert_message m USING (message_id)
WHERE l.alert_id = ANY (%s) AND m.kind IN ('alert', 'reminder')
  AND m.attempts > 0 AND m.state <> 'failed'
ORDER BY 1, 2, 3
"""
_UNCALL: Final = """
UPDATE ioc.alert_message m SET state = 'cancelled', ended_at = %s, error = 'cleared', held = NULL
FROM ioc.alert_message_alert l
WHERE l.alert_id = ANY (%s) AND l.message_id = m.message_id AND m.state = 'waiting' AND m.attempts = 0
  AND m.kind IN ('alert', 'reminder', 'synthetic')
"""


class Next(NamedTuple):
    """The step that comes after another one."""

    round: int
    step: int
    after: timedelta


class Advanced(NamedTuple):
    """What a call of :func:`advance` did."""

    steps: int
    """Steps that were taken up, held ones among them."""
    messages: int
    """Messages that are new in the outbox."""


def next_step(policy: Policy, round_: int, step: int) -> Next | None:
    """The step after this one while nobody acknowledges; None after the last step of the last round.

    A new round waits like the first step, and at least like the last one: those called last have their time too.
    """
    if step + 1 < len(policy.steps):
        return Next(round_, step + 1, policy.steps[step + 1].after)
    if not policy.steps or round_ >= policy.repeat:
        return None
    return Next(round_ + 1, 0, max(policy.steps[0].after, policy.steps[-1].after) or PAUSE)


def targets_of(policy: Policy, kind: str, step: int) -> tuple[Target, ...]:
    """Whom a step calls; a reminder calls everybody whom the policy names, once."""
    if kind == "remind":
        return tuple(dict.fromkeys(target for one in policy.steps for target in one.targets))
    return policy.steps[step].targets if step < len(policy.steps) else ()


@dataclass(frozen=True)
class _Due:
    alert: int
    kind: str
    run: int
    round: int
    step: int
    severity: Severity
    rule_kind: str
    policy: Policy | None
    remind: timedelta | None
    standing: Standing

    @property
    def key(self) -> dict[str, Any]:
        return {"alert_id": self.alert, "kind": self.kind} | self.place

    @property
    def place(self) -> dict[str, int]:
        return {"run": self.run, "round": self.round, "step": self.step}

    @property
    def message_kind(self) -> str:
        if self.kind == "resolved":
            return "resolved"
        if self.rule_kind == "synthetic":
            return "synthetic"
        return "reminder" if self.kind == "remind" else "alert"


@dataclass
class _Done:
    """What a batch comes to, written in a few statements at its end."""

    ended: list[dict[str, Any]] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)
    next: list[dict[str, Any]] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    resolved: list[_Due] = field(default_factory=list)


def advance(
    roll: Roll, channels: Mapping[str, Channel], now: datetime, limit: int = BATCH
) -> Steps[Advanced]:
    """Steps that do what is due, the longest due first; rows that somebody else holds are left to the next call.

    :param roll: who is on duty at ``now``.
    :param channels: by code, as people's contacts name them.
    """
    yield from quiet.keep(now)
    rows = yield _DUE, (now, limit)
    done = _Done()
    calls: list[_Due] = []
    covered = yield from maintenance.covered([row[0] for row in rows], now)
    for due in (_due(row, covered, now) for row in rows):
        _sort(due, now, done, calls)
    yield from _call(calls, roll, channels, now, done)
    yield from _tell(done, now)
    if done.ended:
        yield _END, (now, as_rows(done.ended))
    if done.held:
        yield _HOLD, (as_rows(done.held),)
    if done.next:
        yield _NEXT, (as_rows(done.next),)
    made = yield from put(done.wanted, now)
    yield from trail.note(done.events, now)
    return Advanced(len(rows), len(made))


def _sort(due: _Due, now: datetime, done: _Done, calls: list[_Due]) -> None:
    if due.kind == "resolved":
        done.resolved.append(due)
    elif due.standing.over is not None:
        done.ended.append(due.key | {"state": "cancelled", "detail": {"why": due.standing.over}})
    elif due.standing.held is not None:
        until = due.standing.until or now + standing.LOOK_AGAIN
        done.held.append(due.key | {"due_at": until.isoformat(), "held": due.standing.held})
    elif due.policy is None:
        # of a newer platform, or spoilt: nobody knows whom to call, and that is said where people look
        done.ended.append(due.key | {"state": "cancelled", "detail": {"why": "the policy can't be read"}})
        done.events.append(Event(due.alert, "not_called", due.place | {"why": "the policy can't be read"}))
    else:
        calls.append(due)


def _call(
    calls: Sequence[_Due], roll: Roll, channels: Mapping[str, Channel], now: datetime, done: _Done
) -> Steps[None]:
    """Messages, events and next steps of those that call somebody."""
    if not calls:
        return
    asked: dict[tuple[Target, ...], Calling] = {}

    def ask(targets: tuple[Target, ...]) -> Calling:
        if targets not in asked:
            asked[targets] = call(roll, targets, now)
        return asked[targets]

    first = [
        (due, policy, ask(targets_of(policy, due.kind, due.step))) for due, policy in _with_policy(calls)
    ]
    people = {
        person for _, policy, calling in first for person in (*calling.people, *ask(policy.fallback).people)
    }
    contacts = yield from contacts_of(people)
    for due, policy, calling in first:
        told, failed = _reach(due, calling, contacts, channels, done)
        if calling.empty or failed:
            instead = ask(policy.fallback)
            if calling.empty:
                done.events.append(Event(due.alert, "nobody_on_duty", due.place | {"absent": calling.absent}))
            told |= _reach(due, instead, contacts, channels, done, fallback=True)[0]
        done.events.append(Event(due.alert, "called" if told else "not_called", due.place | _listed(told)))
        done.ended.append(due.key | {"state": "done", "detail": {}})
        _follow(due, policy, now, done)


def _with_policy(calls: Sequence[_Due]) -> list[tuple[_Due, Policy]]:
    return [(due, due.policy) for due in calls if due.policy is not None]


_Told = dict[tuple[str | None, str], None]
"""Person, or nobody, and channel."""


def _reach(
    due: _Due,
    calling: Calling,
    contacts: Mapping[str, Sequence[str]],
    channels: Mapping[str, Channel],
    done: _Done,
    *,
    fallback: bool = False,
) -> tuple[_Told, bool]:
    """Messages to everybody called; says whom they go to, and whether somebody can't be reached at all."""
    told: _Told = {}
    failed = False
    lines: list[tuple[str | None, str, str | None]] = []
    for person in calling.people:
        found = ways(contacts.get(person, ()), channels, due.severity)
        lines += [(person, code, None) for code in found]
        if not found:
            lines.append((person, NO_CHANNEL, "There is no way to reach this person."))
    for code in calling.channels:
        channel = channels.get(code)
        if channel is None:
            lines.append((None, code, "There is no such channel."))
        elif channel.least <= due.severity:
            lines.append((None, code, None))
    for who, code, error in lines:
        done.wanted.append(_wanted(due, who, code, error, fallback=fallback))
        if error is None:
            told[who, code] = None
        else:
            failed = True
    return told, failed


def _wanted(due: _Due, person: str | None, channel: str, error: str | None, *, fallback: bool) -> Wanted:
    return Wanted(
        key=key_of(due.alert, due.kind, due.run, due.round, due.step, person or "", channel),
        kind=due.message_kind,
        severity=due.severity,
        person=person,
        channel=channel,
        alerts=(due.alert,),
        content={"kind": due.kind} | due.place | ({"fallback": True} if fallback else {}),
        error=error,
    )


def _listed(told: _Told) -> dict[str, Any]:
    people: dict[str, list[str]] = {}
    for person, channel in told:
        if person is not None:
            people.setdefault(person, []).append(channel)
    return {"people": people, "channels": [channel for person, channel in told if person is None]}


def _follow(due: _Due, policy: Policy, now: datetime, done: _Done) -> None:
    """Write down what comes after: the policy's next step; after the last one, the first reminder, and so on."""
    after = None if due.kind == "remind" else next_step(policy, due.round, due.step)
    if after is not None:
        kind, round_, step, due_at = "escalate", after.round, after.step, now + after.after
    elif due.remind is not None:
        kind, round_, step = "remind", due.round + 1 if due.kind == "remind" else 0, 0
        due_at = now + due.remind
    else:
        return
    done.next.append(
        {
            "alert_id": due.alert,
            "kind": kind,
            "run": due.run,
            "round": round_,
            "step": step,
            "due_at": due_at.isoformat(),
        }
    )


def _tell(done: _Done, now: datetime) -> Steps[None]:
    """Tell those who were told of an alert that it is over; those who were not yet told never are."""
    if not done.resolved:
        return
    alerts = {due.alert: due for due in done.resolved}
    yield _UNCALL, (now, list(alerts))
    rows = yield _TOLD, (list(alerts),)
    for alert, person, channel in rows:
        done.wanted.append(_wanted(alerts[alert], person, channel, None, fallback=False))
    done.ended += [due.key | {"state": "done", "detail": {}} for due in done.resolved]


def _due(row: Sequence[Any], covered: standing.Covered, now: datetime) -> _Due:
    alert, kind, run, round_, step, severity, rule_kind, policy, remind_s = row[:9]
    return _Due(
        alert=alert,
        kind=kind,
        run=run,
        round=round_,
        step=step,
        severity=Severity(severity),
        rule_kind=rule_kind,
        policy=None if policy is None else read_policy(policy),
        remind=None if remind_s is None else timedelta(seconds=remind_s),
        standing=standing.read(row[9:], now, covered.get(alert)),
    )


@lru_cache(maxsize=256)
def read_policy(text: str) -> Policy | None:
    """A policy as it was when an alert opened; None where it can't be read."""
    try:
        return policy_from_json(text)
    except EncodingError as error:
        log.warning("a policy of an open alert can't be read", error=error.message)
        return None
