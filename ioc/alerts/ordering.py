"""Actions by their names, as the API and the command line take them: texts in, steps out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from ioc.alerts import actions
from ioc.alerts.actions import Acted
from ioc.alerts.errors import AlertError
from ioc.kpi.query import Steps
from ioc.kpi.question import read_moment


class Action(StrEnum):
    """What may be done about alerts."""

    ACK = "ack"
    UNACK = "unack"
    ASSIGN = "assign"
    COMMENT = "comment"
    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"
    CLOSE = "close"


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes with an action.

    :param to: of ``assign``: whom to give it to; null: nobody.
    :param until: of ``snooze``: a moment as typed, in the reader's zone without an offset; or ``minutes``.
    :param reason: of ``close``.
    """

    comment: str = ""
    to: str | UnsetType | None = UNSET
    until: str | None = None
    minutes: float | None = None
    reason: str = ""


class BulkOrder(Order, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same with what is to be done, and to which alerts."""

    action: Action
    alerts: tuple[int, ...]


_GOES_WITH: Final = {
    Action.ACK: {"comment"},
    Action.UNACK: {"comment"},
    Action.ASSIGN: {"to", "comment"},
    Action.COMMENT: {"comment"},
    Action.SNOOZE: {"until", "minutes", "comment"},
    Action.UNSNOOZE: {"comment"},
    Action.CLOSE: {"reason"},
}
_EMPTY: Final = Order()
_MOST_MINUTES: Final = actions.LONGEST_SNOOZE / timedelta(minutes=1)


def carry_out(
    reader: str, action: Action, alerts: Iterable[int], order: Order, *, actor: str, via: str
) -> Steps[list[Acted]]:
    """Steps that do to alerts what is ordered, by the database's clock; see :mod:`ioc.alerts.actions`.

    :raises AlertError: the order does not fit the action, or can't be carried out.
    """
    for name in ("comment", "to", "until", "minutes", "reason"):
        if getattr(order, name) != getattr(_EMPTY, name) and name not in _GOES_WITH[action]:
            raise AlertError(
                f"{name} does not go with {action}.",
                remedy=f"What goes with it: {', '.join(sorted(_GOES_WITH[action]))}.",
            )
    return actions.by_the_clock(_act(reader, action, alerts, order, actor, via))


def _act(
    reader: str, action: Action, alerts: Iterable[int], order: Order, actor: str, via: str
) -> Callable[[datetime], Steps[list[Acted]]]:
    def act(now: datetime) -> Steps[list[Acted]]:
        said = order.comment
        if action is Action.ACK:
            return actions.acknowledge(reader, alerts, actor, now, said, via=via)
        if action is Action.UNACK:
            return actions.unacknowledge(reader, alerts, actor, now, said, via=via)
        if action is Action.ASSIGN:
            if isinstance(order.to, UnsetType):
                raise AlertError(
                    "Nobody is named to give it to.", remedy="Name a person; null takes it back."
                )
            return actions.assign(reader, alerts, actor, now, order.to, said, via=via)
        if action is Action.COMMENT:
            return actions.comment(reader, alerts, actor, now, said, via=via)
        if action is Action.SNOOZE:
            return _snooze(reader, alerts, order, actor, now, via)
        if action is Action.UNSNOOZE:
            return actions.unsnooze(reader, alerts, actor, now, said, via=via)
        return actions.close(reader, alerts, actor, now, order.reason, via=via)

    return act


def _snooze(
    reader: str, alerts: Iterable[int], order: Order, actor: str, now: datetime, via: str
) -> Steps[list[Acted]]:
    if (order.until is None) == (order.minutes is None):
        raise AlertError("The snooze has no end, or two.", remedy="Give either until or minutes.")
    if order.until is not None:
        ((zone,),) = yield "SELECT ioc.unit_zone(%s, NULL)", (reader,)
        end = read_moment(order.until, ZoneInfo(zone), what="until")
    else:
        minutes = order.minutes or 0.0
        if not 0 < minutes <= _MOST_MINUTES:
            raise AlertError(
                f"An alert can't be snoozed for {minutes:g} minutes.",
                remedy=f"Up to {actions.LONGEST_SNOOZE.days} days are taken; a maintenance window lasts longer.",
            )
        end = now + timedelta(minutes=minutes)
    return (yield from actions.snooze(reader, alerts, actor, now, end, order.comment, via=via))
