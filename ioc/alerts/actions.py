"""What people do about alerts: steps for a transaction that may write (:func:`ioc.kpi.query.change`).

Every action takes several alerts, all of them or none, and may be repeated: what is so already succeeds with a note
that says who did it and when, and writes nothing. Alerts are locked in the order that everybody keeps, so that of
twenty people who acknowledge at once one did and the others are told.

Acknowledging and clearing are independent: an alert that cleared can still be acknowledged, and one that is
acknowledged clears by itself. An alert that was **closed by hand** stays closed for as long as the conditions that held
it open go on: they remain its members, and only one that was away for its rule's whole ``clear_for`` and came back, or
a new subject, opens another alert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from ioc.alerts import calling, clock, writing
from ioc.alerts.errors import AlertError, UnknownAlertError
from ioc.kpi.query import Steps

_T = TypeVar("_T")
#: The platform itself, in events.
SYSTEM: Final = "system"
#: Longest time that an alert may be snoozed for.
LONGEST_SNOOZE: Final = timedelta(days=31)
_LISTED: Final = 10

#: Which alerts (as ``a``) a reader may know of. Those of no unit are the platform's own.
SEEN: Final = (
    "(a.unit_id = ANY (ARRAY(SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r))"
    " OR (a.unit_id IS NULL AND ioc.reader_sees_all(%(reader)s)))"
)
_LOCK: Final = f"""
SELECT a.alert_id, a.cleared_at, a.acknowledged_at, a.acknowledged_by, a.assigned_to, a.snoozed_until,
       a.policy->'policy'->>'ack_for'
FROM ioc.alert a WHERE a.alert_id = ANY (%(alerts)s) AND {SEEN}
ORDER BY a.rule_id, a.key, a.alert_id FOR NO KEY UPDATE
"""  # noqa: S608 - of the condition above
_ACKNOWLEDGE: Final = """
UPDATE ioc.alert a SET acknowledged_at = %(now)s, acknowledged_by = %(actor)s, ack_expires_at = n.expires,
    changed_at = %(now)s
FROM unnest(%(alerts)s::bigint[], %(expires)s::timestamptz[]) AS n (alert_id, expires) WHERE a.alert_id = n.alert_id
"""
_UNACKNOWLEDGE: Final = """
UPDATE ioc.alert SET acknowledged_at = NULL, acknowledged_by = NULL, ack_expires_at = NULL, changed_at = %s
WHERE alert_id = ANY (%s)
"""
_ASSIGN: Final = "UPDATE ioc.alert SET assigned_to = %s, changed_at = %s WHERE alert_id = ANY (%s)"
_TOUCH: Final = "UPDATE ioc.alert SET changed_at = %s WHERE alert_id = ANY (%s)"
_SNOOZE: Final = "UPDATE ioc.alert SET snoozed_until = %s, changed_at = %s WHERE alert_id = ANY (%s)"
_CLOSE: Final = (
    "UPDATE ioc.alert SET cleared_at = %s, ack_expires_at = NULL, snoozed_until = NULL, changed_at = %s"
    " WHERE alert_id = ANY (%s)"
)
_RUN_OUT: Final = """
SELECT a.alert_id, a.acknowledged_at, a.acknowledged_by, a.ack_expires_at <= %s, a.snoozed_until, a.snoozed_until <= %s
FROM ioc.alert a WHERE a.cleared_at IS NULL AND least(a.ack_expires_at, a.snoozed_until) <= %s
ORDER BY a.rule_id, a.key LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
_PERSON: Final = "SELECT EXISTS (SELECT FROM ioc.duty_person WHERE code = %s)"


@dataclass(frozen=True, slots=True)
class Acted:
    """What an action did to one alert.

    :param changed: whether anything was to be done.
    :param note: what the actor should know: who did it before, or why there was nothing to do.
    """

    alert_id: int
    changed: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lapsed:
    """Alerts whose acknowledgement or snooze ran out."""

    acknowledgements: tuple[int, ...] = ()
    snoozes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Alert:
    alert_id: int
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: datetime | None
    ack_for: str | None


_Sorted = tuple[list[_Alert], list[Acted]]


def by_the_clock(act: Callable[[datetime], Steps[_T]]) -> Steps[_T]:
    """Steps of an action at the moment that the database's clock shows."""
    return (yield from act((yield from clock.now())))


