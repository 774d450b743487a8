"""How a signal moves on: pure, so that rules can be tried by the thousand without a server or a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from ioc.alerts.model import Observation, Phase, Rule, Signal

#: The first instant, from the one given on, at which a rule's alerts may be raised.
Opens = Callable[[datetime], datetime]


class Turn(StrEnum):
    """What a move means for the alert."""

    NONE = "none"
    FIRED = "fired"
    CLEARED = "cleared"


def always(moment: datetime) -> datetime:
    """The hours of a rule that has none."""
    return moment


def observe(
    signal: Signal | None, seen: Observation, rule: Rule, now: datetime, opens: Opens = always
) -> tuple[Signal | None, Turn]:
    """Where a signal stands after an observation.

    What is unknown changes nothing: a device that fell silent while it was down neither came up nor is more down. Time
    passes for nothing meanwhile: neither does a signal fire then, nor does it clear.

    :param signal: None where the condition did not hold.
    :param opens: of a rule that is only raised in working hours; a condition that began outside waits for them, and
        counts from their begin.
    :returns: the signal, None when there is none any more; and what happened to it.
    """
    if seen.holds is None:
        if signal is not None and signal.phase is not Phase.FIRING:
            signal = replace(signal, due_at=None)
        return signal, Turn.NONE
    if seen.holds:
        held = _pending(signal, seen, rule, now, opens)
        if signal is None or signal.phase is Phase.PENDING:
            return ripen(held, rule, now)
        if held.since > now:
            # it will hold again only later: a due date was moved on
            return held, Turn.CLEARED
        return ripen(replace(held, phase=Phase.FIRING, since=signal.since, due_at=seen.until), rule, now)
    if signal is None or signal.phase is Phase.PENDING:
        return None, Turn.NONE
    if signal.phase is Phase.FIRING or signal.due_at is None:
        away = min(seen.since or now, now)
        signal = replace(signal, phase=Phase.CLEARING, due_at=away + rule.clear_for)
    return ripen(signal, rule, now)


def _pending(signal: Signal | None, seen: Observation, rule: Rule, now: datetime, opens: Opens) -> Signal:
    # of a signal that waits for knowledge nobody can tell whether the condition held all the while
    counts_on = signal is not None and signal.due_at is not None
    since = seen.since or (signal.since if signal is not None and counts_on else now)
    return Signal(
        rule=seen.rule,
        subject=seen.subject,
        phase=Phase.PENDING,
        since=since,
        # what held all night did not hold for hours of an open office yet
        due_at=opens(opens(since) + rule.holds_for),
        ends_at=seen.until,
        unit_id=seen.unit_id,
        point=seen.point,
        value=seen.value,
        detail=seen.detail,
    )


def ripen(signal: Signal, rule: Rule, now: datetime) -> tuple[Signal | None, Turn]:
    """Where a signal stands when nothing but time passed.

    :returns: as :func:`observe`. A condition that began and ended while nobody looked leaves nothing behind.
    """
    fired = False
    while (due := signal.due_at) is not None and due <= now:
        if signal.phase is Phase.CLEARING:
            return None, Turn.NONE if fired else Turn.CLEARED
        if signal.phase is Phase.FIRING:
            signal = replace(signal, phase=Phase.CLEARING, due_at=due + rule.clear_for)
        elif signal.ends_at is not None and signal.ends_at <= due:
            return None, Turn.NONE
        else:
            signal = replace(signal, phase=Phase.FIRING, due_at=signal.ends_at)
            fired = True
    return signal, Turn.FIRED if fired else Turn.NONE