def acknowledge(
    reader: str, alert_ids: Iterable[int], actor: str, now: datetime, comment: str = "", *, via: str = ""
) -> Steps[list[Acted]]:
    """Steps by which somebody takes alerts on: nobody is called for them any more, until their policy's ``ack_for``.

    :param reader: whose rights count.
    :param actor: who does it, for the trail: a reader's name or a person's code.
    :param via: where it was done: ``api``, ``cli``, or a channel's code.
    :raises UnknownAlertError: one of them does not exist for this reader; nothing is done to the others.
    """
    said = writing.text(comment, "comment")
    found = yield from _locked(reader, alert_ids)
    todo, done = _split(found, _acknowledged_note)
    if todo:
        ids = [alert.alert_id for alert in todo]
        expires = [_expires(alert, now) for alert in todo]
        who = writing.name(actor, "actor")
        yield _ACKNOWLEDGE, {"now": now, "actor": who, "alerts": ids, "expires": expires}
        yield from calling.stop(ids, "acknowledged", now)
        yield from _note(ids, "acknowledged", actor, now, via, comment=said)
    return _told(todo, done)


def unacknowledge(
    reader: str, alert_ids: Iterable[int], actor: str, now: datetime, comment: str = "", *, via: str = ""
) -> Steps[list[Acted]]:
    """Steps that take an acknowledgement back; for what is still open calling begins anew."""
    said = writing.text(comment, "comment")
    found = yield from _locked(reader, alert_ids)
    todo, done = _split(found, lambda a: "It is not acknowledged." if a.acknowledged_at is None else None)
    if todo:
        ids = [alert.alert_id for alert in todo]
        yield _UNACKNOWLEDGE, (now, ids)
        yield from calling.stop(ids, "unacknowledged", now)
        yield from calling.begin(ids, now)
        yield from _note(ids, "unacknowledged", actor, now, via, comment=said)
    return _told(todo, done)


def assign(
    reader: str,
    alert_ids: Iterable[int],
    actor: str,
    now: datetime,
    to: str | None,
    comment: str = "",
    *,
    via: str = "",
) -> Steps[list[Acted]]:
    """Steps that give alerts to somebody.

    :param to: code of a person of the district pack, or the reader's own name; None: nobody's.
    :raises AlertError: there is no such person.
    """
    said = writing.text(comment, "comment")
    whose = None if to is None else writing.name(to, "name of whom it is given to")
    found = yield from _locked(reader, alert_ids)
    if whose is not None and whose != reader:
        ((known,),) = yield _PERSON, (whose,)
        if not known:
            raise AlertError(
                f"There is no person {whose!r}.",
                remedy="Use a code of people.csv of the district pack, or your own name.",
            )
    todo, done = _split(
        found, lambda a: f"It is given to {whose or 'nobody'} already." if a.assigned_to == whose else None
    )
    if todo:
        ids = [alert.alert_id for alert in todo]
        yield _ASSIGN, (whose, now, ids)
        more = {alert.alert_id: {"to": whose, "from": alert.assigned_to} for alert in todo}
        yield from _note(ids, "assigned", actor, now, via, more, comment=said)
    return _told(todo, done)


def comment(
    reader: str, alert_ids: Iterable[int], actor: str, now: datetime, text: str, *, via: str = ""
) -> Steps[list[Acted]]:
    """Steps that put a comment beside alerts, open or not. Each call is one more."""
    said = writing.text(text, "comment", needed=True)
    found = yield from _locked(reader, alert_ids)
    ids = [alert.alert_id for alert in found]
    yield _TOUCH, (now, ids)
    yield from _note(ids, "commented", actor, now, via, comment=said)
    return _told(found, [])


def snooze(
    reader: str,
    alert_ids: Iterable[int],
    actor: str,
    now: datetime,
    until: datetime,
    comment: str = "",
    *,
    via: str = "",
) -> Steps[list[Acted]]:
    """Steps by which nobody is called for alerts for a time; what is planned waits and goes on then.

    :param until: at most :data:`LONGEST_SNOOZE` ahead.
    """
    said = writing.text(comment, "comment")
    end = writing.moment(until, now, "end of the snooze", most=LONGEST_SNOOZE)
    found = yield from _locked(reader, alert_ids)
    todo, done = _split(
        found,
        lambda a: (
            _cleared_note(a) or ("It is snoozed until then already." if a.snoozed_until == end else None)
        ),
    )
    if todo:
        ids = [alert.alert_id for alert in todo]
        yield _SNOOZE, (end, now, ids)
        # a shorter snooze than the one before lets what was put off come sooner
        yield from calling.wake(ids, now)
        more = {alert: {"until": end.astimezone(UTC).isoformat()} for alert in ids}
        yield from _note(ids, "snoozed", actor, now, via, more, comment=said)
    return _told(todo, done)


def unsnooze(
    reader: str, alert_ids: Iterable[int], actor: str, now: datetime, comment: str = "", *, via: str = ""
) -> Steps[list[Acted]]:
    """Steps that end a snooze before its time."""
    said = writing.text(comment, "comment")
    found = yield from _locked(reader, alert_ids)
    todo, done = _split(found, lambda a: "It is not snoozed." if a.snoozed_until is None else None)
    if todo:
        ids = [alert.alert_id for alert in todo]
        yield _SNOOZE, (None, now, ids)
        yield from calling.wake(ids, now)
        yield from _note(ids, "unsnoozed", actor, now, via, comment=said)
    return _told(todo, done)


def close(
    reader: str, alert_ids: Iterable[int], actor: str, now: datetime, reason: str, *, via: str = ""
) -> Steps[list[Acted]]:
    """Steps that clear alerts by hand; see the module for when their conditions may open others.

    Who was called is told that it is over, and that it was closed.
    """
    said = writing.text(reason, "reason", needed=True)
    found = yield from _locked(reader, alert_ids)
    todo, done = _split(found, _cleared_note)
    if todo:
        ids = [alert.alert_id for alert in todo]
        yield _CLOSE, (now, now, ids)
        yield from calling.stop(ids, "closed", now)
        yield from calling.tell_over(ids, now)
        yield from _note(ids, "closed", actor, now, via, reason=said)
    return _told(todo, done)


def lapse(now: datetime, limit: int = 2000) -> Steps[Lapsed]:
    """Steps that end acknowledgements and snoozes whose time is over, at most ``limit``; for the evaluator's clock.

    For an acknowledgement that lapsed calling begins anew at once; what a snooze held up goes on.
    """
    rows = yield _RUN_OUT, (now, now, now, limit)
    acknowledged = {row[0]: {"by": row[2], "acknowledged_at": row[1].isoformat()} for row in rows if row[3]}
    snoozed = {row[0]: {"until": row[4].isoformat()} for row in rows if row[5]}
    if acknowledged:
        ids = list(acknowledged)
        yield _UNACKNOWLEDGE, (now, ids)
        yield from calling.stop(ids, "ack_lapsed", now)
        yield from calling.begin(ids, now)
        yield from calling.note(acknowledged, "ack_lapsed", SYSTEM, now)
    if snoozed:
        ids = list(snoozed)
        yield _SNOOZE, (None, now, ids)
        yield from calling.wake(ids, now)
        yield from calling.note(snoozed, "snooze_ended", SYSTEM, now)
    return Lapsed(tuple(acknowledged), tuple(snoozed))


# -- what all of them do --------------------------------------------------------------------------------


def _locked(reader: str, alert_ids: Iterable[int]) -> Steps[list[_Alert]]:
    wanted = writing.alert_ids(alert_ids)
    rows = yield _LOCK, {"alerts": wanted, "reader": reader}
    found = [_Alert(*row) for row in rows]
    missing = sorted(set(wanted) - {alert.alert_id for alert in found})
    if missing:
        shown = ", ".join(map(str, missing[:_LISTED])) + (", …" if len(missing) > _LISTED else "")
        raise UnknownAlertError(
            f"There is no alert {shown}." if len(missing) == 1 else f"There are no alerts {shown}.",
            remedy="GET /api/v1/alerts and ioc alerts list give those that a reader may act on; nothing was done.",
        )
    return found


def _split(found: Sequence[_Alert], done: Callable[[_Alert], str | None]) -> _Sorted:
    todo: list[_Alert] = []
    notes: list[Acted] = []
    for alert in found:
        why = done(alert)
        if why is None:
            todo.append(alert)
        else:
            notes.append(Acted(alert.alert_id, False, why))
    return todo, notes


def _told(todo: Iterable[_Alert], done: Iterable[Acted]) -> list[Acted]:
    acted = [Acted(alert.alert_id, True, _cleared_note(alert) or "") for alert in todo]
    return sorted([*acted, *done], key=lambda one: one.alert_id)


def _acknowledged_note(alert: _Alert) -> str | None:
    if alert.acknowledged_at is None:
        return None
    return f"{alert.acknowledged_by} acknowledged it at {_shown(alert.acknowledged_at)} already."


def _cleared_note(alert: _Alert) -> str | None:
    return None if alert.cleared_at is None else f"It cleared at {_shown(alert.cleared_at)}."


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _expires(alert: _Alert, now: datetime) -> datetime | None:
    if alert.ack_for is None or alert.cleared_at is not None:
        return None
    return now + msgspec.convert(alert.ack_for, timedelta)


def _note(
    alerts: Sequence[int],
    kind: str,
    actor: str,
    now: datetime,
    via: str,
    more: Mapping[int, Mapping[str, Any]] | None = None,
    **said: str,
) -> Steps[None]:
    told = {name: text for name, text in {"via": via, **said}.items() if text}
    details = {alert: {**told, **(more or {}).get(alert, {})} for alert in alerts}
    yield from calling.note(details, kind, writing.name(actor, "actor"), now)
